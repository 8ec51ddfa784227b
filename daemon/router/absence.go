package router

import "slices"

// LinkUp tells that a node can be reached.
func (l *Leader) LinkUp(now int64, n NodeID) {
	p := l.peers[n]
	if p == nil || p.linked {
		return
	}
	p.linked, p.dead = true, false
	switch {
	case l.phase == opening:
		l.ask(p)
	case l.phase == serving:
		l.schedule(now, p)
	}
}

// schedule opens again for an edge that appeared, after its back-off (rule 5).
func (l *Leader) schedule(now int64, p *peer) {
	if now-p.flapped > flapForget {
		p.flap = 0
	}
	at := now + p.flap
	if l.readmit == 0 || at < l.readmit {
		l.readmit = at
	}
	l.advance(now)
}

// LinkDown tells that the link to a node is lost. dead says that its process
// is proved gone: the link was reset and a new one is refused.
func (l *Leader) LinkDown(now int64, n NodeID, dead bool) {
	p := l.peers[n]
	if p == nil || n == l.self {
		return
	}
	was := p.linked && p.synced
	p.linked, p.synced = false, false
	if dead && !p.dead {
		p.dead = true
		l.missed(now, p)
		l.bury(now, p)
	}
	switch {
	case l.phase == serving && was:
		p.flapped = now
		p.flap = min(max(2*p.flap, flapFirst), flapMax)
		l.again(now)
	case l.phase == opening, l.phase == serving && dead:
		l.advance(now)
	}
}

// bury forgets the sessions of an edge that is gone for good, as far as anyone
// can tell: a firewall that refuses looks the same, so the edges keep its set
// until it can have nothing left to send again (rule 13).
func (l *Leader) bury(since int64, p *peer) {
	p.absent = 0
	if p.known {
		l.dead[p.inc] = since
		delete(l.incs, p.inc)
		p.known = false
	}
	for _, s := range l.sessionsOf(p) {
		l.leave(s)
	}
}

func (l *Leader) sessionsOf(p *peer) []*session {
	var list []*session
	for _, s := range l.sessions {
		if s.edge == p {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *session) int { return a.SID.Compare(b.SID) })
	return list
}

// expire ends the hold of absent edges whose time is over.
func (l *Leader) expire(now int64) {
	for _, p := range l.ordered() {
		if p.absent != 0 && now >= p.absent {
			p.absent, p.gone = 0, true
			l.missed(now, p)
			for _, s := range l.sessionsOf(p) {
				l.leave(s)
			}
		}
	}
	l.rescue(now)
	l.release(now)
}

// unsure reports until when a missing recipient may still turn up at an edge
// that is absent but not proved dead; 0 means it will not.
func (l *Leader) unsure() int64 {
	var until int64
	for _, p := range l.peers {
		until = max(until, p.absent)
	}
	return until
}

package router

import (
	"cmp"
	"slices"
)

// again re-opens in the next epoch of this term (rule 5).
func (l *Leader) again(now int64) {
	l.epoch.K++
	l.open(now)
}

func (l *Leader) open(now int64) {
	l.phase, l.openedAt, l.readmit = opening, now, 0
	l.pending = make(map[FrameID]*pending)
	l.reported = make(map[FrameID][]uint64)
	l.inbox = nil
	for _, h := range l.holds {
		h.front, h.frames = nil, nil // their sources send them again
	}
	for _, p := range l.ordered() {
		p.synced, p.sync = false, nil
		if p.linked {
			l.ask(p)
		}
	}
	l.advance(now)
}

func (l *Leader) ask(p *peer) { l.send(p, Msg{Type: MsgOpen}) }

func (l *Leader) synced(now int64, p *peer, y *Sync) {
	if p.synced || l.phase == idle {
		return
	}
	if p.known && p.inc != y.Inc {
		l.bury(now-forgetAfter, p) // it restarted
	}
	p.inc, p.known, p.dead, p.linked = y.Inc, true, false, true
	l.incs[y.Inc] = p
	delete(l.dead, y.Inc)
	if l.phase == serving { // too late for this epoch: one more for it
		l.schedule(now, p)
		return
	}
	p.sync, p.synced, p.pong, p.absent, p.gone = y, true, now, 0, false
	l.advance(now)
}

// gathered reports whether every edge has synced or is absent (rule 2).
func (l *Leader) gathered(now int64) bool {
	late := now-l.openedAt >= syncWait
	for _, p := range l.peers {
		if p.linked && !p.synced && !late {
			return false
		}
	}
	return true
}

// resume is the GO of rule 3.
func (l *Leader) resume(now int64) {
	l.phase = serving
	l.pinged = now
	done := l.merge(now)
	var dead []Inc
	for inc, since := range l.dead {
		if now-since >= forgetAfter {
			dead = append(dead, inc)
		}
	}
	slices.SortFunc(dead, func(a, b Inc) int { return slices.Compare(a[:], b[:]) })
	for _, p := range l.ordered() {
		if p.synced {
			slices.Sort(done[p.inc])
			l.send(p, Msg{Type: MsgGo, Go: &Go{Done: done[p.inc], Dead: dead}})
		}
	}
	for _, s := range l.closings() {
		if s.edge.synced {
			l.send(s.edge, Msg{Type: MsgClose, SID: s.SID, Reason: "conflict"})
		}
	}
	l.release(now)
}

func (l *Leader) closings() []*session {
	var list []*session
	for _, s := range l.sessions {
		if s.Closing {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *session) int {
		return cmp.Or(cmp.Compare(a.edge.node, b.edge.node), cmp.Compare(a.SID.N, b.SID.N))
	})
	return list
}

// merge rebuilds the directory from the reports and returns, per source, the
// frames accepted as they were sent.
func (l *Leader) merge(now int64) map[Inc][]uint64 {
	old := l.directory
	l.directory = newDirectory()
	for _, s := range old.sessions { // an absent edge's sessions are held (rule 12)
		if !s.edge.synced && !s.edge.dead && l.peers[s.edge.node] == s.edge {
			s.waiters = nil
			l.claim(s)
		}
	}
	done := make(map[Inc][]uint64)
	for _, p := range l.ordered() {
		if !p.synced {
			if !p.dead && !p.gone && p.absent == 0 {
				p.absent = now + absentHold
			}
			continue
		}
		for _, c := range p.sync.Claims {
			l.claim(&session{Claim: c, edge: p})
		}
		for _, seen := range p.sync.Seen {
			for _, q := range seen.Seqs {
				done[seen.Inc] = append(done[seen.Inc], q)
				l.note(FrameID{seen.Inc, q}, 0)
			}
			for _, x := range seen.Subs {
				l.note(FrameID{seen.Inc, x.Seq}, x.Sub)
			}
		}
		p.sync = nil
	}
	return done
}

func (l *Leader) note(id FrameID, sub uint64) { l.reported[id] = append(l.reported[id], sub) }

// claim lists a session; of two claims to one address the higher stamp wins
// and the other is closed.
func (l *Leader) claim(s *session) {
	if o := l.full[s.JID]; o != nil && !s.Closing {
		if o.Stamp.Compare(s.Stamp) < 0 {
			l.retire(o)
		} else {
			s.Closing = true
		}
	}
	if s.Stamp.Term == l.epoch.Term && s.Stamp.Counter > l.counter {
		l.counter = s.Stamp.Counter
	}
	l.add(s)
	if s.Closing {
		l.holdOf(holdKey(s)).closing++
	}
}

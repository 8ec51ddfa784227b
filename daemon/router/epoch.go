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
	l.paced = make(map[paceKey]*pending)
	l.inbox = nil
	l.lanes, l.flights = make(map[laneKey]*lane), make(map[string]*flight)
	l.parting = make(map[string][]*session)
	l.unanswered, l.answeredLane = make(map[laneKey]int), laneKey{}
	l.told = told{offline: make(map[string]uint64), swept: l.told.swept}
	l.tracked, l.seeks, l.mirror = make(map[FrameID]*session), nil, mirror{}
	l.doubt = make(map[FrameID]bool)
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
		l.missed(now, p)
		l.bury(now-forgetAfter, p) // it restarted
	}
	if p.inc != y.Inc {
		p.newest = 0
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
	had := l.merge(now)
	var dead []Inc
	for inc, since := range l.dead {
		if now-since >= forgetAfter && !l.owed(inc) {
			dead = append(dead, inc)
		}
	}
	slices.SortFunc(dead, func(a, b Inc) int { return slices.Compare(a[:], b[:]) })
	live, sure := l.living()
	if sure {
		l.told.live = live
	}
	kept := l.kept(live)
	for _, p := range l.ordered() {
		if p.synced {
			l.send(p, Msg{Type: MsgGo, Go: &Go{Kept: kept, Lost: had.lost[p.node], Done: had.done.of(p.inc), Main: had.main.of(p.inc), Part: had.part.of(p.inc),
				Dead: dead, Live: live, Sure: sure}})
		}
	}
	for _, s := range l.closings() {
		if s.edge.synced {
			l.send(s.edge, Msg{Type: MsgClose, SID: s.SID, Reason: "conflict"})
		}
	}
	l.takeUp(now, &Go{Live: live, Sure: sure, Kept: kept})
	l.release(now)
	l.flushAll()
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

// had is what of the sources' frames was accepted: as they were sent, their main
// parts, and others.
type had struct {
	done, main, part bySource
	lost             map[NodeID][]SID // sessions that an edge claims and another one has
}

func (h *had) add(id FrameID, sub uint64) {
	switch {
	case sub == 0:
		h.done.add(id)
	case sub&mainBit != 0:
		h.main.add(id)
	default:
		h.part.add(id)
	}
}

type bySource map[Inc][]uint64

func (b bySource) add(id FrameID) { b[id.Inc] = append(b[id.Inc], id.Seq) }

// of returns the numbers of one source, ascending.
func (b bySource) of(inc Inc) []uint64 {
	slices.Sort(b[inc])
	return slices.Compact(b[inc])
}

// merge rebuilds the directory from the reports and returns what they say of
// frames.
func (l *Leader) merge(now int64) had {
	old := l.directory
	l.directory = newDirectory()
	for _, sid := range sortedSIDs(old.sessions) { // an absent edge's sessions are held (rule 12)
		s := old.sessions[sid]
		if s.orphan || !s.edge.synced && !s.edge.dead && l.peers[s.edge.node] == s.edge {
			s.waiters, s.move, s.given, s.former, s.left = nil, nil, false, nil, false
			l.claim(s)
			if bare := holdKey(s); s.orphan && s.Offline > l.told.offline[bare] {
				l.told.offline[bare] = s.Offline
			}
		}
	}
	h := had{make(bySource), make(bySource), make(bySource), make(map[NodeID][]SID)}
	held := l.held()
	for _, p := range l.ordered() {
		if !p.synced {
			if !p.dead && !p.gone && p.absent == 0 {
				p.absent = now + absentHold
			}
			continue
		}
		for _, c := range p.sync.Claims {
			s := &session{Claim: c, edge: p}
			if !l.reclaim(s, &h) {
				continue
			}
			if bare := holdKey(s); c.Offline > l.told.offline[bare] {
				l.told.offline[bare] = c.Offline
			}
		}
		for _, seen := range p.sync.Seen {
			for _, q := range seen.Seqs {
				h.add(FrameID{seen.Inc, q}, 0)
				l.note(FrameID{seen.Inc, q}, 0)
			}
			for _, x := range seen.Subs {
				h.add(FrameID{seen.Inc, x.Seq}, x.Sub)
				l.note(FrameID{seen.Inc, x.Seq}, x.Sub)
			}
		}
		p.sync = nil
	}
	l.unfold(now, held, &h)
	for _, s := range l.resumable() {
		l.known(s, &h)
	}
	return h
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

package router

import (
	"slices"

	"quorate.org/daemon/im"
)

// leave lets go of a session whose edge is gone. A resumable one lives on: the
// leader's own edge has it until its client comes back.
func (l *Leader) leave(s *session) {
	if s.Record == nil || s.Closing || l.peers[l.self] == nil {
		l.free(s)
		return
	}
	if mv := s.move; mv != nil {
		l.seeks = append(l.seeks, bindRequest{mv.to, Msg{Type: MsgResume, SID: mv.name, Token: s.Token, JID: holdKey(s)}})
	}
	l.orphan(s)
	for _, e := range s.names() {
		l.note(e.ID, e.Sub)
	}
}

func (l *Leader) orphan(s *session) {
	s.edge, s.orphan, s.given, s.move, s.former, s.left = l.peers[l.self], true, false, nil, nil, false
	s.Gen++
	s.Offline = max(s.Offline, s.stored())
	bare := holdKey(s)
	l.told.offline[bare] = max(l.told.offline[bare], s.Offline)
}

// rescue has the own edge adopt what is without one, and goes on with what its
// clients sent and the leader alone has.
func (l *Leader) rescue(now int64) {
	for _, s := range l.orphans() {
		if !s.given {
			s.given = true
			l.give(s, SID{})
			l.owing = true
		}
	}
	l.sendAllOn(now)
}

// takeUp is what begins behind GO: the holder gets its copies, sessions without an
// edge get one, and what no source has any more is sent on.
func (l *Leader) takeUp(now int64, g *Go) {
	l.elect()
	for _, s := range l.orphans() {
		s.given = true
		l.give(s, SID{})
	}
	l.haunt(g)
	l.owing = true
	l.sendAllOn(now)
}

// sendAllOn goes on with what clients sent at edges that are gone. It waits for an
// absent edge, which may have more of it than is reported.
func (l *Leader) sendAllOn(now int64) {
	if !l.owing || l.unsure() > now {
		return
	}
	l.owing = false
	for _, s := range l.resumable() {
		if !s.Closing && s.edge.synced {
			l.sendOn(now, s)
		}
	}
}

// reclaim lists a session that an edge reports, unless another edge has it by now.
func (l *Leader) reclaim(s *session, h *had) bool {
	if _, over := l.ended[s.Token]; over && s.Token != "" {
		h.lost[s.edge.node] = append(h.lost[s.edge.node], s.SID)
		return false
	}
	if o := l.sessions[s.SID]; o != nil {
		if s.Gen < o.Gen {
			h.lost[s.edge.node] = append(h.lost[s.edge.node], s.SID)
			return false
		}
		l.supplant(o, h)
	}
	l.claim(s)
	return true
}

// known tells what a session was given whose edge does not report it. One that has
// no edge any more took it, answered or not. An absent edge will say; until then no
// source gives up what may be there.
func (l *Leader) known(s *session, h *had) {
	for _, e := range s.names() {
		switch {
		case s.orphan:
			h.add(e.ID, e.Sub)
			l.note(e.ID, e.Sub)
		case !s.edge.synced:
			h.part.add(e.ID)
			l.doubt[e.ID] = true
		}
	}
}

// supplant takes a session off the list that another edge has.
func (l *Leader) supplant(o *session, h *had) {
	if o.edge.synced && !o.orphan {
		h.lost[o.edge.node] = append(h.lost[o.edge.node], o.SID)
	}
	l.remove(o)
	if hold := l.holds[holdKey(o)]; o.Closing && hold != nil && hold.closing > 0 {
		hold.closing--
	}
}

// held is the latest of what was kept for a leader.
func (l *Leader) held() (latest *Held) {
	for _, p := range l.ordered() {
		if p.synced && p.sync.Held != nil && (latest == nil || latest.Epoch.Compare(p.sync.Held.Epoch) < 0) {
			latest = p.sync.Held
		}
	}
	return latest
}

// unfold lists what was kept for a leader that is not there any more. While it may
// come back, it has its sessions still (rule 12).
func (l *Leader) unfold(now int64, held *Held, h *had) {
	if held == nil {
		return
	}
	p := l.peers[held.Node]
	if p != nil && p.synced && p.inc == held.Inc {
		return
	}
	absent := p != nil && !p.synced && !p.dead && !p.gone && (!p.known || p.inc == held.Inc)
	if absent {
		p.inc, p.known, p.absent = held.Inc, true, max(p.absent, now+1)
	}
	for _, c := range held.Claims {
		if o := l.sessions[c.SID]; o != nil {
			if o.Gen >= c.Gen {
				continue
			}
			l.supplant(o, h)
		}
		s := &session{Claim: c.copied(), edge: p}
		if !absent {
			l.orphan(s)
		}
		l.claim(s)
	}
}

// owed reports whether the leader still sends on what a session sent at a start of
// a node that is gone: what became of it is in the sets of that start.
func (l *Leader) owed(inc Inc) bool {
	for _, s := range l.tokens {
		for _, f := range s.Frames {
			if f.ID.Inc == inc {
				return true
			}
		}
	}
	return false
}

func (l *Leader) orphans() []*session {
	var list []*session
	for _, s := range l.tokens {
		if s.orphan {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b *session) int { return a.SID.Compare(b.SID) })
	return list
}

// sendOn routes what a session sent at an edge that is gone, as its source would
// have done (rule 4): a frame that a later one has overtaken is refused.
func (l *Leader) sendOn(now int64, s *session) {
	var list, overtaken []*Frame
	passed := make(map[uint64]bool)
	for _, f := range slices.Backward(s.Frames) {
		if _, on := l.tracked[f.ID]; on || f.ID.Inc == s.edge.inc {
			continue
		}
		l.tracked[f.ID] = s
		key := orderKey(f)
		switch subs := l.reported[f.ID]; {
		case len(subs) > 0:
			passed[key] = passed[key] || l.passedBy(subs)
			list = append(list, f)
		case passed[key]:
			overtaken = append(overtaken, f)
		default:
			list = append(list, f)
		}
	}
	for _, f := range slices.Backward(overtaken) {
		l.refuse(f, RecipientUnavailable)
	}
	for _, f := range slices.Backward(list) {
		l.admit(now, f)
	}
}

// passedBy reports whether a frame itself is among what was accepted of it.
func (l *Leader) passedBy(subs []uint64) bool {
	return slices.ContainsFunc(subs, func(sub uint64) bool { return sub == 0 || sub&mainBit != 0 })
}

// haunt tells the clients of resumable sessions who is gone with its edge (rule
// 12), in their queues, before anything of the new epoch.
func (l *Leader) haunt(g *Go) {
	if !g.Sure {
		return
	}
	for _, s := range l.resumable() {
		if s.Closing || !s.edge.synced {
			continue
		}
		for _, x := range s.vanished(g) {
			l.hand(s, Msg{Frame: &Frame{ID: FrameID{Inc: LeaderInc}, Class: PresenceUnavailable, Lane: x.of,
				Raw: im.AppendPresence(nil, "unavailable", x.from, s.JID, "")}})
		}
	}
}

func (l *Leader) resumable() []*session {
	list := make([]*session, 0, len(l.tokens))
	for _, s := range l.tokens {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *session) int { return a.SID.Compare(b.SID) })
	return list
}

// kept lists the sessions of starts of a node that are not there any more, which
// have moved in time.
func (l *Leader) kept(live []Inc) (list []SID) {
	for _, s := range l.resumable() {
		if !s.Closing && !slices.Contains(live, s.SID.Inc) {
			list = append(list, s.SID)
		}
	}
	return list
}

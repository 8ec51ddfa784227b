package router

import "quorate.org/daemon/stanza"

// maxEnded is how many sessions that have ended are remembered, so that a client
// that comes back for one is told what of it was received (XEP-0198 §5).
const maxEnded = 1024

// ended is a resumable session that is no more.
type ended struct {
	account string
	h       uint32
}

// move is a session on its way to the edge that its client came to.
type move struct {
	to      *peer
	name    SID // of the request
	halted  bool
	yielded bool
	given   bool  // Yield was sent: what is for the session waits here
	held    []Msg // … for the other edge
}

// resumptions is what the leader knows of resumable sessions.
type resumptions struct {
	tracked map[FrameID]*session // frames of resumable sessions, not resolved
	seeks   []bindRequest        // for sessions that may be at an absent edge
	ended   map[string]ended     // by token
	order   []string             // tokens of those, oldest first
	owing   bool                 // something may have to be sent on
	doubt   map[FrameID]bool     // what sessions of absent edges were given, and may have
}

func newResumptions() resumptions {
	return resumptions{tracked: make(map[FrameID]*session), ended: make(map[string]ended)}
}

// resumption handles what an edge says of resumable sessions.
func (l *Leader) resumption(now int64, p *peer, m Msg) {
	if m.Type == MsgMirrored {
		l.confirm(now, p, m.N)
		return
	}
	if m.Type == MsgResume {
		l.resumeAt(now, p, m)
		return
	}
	s := l.sessions[m.SID]
	if s == nil {
		return
	}
	switch m.Type {
	case MsgManage:
		l.manage(p, s, m.Claim)
	case MsgAcked:
		if s.edge == p && s.Record != nil && s.trim(uint32(m.N)) {
			l.reflect(s, Mirror{Kind: MirrorAcked, N: m.N})
		}
	case MsgReached:
		if s.edge == p && s.Record != nil {
			l.reached(s, m.N)
		}
	case MsgWaits:
		if s.edge == p {
			s.Waits = m.N != 0
			l.remind(s)
		}
	case MsgHalted:
		if s.edge == p && s.move != nil {
			l.reached(s, m.N)
			s.move.halted = true
			l.proceed(s)
		}
	case MsgYielded:
		if s.edge == p && s.move != nil && s.move.given {
			s.move.yielded = true
			l.proceed(s)
		}
	case MsgAdopted:
		l.adopted(p, s)
	}
}

// reached notes which stanza of a session was the last that a leader was given,
// when others than this one were given it.
func (l *Leader) reached(s *session, n uint64) {
	if n > s.Sent {
		s.Sent = n
		l.reflect(s, Mirror{Kind: MirrorReached, N: n})
	}
}

// manage makes a session resumable: from here on it has a second copy.
func (l *Leader) manage(p *peer, s *session, c *Claim) {
	if s.edge != p || s.Closing || c == nil || c.Token == "" || c.Record == nil {
		return
	}
	l.keepCopy(s, c)
	l.send(p, Msg{Type: MsgManaged, SID: s.SID})
}

func (l *Leader) keepCopy(s *session, c *Claim) {
	s.Token, s.Patience, s.Bound, s.Record = c.Token, c.Patience, c.Bound, c.Record.clone()
	l.tokens[s.Token] = s
	l.begin(s)
}

// begin gives the holder a session whole.
func (l *Leader) begin(s *session) {
	if l.mirrored(s) {
		c := s.copied()
		l.tellHolder(Mirror{Kind: MirrorBegin, Claim: &c})
	}
}

// hand sends a stanza to a session. That of a resumable one is in its copy first:
// its edge writes in the same order, so what its client says it has tells what of
// the copy that is (rule 11).
func (l *Leader) hand(s *session, m Msg) {
	m.Type, m.SID = MsgDeliver, s.SID
	if s.Record == nil {
		l.send(s.edge, m)
		return
	}
	if s.move != nil && s.move.given {
		s.move.held = append(s.move.held, m)
		return
	}
	if m.Frame.Mark&MarkShy != 0 {
		v := Hidden
		if s.shows(m.Frame) {
			v = Accepted
		}
		if v == Hidden || m.Frame.isAsked() {
			l.answered(Msg{Type: MsgAnswer, ID: m.Frame.ID, Sub: m.Sub, SID: s.SID, Verdict: v})
			return
		}
	}
	if s.Waits {
		m.Frame = delayed(m.Frame, domainOf([]byte(s.JID)))
	}
	s.put(entryOf(m.Frame, m.Sub))
	s.see(m.Frame)
	l.reflect(s, Mirror{Kind: MirrorPut, Frame: m.Frame, Sub: m.Sub})
	l.send(s.edge, m)
}

// track notes a frame of a resumable session. One of an edge that has the session
// no more was resolved before the session moved, or its client sends it again:
// false.
func (l *Leader) track(s *session, f *Frame) bool {
	if f.ID.Inc != s.edge.inc {
		return false
	}
	s.Record.note(f)
	s.took(f)
	l.tracked[f.ID] = s
	l.reflect(s, Mirror{Kind: MirrorTook, Frame: f})
	return true
}

// settle is the end of that.
func (l *Leader) settle(id FrameID) {
	s := l.tracked[id]
	if s == nil {
		return
	}
	delete(l.tracked, id)
	s.settled(id)
	l.reflect(s, Mirror{Kind: MirrorDone, ID: id})
	if s.edge.synced && s.edge.inc != id.Inc {
		l.send(s.edge, Msg{Type: MsgSettle, SID: s.SID, ID: id})
	}
	l.proceed(s)
}

// resumeAt finds the session that a client asks for at an edge.
func (l *Leader) resumeAt(now int64, p *peer, m Msg) {
	if l.phase != serving {
		return
	}
	s := l.tokens[m.Token]
	switch {
	case s == nil && l.unsure() > now, s != nil && !s.edge.synced: // rule 12
		l.seeks = append(l.seeks, bindRequest{p, m})
	case s == nil || s.Closing || holdKey(s) != m.JID:
		l.send(p, l.unknown(m))
	case s.edge == p && s.move == nil:
		l.send(p, Msg{Type: MsgResumed, SID: m.SID, For: s.SID})
	case s.move != nil && s.move.given: // the client came to a third place meanwhile
		l.seeks = append(l.seeks, bindRequest{p, m})
	case s.move != nil:
		l.yieldElsewhere(s.move, p, m.SID)
	default:
		l.yieldTo(s, p, m.SID)
	}
}

// unknown refuses to resume, and tells what was received if that is known.
func (l *Leader) unknown(m Msg) Msg {
	no := Msg{Type: MsgResumed, SID: m.SID, Reason: string(stanza.ItemNotFound)}
	if x, ok := l.ended[m.Token]; ok && x.account == m.JID {
		no.N = uint64(x.h) + 1
	}
	return no
}

// yieldTo has a session move to another edge, in three steps: its client sends
// nothing more where it was, what it sent is resolved, and then its queue moves.
func (l *Leader) yieldTo(s *session, p *peer, name SID) {
	s.move = &move{to: p, name: name}
	l.send(s.edge, Msg{Type: MsgHalt, SID: s.SID})
}

// yieldElsewhere has a session that has not left yet move to the edge that its
// client came to last. Whoever asked before is refused at once: its client is gone.
func (l *Leader) yieldElsewhere(mv *move, p *peer, name SID) {
	if mv.name != name {
		l.refuseMove(mv)
	}
	mv.to, mv.name = p, name
}

// refuseMove tells who asked for a session that it does not get it.
func (l *Leader) refuseMove(mv *move) {
	if mv.to.synced {
		l.send(mv.to, Msg{Type: MsgResumed, SID: mv.name, Reason: string(stanza.ItemNotFound)})
	}
}

// proceed takes the next step of a move, if it is time.
func (l *Leader) proceed(s *session) {
	mv := s.move
	switch {
	case mv == nil || !mv.halted || s.Closing:
	case !mv.given && len(s.Frames) == 0:
		if mv.to == s.edge { // the client has come back to where it was
			s.move = nil
			l.send(s.edge, Msg{Type: MsgResumed, SID: mv.name, For: s.SID})
			return
		}
		mv.given = true
		l.send(s.edge, Msg{Type: MsgYield, SID: s.SID})
	case mv.yielded:
		l.moveOn(s, mv)
	}
}

func (l *Leader) moveOn(s *session, mv *move) {
	s.move, s.former, s.left = nil, s.edge, l.mirrored(s)
	s.edge = mv.to
	s.Gen++
	l.give(s, mv.name)
	for _, m := range mv.held {
		l.hand(s, m)
	}
}

// give sends a session to its new edge.
func (l *Leader) give(s *session, name SID) {
	l.begin(s)
	c := s.copied()
	l.send(s.edge, Msg{Type: MsgAdopt, For: name, Claim: &c})
}

// adopted tells whoever had the session before that it is safe.
func (l *Leader) adopted(p *peer, s *session) {
	if s.edge != p {
		return
	}
	s.orphan = false
	if s.former != nil && s.former.synced {
		l.send(s.former, Msg{Type: MsgDrop, SID: s.SID})
	}
	if s.left && l.mirror.holder != nil && s.edge.node != l.self {
		l.tellHolder(Mirror{Kind: MirrorEnd, SID: s.SID})
	}
	s.former, s.left = nil, false
}

// abort ends a move: the session closes where it is.
func (l *Leader) abort(s *session) {
	mv := s.move
	if mv == nil {
		return
	}
	s.move = nil
	l.refuseMove(mv)
	for _, m := range mv.held {
		l.hand(s, m)
	}
}

// seekAgain looks once more for sessions that may turn up at an absent edge.
func (l *Leader) seekAgain(now int64) {
	list := l.seeks
	l.seeks = nil
	for _, w := range list {
		if w.edge.synced {
			l.resumeAt(now, w.edge, w.msg)
		}
	}
}

// bid, as in farewell, remembers a resumable session that has ended.
func (l *Leader) bid(s *session) {
	if s.Record == nil {
		return
	}
	l.ended[s.Token] = ended{holdKey(s), s.received()}
	l.order = append(l.order, s.Token)
	if len(l.order) > maxEnded {
		delete(l.ended, l.order[0])
		l.order = l.order[1:]
	}
}

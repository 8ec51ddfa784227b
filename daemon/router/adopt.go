package router

// seek is a client that asks for a session of its account.
type seek struct {
	token, account string
	h              uint32 // stanzas that it says it has
	sink           Sink
	grant          func(Resumption)
}

// Resumption is what became of a client's request to resume a session.
type Resumption struct {
	OK     bool
	SID    SID
	JID    string
	Last   uint64 // lane number of the last stanza that came from it
	H      uint32 // its count: what the client need not send again
	Reason string // why it is not resumed: the condition of a stanza error
	Known  bool   // … H is nevertheless that of the session, which has ended
	// TooHigh: the client says that it has more than Sent, which it was sent.
	TooHigh bool
	Sent    uint32
}

// Resume asks the leader for a session by its token, on behalf of a client of that
// account which says that it has h stanzas of it. grant is called once; before it
// is with OK, the sink gets what the client misses. The name returned is for
// Abandon.
func (e *Edge) Resume(token, account string, h uint32, sink Sink, grant func(Resumption)) SID {
	name := e.nextSID()
	e.seeks[name] = &seek{token, account, h, sink, grant}
	if e.going {
		e.seek(name)
	}
	return name
}

// Abandon ends a request to resume: the client is gone, or has waited too long.
func (e *Edge) Abandon(name SID) { delete(e.seeks, name) }

func (e *Edge) seek(name SID) {
	k := e.seeks[name]
	e.send(Msg{Type: MsgResume, SID: name, Token: k.token, JID: k.account})
}

func (e *Edge) seekAgain() {
	for _, name := range sortedSIDs(e.seeks) {
		e.seek(name)
	}
}

// resumption handles what a leader says of resumable sessions.
func (e *Edge) resumption(m Msg) {
	switch m.Type {
	case MsgManaged:
		e.managed(m.SID)
	case MsgResumed:
		e.resumed(m)
	case MsgHalt:
		e.halt(m.SID)
	case MsgYield:
		e.yield(m.SID)
	case MsgAdopt:
		e.adopt(m)
	case MsgDrop:
		e.dropMoved(m.SID)
	case MsgSettle:
		e.handled(&Frame{ID: m.ID, Lane: m.SID})
	case MsgMirror:
		e.hold(m)
	}
}

func (e *Edge) resumed(m Msg) {
	k := e.seeks[m.SID]
	if k == nil {
		return
	}
	if s := e.Owner.sessions[m.For]; s != nil && s.state == live {
		e.grantResume(m.SID, s)
		return
	}
	delete(e.seeks, m.SID)
	if m.Reason == "" {
		m.Reason = "item-not-found" // it has ended meanwhile
	}
	k.grant(Resumption{Reason: m.Reason, Known: m.N != 0, H: uint32(m.N - 1)})
}

// grantResume gives a session of this edge the stream that asked for it.
func (e *Edge) grantResume(name SID, s *owned) {
	k := e.seeks[name]
	delete(e.seeks, name)
	if !e.Acked(s.SID, k.h) {
		k.grant(Resumption{TooHigh: true, H: k.h, Sent: uint32(s.out())})
		return
	}
	e.attach(s, k.sink)
	e.Owner.resumed++
	k.grant(Resumption{OK: true, SID: s.SID, JID: s.JID, Last: s.Sent, H: s.received()})
}

// halt ends the stream of a session that another edge is to have: its client sends
// nothing more on it.
func (e *Edge) halt(sid SID) {
	var last uint64
	if s := e.Owner.sessions[sid]; s != nil {
		if last = s.Sent; s.state == live && s.sink != nil {
			s.sink.Shut("conflict") // XEP-0198 §5
			e.detach(s)
		}
	}
	e.send(Msg{Type: MsgHalted, SID: sid, N: last})
}

// yield stops looking after a session. It is kept until the other edge has it, or
// a new epoch finds that it has not.
func (e *Edge) yield(sid SID) {
	if s := e.Owner.sessions[sid]; s != nil {
		s.given = true
	}
	e.send(Msg{Type: MsgYielded, SID: sid})
}

// dropMoved forgets a session that another edge has.
func (e *Edge) dropMoved(sid SID) {
	if s := e.Owner.sessions[sid]; s != nil && s.given {
		e.Owner.release(s)
		delete(e.Owner.sessions, sid)
	}
}

// lose gives up a session that another edge was given while this one was out of
// reach. What its client sent here it sends again there, and what was taken from
// here for it is forgotten.
func (e *Edge) lose(sid SID) {
	s := e.Owner.sessions[sid]
	if s == nil {
		return
	}
	e.Source.Forsake(sid)
	if s.sink != nil {
		s.sink.Shut("reset")
	}
	e.Owner.release(s)
	delete(e.Owner.sessions, sid)
}

// adopt takes a session over, with all that its client has not (rule 10).
func (e *Edge) adopt(m Msg) {
	s := e.Owner.sessions[m.Claim.SID]
	if s == nil || s.Gen < m.Claim.Gen {
		if s != nil {
			e.Owner.release(s)
		}
		s = &owned{Claim: *m.Claim, state: live, managed: managed{counts: true, lost: e.now()}}
		e.Owner.sessions[s.SID] = s
		e.Owner.inherit(s.Record)
		e.Owner.weigh(s)
		e.Owner.tend(s)
		e.shown = true
	}
	e.send(Msg{Type: MsgAdopted, SID: s.SID})
	e.tellWaits(s)
	if e.seeks[m.For] != nil {
		e.grantResume(m.For, s)
	}
	e.Owner.makeRoom(nil, 0)
	e.endOver()
}

package router

import "slices"

// Edge is one node's side of the epoch protocol: it fences (rule 1), reports
// (rule 2), resumes (rule 4), and closes sessions behind the barrier (rule 10).
type Edge struct {
	Source *Source
	Owner  *Owner

	inc    Inc
	out    Out
	epoch  Epoch          // maxEpoch
	leader NodeID         // who opened it; empty before the first OPEN
	going  bool           // GO received in this epoch
	n      uint64         // sessions so far
	wait   map[uint64]SID // requeued seq → the session it is left over from

	now    func() int64
	parse  func(raw []byte) (c Class, ok bool)
	bounce func(*Frame)
}

// EdgeConfig is what an Edge needs from its owner.
type EdgeConfig struct {
	Inc    Inc
	Limits Limits
	Out    Out
	Now    func() int64 // Unix milliseconds
	// Parse reads the class of a stanza that has to be routed again.
	Parse func(raw []byte) (c Class, ok bool)
	// Bounce answers the sender of a frame that found no leader in time.
	Bounce func(*Frame)
}

// NewEdge returns an edge that has heard of no leader yet.
func NewEdge(c EdgeConfig) *Edge {
	return &Edge{
		Source: NewSource(c.Inc, c.Limits), Owner: NewOwner(),
		inc: c.Inc, out: c.Out, now: c.Now, parse: c.Parse, bounce: c.Bounce, wait: make(map[uint64]SID),
	}
}

// Leader returns the node whose epoch this edge is in, the epoch, and whether
// it is open for traffic.
func (e *Edge) Leader() (NodeID, Epoch, bool) { return e.leader, e.epoch, e.going }

func (e *Edge) send(m Msg) {
	m.Epoch = e.epoch
	e.out.Send(e.leader, m)
}

// Submit takes a stanza that a session of this edge sent; see Source.Submit.
func (e *Edge) Submit(f *Frame) { e.Source.Submit(f, e.sendFrame) }

func (e *Edge) sendFrame(f *Frame) { e.send(Msg{Type: MsgFrame, Frame: f}) }

// Receive handles one message of a leader.
func (e *Edge) Receive(from NodeID, m Msg) {
	if m.Type == MsgOpen {
		e.open(from, m.Epoch)
		return
	}
	if m.Epoch != e.epoch || from != e.leader {
		return // rule 1
	}
	switch m.Type {
	case MsgGo:
		e.resume(m.Go)
	case MsgDeliver:
		v, full := e.Owner.Deliver(m.Frame, m.SID, m.Sub)
		e.send(Msg{Type: MsgAnswer, ID: m.Frame.ID, Sub: m.Sub, SID: m.SID, Verdict: v})
		if full != nil {
			full.sink.Shut("resource-constraint")
			e.Unbind(full.SID)
		}
	case MsgResolve:
		e.resolve(m.ID.Seq)
	case MsgBound:
		e.bound(m.SID, m.Stamp, m.Reason)
	case MsgClose:
		e.close(m.SID, m.Reason)
	case MsgPing:
		e.send(Msg{Type: MsgPong})
	case MsgStop:
		e.LinkDown(from)
	}
}

// open fences and reports. The same OPEN comes again, before GO, when the link
// was lost and with it, perhaps, the report.
func (e *Edge) open(from NodeID, ep Epoch) {
	again := ep == e.epoch && from == e.leader && !e.going
	if ep.Compare(e.epoch) <= 0 && !again {
		return
	}
	e.epoch, e.leader, e.going = ep, from, false
	e.Source.Suspend()
	y := &Sync{Inc: e.inc}
	e.Owner.Report(y)
	e.send(Msg{Type: MsgSync, Sync: y})
}

func (e *Edge) resume(g *Go) {
	if e.going {
		return
	}
	e.going = true
	e.Owner.Forget(g.Dead)
	for _, q := range g.Done {
		e.settle(q)
	}
	e.Source.Go(g.Done, e.sendFrame, e.giveUp)
	for _, s := range e.in(asking) {
		e.ask(s)
	}
	for _, s := range e.in(closing) { // ended since SYNC, or reported by it: to be told twice does no harm
		e.send(Msg{Type: MsgUnbind, SID: s.SID})
	}
}

// in returns the sessions in a state, oldest first.
func (e *Edge) in(state ownedState) []*owned {
	var l []*owned
	for _, s := range e.Owner.sessions {
		if s.state == state {
			l = append(l, s)
		}
	}
	slices.SortFunc(l, func(a, b *owned) int { return int(a.SID.N) - int(b.SID.N) })
	return l
}

// LinkDown tells the edge that its link to a node is lost: when that is the
// leader, nothing is sent until the next OPEN, and what waits for it too long
// is bounced (rule 13).
func (e *Edge) LinkDown(n NodeID) {
	if n == e.leader {
		e.going = false
		e.Source.Suspend()
	}
}

// Bind asks the leader for a session; grant is called once, with the outcome.
func (e *Edge) Bind(k Kind, jid string, sink Sink, grant func(ok bool)) SID {
	e.n++
	s := &owned{Claim: Claim{SID: SID{e.inc, e.n}, Kind: k, JID: jid}, sink: sink, grant: grant}
	e.Owner.sessions[s.SID] = s
	if e.going {
		e.ask(s)
	}
	return s.SID
}

func (e *Edge) ask(s *owned) {
	e.send(Msg{Type: MsgBind, SID: s.SID, JID: s.JID, Kind: s.Kind})
}

func (e *Edge) bound(sid SID, st Stamp, refusal string) {
	s := e.Owner.sessions[sid]
	if s == nil {
		e.send(Msg{Type: MsgUnbind, SID: sid}) // given up while it was being granted
		return
	}
	if s.state != asking {
		return
	}
	if refusal != "" {
		delete(e.Owner.sessions, sid)
		s.grant(false)
		return
	}
	s.state, s.Stamp = live, st
	s.grant(true)
}

// Available notes a client's presence, so that SYNC reports it.
func (e *Edge) Available(sid SID, available bool, priority int8) {
	if s := e.Owner.sessions[sid]; s != nil {
		s.Available, s.Priority = available, priority
	}
}

// Unbind says that a session's stream has ended. Stanzas still on their way
// are boxed, and requeued when the leader closes the barrier.
func (e *Edge) Unbind(sid SID) {
	s := e.Owner.sessions[sid]
	switch {
	case s == nil:
	case s.state == asking:
		delete(e.Owner.sessions, sid)
	case s.state == live:
		s.state = closing
		if e.going {
			e.send(Msg{Type: MsgUnbind, SID: sid})
		}
	}
}

// close ends the barrier of rule 10: everything the leader forwarded has
// arrived, so what the stream did not write goes back as frames of this edge.
func (e *Edge) close(sid SID, reason string) {
	s := e.Owner.sessions[sid]
	if s == nil || s.state == closed {
		e.send(Msg{Type: MsgClosed, SID: sid})
		return
	}
	left := append(s.sink.Drain(), s.box...)
	if s.state == live {
		s.sink.Shut(reason)
	}
	s.state, s.box, s.boxed = closed, nil, 0
	for _, raw := range left {
		e.requeue(s, raw)
	}
	e.send(Msg{Type: MsgClosed, SID: sid})
	if s.left == 0 {
		delete(e.Owner.sessions, sid)
	}
}

// requeue sends a stanza back to be routed to the same address again, or
// answered: another resource may already have later stanzas of its lane.
func (e *Edge) requeue(s *owned, raw []byte) {
	c, ok := e.parse(raw)
	if !ok {
		return
	}
	f := &Frame{Requeue: s.SID, Class: c, To: []byte(s.JID), Raw: raw, Time: e.now()}
	e.Source.Submit(f, e.sendFrame)
	s.left++
	e.wait[f.ID.Seq] = s.SID
}

func (e *Edge) resolve(seq uint64) {
	e.settle(seq)
	e.Source.Resolve(seq)
}

// settle counts a requeued frame as done; the last one frees the session's claim.
func (e *Edge) settle(seq uint64) {
	sid, ok := e.wait[seq]
	if !ok {
		return
	}
	delete(e.wait, seq)
	s := e.Owner.sessions[sid]
	if s == nil {
		return
	}
	if s.left--; s.left == 0 && s.state == closed {
		delete(e.Owner.sessions, sid)
	}
}

// Tick bounces what has waited too long for a leader.
func (e *Edge) Tick() {
	e.Source.Expire(e.now(), e.giveUp)
}

func (e *Edge) giveUp(f *Frame) {
	e.settle(f.ID.Seq)
	e.bounce(f)
}

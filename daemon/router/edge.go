package router

import (
	"slices"

	"quorate.org/daemon/im"
)

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
	lost   int64          // since when there is no GO, Unix milliseconds; 0 while there is
	n      uint64         // sessions so far
	wait   map[uint64]SID // requeued seq → the session it is left over from
	seeks  map[SID]*seek  // clients that ask for a session, by a name of their own
	held   *holding       // what a leader has this edge keep; nil for nothing
	swept  int64          // when sessions were looked after
	shown  bool           // presence came since then

	now    func() int64
	wall   func() int64
	parse  func(raw []byte) (c Class, ok bool)
	bounce func(*Frame)
	known  func(jid string) bool
}

// EdgeConfig is what an Edge needs from its owner.
type EdgeConfig struct {
	Inc    Inc
	Limits Limits
	Out    Out
	Now    func() int64 // Unix milliseconds as of some start: what is timed
	Wall   func() int64 // as the clock is set: what is stamped; nil for Now
	// Parse reads the class of a stanza that has to be routed again.
	Parse func(raw []byte) (c Class, ok bool)
	// Known reports whether a session's account is there still; nil: all are.
	Known func(jid string) bool
	// Bounce answers the sender of a frame that found no leader in time.
	Bounce func(*Frame)
}

// NewEdge returns an edge that has heard of no leader yet.
func NewEdge(c EdgeConfig) *Edge {
	e := &Edge{
		Source: NewSource(c.Inc, c.Limits), Owner: NewOwner(),
		inc: c.Inc, out: c.Out, now: c.Now, parse: c.Parse, bounce: c.Bounce, wait: make(map[uint64]SID), seeks: make(map[SID]*seek),
	}
	e.Source.done, e.Source.now, e.Source.account = e.handled, c.Now, e.account
	if e.wall = c.Wall; e.wall == nil {
		e.wall = c.Now
	}
	if e.known = c.Known; e.known == nil {
		e.known = func(string) bool { return true }
	}
	if c.Limits.Queues > 0 {
		e.Owner.bound = c.Limits.Queues
	}
	return e
}

// handled tells a session that a frame of it is resolved.
func (e *Edge) handled(f *Frame) {
	if s := e.Owner.sessions[f.Lane]; s != nil && len(s.Frames) > 0 {
		s.settled(f.ID)
		s.ack()
	}
}

// account is whose client sent a frame; "" when it was none of this edge's clients.
func (e *Edge) account(f *Frame) string {
	if s := e.Owner.sessions[f.Lane]; s != nil && s.Kind == Client {
		return bareString(s.JID)
	}
	return ""
}

// Leader returns the node whose epoch this edge is in, the epoch, and whether
// it is open for traffic.
func (e *Edge) Leader() (NodeID, Epoch, bool) { return e.leader, e.epoch, e.going }

func (e *Edge) send(m Msg) {
	m.Epoch = e.epoch
	e.out.Send(e.leader, m)
}

// Submit takes a stanza that a session of this edge sent; see Source.Submit.
func (e *Edge) Submit(f *Frame) {
	s := e.Owner.sessions[f.Lane]
	if s != nil {
		if f.LaneSeq > s.Sent && (s.counts || s.manage != nil) { // of the client
			s.took(f)
		}
		s.note(f)
		e.shown = e.shown || f.Class == PresenceAvailable
	}
	e.Source.Submit(f, e.sendFrame)
	if s != nil && f.Class == PresenceUnavailable && len(f.To) == 0 {
		e.leaveDirected(s, f.Mark&MarkTurn)
	}
}

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
			e.overflow(full)
		}
		e.endOver()
	case MsgResolve:
		e.resolve(m.ID.Seq)
	case MsgBound:
		e.bound(m.SID, m.Stamp, m.Reason)
	case MsgClose:
		e.close(m.SID, m.Reason)
	case MsgPing:
		e.send(Msg{Type: MsgPong})
	case MsgForget:
		e.forget(m.SID)
	case MsgAlive:
		e.ghosts(m.Go)
	case MsgStop:
		e.LinkDown(from)
	default:
		e.resumption(m)
	}
}

// open fences and reports. The same OPEN comes again, before GO, when the link
// was lost and with it, perhaps, the report.
func (e *Edge) open(from NodeID, ep Epoch) {
	again := ep == e.epoch && from == e.leader && !e.going
	if ep.Compare(e.epoch) <= 0 && !again {
		return
	}
	e.epoch, e.leader = ep, from
	e.suspend()
	y := &Sync{Inc: e.inc, Held: e.held.report()}
	e.Owner.Report(y)
	e.send(Msg{Type: MsgSync, Sync: y})
}

func (e *Edge) resume(g *Go) {
	if e.going {
		return
	}
	e.going = true
	for _, sid := range g.Lost {
		e.lose(sid)
	}
	e.ghosts(g)
	e.Owner.Forget(g.Dead)
	for _, s := range e.in(live) {
		s.given = false
		if s.manage != nil { // before its frames, which count
			e.askManage(s)
		}
	}
	for _, q := range g.Done {
		e.settle(q)
	}
	e.Source.Go(g, e.sendFrame, e.giveUp)
	for _, s := range e.in(live) {
		if s.Token != "" && s.counts { // behind the frames that are sent again
			e.send(Msg{Type: MsgReached, SID: s.SID, N: s.Sent})
			e.tellWaits(s)
		}
	}
	for _, s := range e.in(asking) {
		e.ask(s)
	}
	e.seekAgain()
	for _, s := range e.in(closing) { // ended since SYNC, or reported by it: to be told twice does no harm
		e.send(Msg{Type: MsgUnbind, SID: s.SID})
	}
	if e.lost != 0 && e.now()-e.lost >= absentHold {
		e.announce()
	}
	e.lost = 0
}

// suspend stops sending until the next GO.
func (e *Edge) suspend() {
	if e.going {
		e.lost = e.now()
	}
	e.going = false
	e.Source.Suspend()
}

// in returns the sessions in a state, oldest first.
func (e *Edge) in(state ownedState) []*owned {
	var l []*owned
	for _, s := range e.Owner.sessions {
		if s.state == state {
			l = append(l, s)
		}
	}
	slices.SortFunc(l, func(a, b *owned) int { return a.SID.Compare(b.SID) })
	return l
}

// LinkDown tells the edge that its link to a node is lost: when that is the
// leader, nothing is sent until the next OPEN, and what waits for it too long
// is bounced (rule 13).
func (e *Edge) LinkDown(n NodeID) {
	if n == e.leader {
		e.suspend()
	}
}

// Bind asks the leader for a session, from its first moment with copies of the
// account's messages if it wants them; grant is called once, with the outcome.
func (e *Edge) Bind(k Kind, jid string, carbons bool, sink Sink, grant func(ok bool)) SID {
	return e.BindResumable(k, jid, carbons, Resumable{}, sink, grant)
}

// BindResumable is Bind for a session that is resumable from the start (XEP-0198
// §7.1); without a token it is Bind.
func (e *Edge) BindResumable(k Kind, jid string, carbons bool, how Resumable, sink Sink, grant func(ok bool)) SID {
	s := &owned{Claim: Claim{SID: e.nextSID(), Kind: k, JID: jid, Carbons: carbons, Record: &Record{}}, sink: sink, grant: grant}
	s.want(how)
	e.Owner.sessions[s.SID] = s
	if e.going {
		e.ask(s)
	}
	return s.SID
}

func (e *Edge) nextSID() SID {
	e.n++
	return SID{e.inc, e.n}
}

func (e *Edge) ask(s *owned) {
	m := Msg{Type: MsgBind, SID: s.SID, JID: s.JID, Kind: s.Kind, Carbons: s.Carbons}
	if s.Token != "" {
		c := s.Claim.copied()
		m.Claim = &c
	}
	e.send(m)
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
	s.counts = s.Token != ""
	s.grant(true)
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
		e.farewell(s)
		s.state = closing
		e.Owner.weigh(s)
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
	left := append(s.leftover(), s.box...)
	if s.state == live {
		if s.sink != nil {
			s.sink.Shut(reason)
		}
		e.farewell(s)
	}
	e.Owner.release(s)
	s.state, s.box, s.boxed = closed, nil, 0
	s.Record = &Record{Sent: s.Sent}
	for _, raw := range left {
		e.requeue(s, raw)
	}
	e.send(Msg{Type: MsgClosed, SID: sid})
	e.drop(s)
}

// drop forgets a closed session when nobody needs its claim any more: what it
// left over is resolved, and the store knows what it took.
func (e *Edge) drop(s *owned) {
	if s.state == closed && s.left == 0 && s.Offline == 0 {
		delete(e.Owner.sessions, s.SID)
	}
}

func (e *Edge) forget(sid SID) {
	if s := e.Owner.sessions[sid]; s != nil && s.state == closed {
		s.Offline = 0
		e.drop(s)
	}
}

// requeue sends a stanza back to be routed to the same address again, handed on with
// the time it came (passOn), or answered.
func (e *Edge) requeue(s *owned, raw []byte) {
	c, ok := e.parse(raw)
	if !ok {
		return
	}
	if domain := string(domainOf([]byte(s.JID))); c.IsMessage() && s.sink == nil && s.lost != 0 && !im.HasDelay(raw, domain) {
		raw = im.Delayed(raw, domain, e.wall()-(e.now()-s.lost)) // XEP-0198 §4: it came before that, and not when it is given up
	}
	f := &Frame{Requeue: s.SID, Class: c, To: []byte(s.JID), Raw: raw, Time: e.wall()}
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
	s.left--
	e.drop(s)
}

// Tick bounces what has waited too long for a leader.
func (e *Edge) Tick() {
	e.Source.Expire(e.now(), e.giveUp)
	e.tend()
}

func (e *Edge) giveUp(f *Frame) {
	e.settle(f.ID.Seq)
	e.bounce(f)
}

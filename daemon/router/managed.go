package router

import (
	"maps"
	"slices"
)

// What management does by the clock, in milliseconds.
const (
	ackWithin = 1000 // a request of the client is answered, if with less than it sent
	tendEvery = 250  // lost streams are looked through
)

// askAfter is how many stanzas a client is sent at most before it is asked what
// it has. Fewer are asked for at the next tick.
const askAfter = 64

// Reached is how many sessions ended for a bound of stream management: of the bytes
// that one client or all may miss, and of the time that one is waited for.
type Reached struct{ Queue, Total, Time uint64 }

// Kept is what stream management holds at an edge, and has met with.
type Kept struct {
	Waiting int // sessions without a stream
	Bytes   int // that clients have not said they have
	Resumed uint64
	Reached Reached
}

// Kept returns it.
func (o *Owner) Kept() Kept {
	k := Kept{Bytes: o.queued, Resumed: o.resumed, Reached: o.reached}
	for _, s := range o.tended {
		if s.state == live && s.sink == nil {
			k.Waiting++
		}
	}
	return k
}

// managed is the stream management of an owned session (XEP-0198).
type managed struct {
	counts   bool   // stanzas are counted and kept until the client has them
	streamed int    // of those counted, how many the present stream was given
	asked    bool   // the client was asked and has not answered
	since    int    // stanzas since it was asked
	told     uint32 // the last count of its stanzas that the client was told
	wants    bool   // it wants to be told …
	upTo     uint32 // … when so many are handled
	by       int64  // … or at the latest

	manage func(ok bool) // management was asked for
	lost   int64         // when its stream was lost; while sink is nil
	given  bool          // to another edge, which has not confirmed it

	weighed int  // its part of Owner.queued
	over    bool // it ends for a bound
}

// push writes what was put in the queue, if there is a stream.
func (s *owned) push(e Entry) {
	if s.sink == nil {
		return
	}
	s.sink.Enqueue(e.Raw) // one that can not take it has ended: the queue has the stanza
	s.streamed++
	if s.since++; s.since >= askAfter {
		s.ask()
	}
}

// ask asks the client what it has, unless it was asked and owes the answer.
func (s *owned) ask() {
	if s.sink != nil && !s.asked && len(s.Queue) > 0 {
		s.asked, s.since = true, 0
		s.sink.Ask()
	}
}

// idle reports whether nothing has to be done for the session by the clock.
func (s *owned) idle() bool {
	return !s.counts || s.sink != nil && !s.wants && (s.asked || len(s.Queue) == 0)
}

// reported is the claim as SYNC has it: with what another edge would need. inc is
// the edge's own: what is in its source it sends again itself.
func (s *owned) reported(inc Inc) Claim {
	s.Waits = s.waits()
	c := s.Claim
	if c.Token == "" || !s.counts || s.state != live {
		c.Token, c.Record = "", nil
		return c
	}
	c = c.copied()
	c.Record.Frames = slices.DeleteFunc(c.Record.Frames, func(f *Frame) bool {
		if f.ID.Inc == inc { // the leader has not received it
			c.Sent = min(c.Sent, max(f.LaneSeq, 1)-1)
		}
		return f.ID.Inc == inc
	})
	return c
}

// Count begins to count the stanzas of a session that ends with its stream
// (XEP-0198 §3), without a word to the leader. bound is how many bytes its client
// may miss.
func (e *Edge) Count(sid SID, bound int) bool {
	s := e.Owner.sessions[sid]
	if !s.manageable() {
		return false
	}
	s.Bound, s.counts, s.Base = bound, true, s.Sent
	return true
}

// manageable reports whether management may begin: a client asks for it once.
func (s *owned) manageable() bool {
	return s != nil && s.state == live && !s.counts && s.manage == nil
}

// Resumable is what a session that can be resumed is given.
type Resumable struct {
	Token    string
	Patience int64 // how long it waits for its client, in milliseconds
	Bound    int   // bytes that its client may miss
}

// Manage asks the leader to make a session resumable; grant is called when it is,
// and stanzas are counted from there. Those of the client count from now on.
func (e *Edge) Manage(sid SID, how Resumable, grant func(ok bool)) bool {
	s := e.Owner.sessions[sid]
	if !s.manageable() {
		return false
	}
	s.want(how)
	s.manage, s.Base = grant, s.Sent
	if e.going {
		e.askManage(s)
	}
	return true
}

func (s *owned) want(how Resumable) {
	s.Token, s.Patience, s.Bound = how.Token, how.Patience, how.Bound
}

func (e *Edge) askManage(s *owned) {
	c := s.Claim.copied()
	c.Record.Frames = nil
	e.send(Msg{Type: MsgManage, SID: s.SID, Claim: &c})
}

func (e *Edge) managed(sid SID) {
	s := e.Owner.sessions[sid]
	if s == nil || s.manage == nil {
		return
	}
	grant := s.manage
	s.manage, s.counts = nil, true
	grant(true)
}

// Acked takes what a client says it has; false when it says more than it was sent.
func (e *Edge) Acked(sid SID, h uint32) bool {
	s := e.Owner.sessions[sid]
	if s == nil || !s.counts {
		return true
	}
	before := s.Acked
	if !s.trim(h) {
		return false
	}
	e.Owner.weigh(s)
	s.asked = false
	e.Owner.tend(s)
	if s.Token != "" && s.Acked != before && e.going {
		e.send(Msg{Type: MsgAcked, SID: sid, N: uint64(h)})
	}
	return true
}

// SentTo is how many stanzas a client was sent, modulo 2^32.
func (e *Edge) SentTo(sid SID) uint32 {
	if s := e.Owner.sessions[sid]; s != nil {
		return uint32(s.out())
	}
	return 0
}

// Wants takes a client's request to be told how many of its stanzas are handled.
// It is answered when those that came before it are.
func (e *Edge) Wants(sid SID) {
	s := e.Owner.sessions[sid]
	if s == nil || !s.counts {
		return
	}
	s.wants, s.upTo, s.by = true, s.received(), e.now()+ackWithin
	e.Owner.tend(s)
	s.ack()
}

// ack answers what the client wants to know, once there is all of it.
func (s *owned) ack() {
	if s.wants && s.sink != nil && int32(s.handled()-s.upTo) >= 0 {
		s.tell()
	}
}

// tell says what is handled. The count never falls: at a resumption the client
// was told what had come.
func (s *owned) tell() {
	s.wants = false
	if h := s.handled(); int32(h-s.told) > 0 {
		s.told = h
	}
	s.sink.Ack(s.told)
}

// Answer says something to the client of a session that is not resumable, or was
// not when it asked: raw, if there is an answer, to its stanza of that lane number.
func (e *Edge) Answer(sid SID, n uint64, raw []byte) {
	s := e.Owner.sessions[sid]
	if s == nil {
		return
	}
	s.Sent = max(s.Sent, n)
	if len(raw) > 0 {
		e.say(s, raw)
	}
}

// Detach says that the stream of a session is lost. A resumable one waits for its
// client; any other ends (XEP-0198 §8).
func (e *Edge) Detach(sid SID) {
	s := e.Owner.sessions[sid]
	if s == nil || s.state != live || s.Token == "" || !s.counts {
		e.Unbind(sid)
		return
	}
	e.detach(s)
}

func (e *Edge) detach(s *owned) {
	s.sink, s.lost = nil, e.now()
	s.asked, s.wants = false, false
	e.Owner.tend(s)
	e.tellWaits(s)
}

// waits reports whether a session has no stream and may get one.
func (s *owned) waits() bool { return s.state == live && s.sink == nil }

// tellWaits tells the leader whether a session waits for its client, if that is
// news: it gives notice of messages then (XEP-0357).
func (e *Edge) tellWaits(s *owned) {
	if e.going && s.Waits != s.waits() {
		s.Waits = !s.Waits
		n := uint64(0)
		if s.Waits {
			n = 1
		}
		e.send(Msg{Type: MsgWaits, SID: s.SID, N: n})
	}
}

// attach gives a session a stream: what the client has not is sent again.
func (e *Edge) attach(s *owned, sink Sink) {
	if s.sink != nil {
		s.sink.Shut("conflict") // XEP-0198 §5
	}
	s.sink, s.asked, s.since, s.wants = sink, false, 0, false
	s.told, s.streamed = s.received(), len(s.Queue)
	for _, q := range s.Queue {
		sink.Enqueue(q.Raw)
	}
	s.ask()
	e.Owner.tend(s)
	e.tellWaits(s)
}

// leftover is what goes back as frames when a session ends: what was not written
// and, of what is counted, all that the client has not (XEP-0198 §4).
func (s *owned) leftover() (list [][]byte) {
	if s.sink != nil {
		list = s.sink.Drain()
	}
	if !s.counts {
		return list
	}
	list = list[:max(0, len(list)-s.streamed)] // of the time before it counted
	for _, q := range s.Queue {
		list = append(list, q.Raw)
	}
	return list
}

// tend has a session looked after by the clock.
func (o *Owner) tend(s *owned) { o.tended[s.SID] = s }

// tend asks clients what they have, answers those that waited, and ends sessions
// whose client does not come back.
func (e *Edge) tend() {
	now := e.now()
	if now-e.swept < tendEvery {
		return
	}
	e.swept = now
	e.thin()
	for _, s := range sorted(e.Owner.tended) {
		switch {
		case s.state != live || s.given:
		case s.sink == nil:
			switch over := now-s.lost >= s.Patience; {
			case over:
				e.Owner.reached.Time++
				fallthrough
			case !e.known(s.JID): // nobody can sign in to resume it
				e.Unbind(s.SID)
			}
		default:
			if s.wants && now >= s.by {
				s.tell()
			}
			s.ask()
		}
		if s.state != live || s.idle() {
			delete(e.Owner.tended, s.SID)
		}
	}
}

// release ends the count of what a session that is no more of this edge holds.
func (o *Owner) release(s *owned) {
	o.queued -= s.weighed
	s.weighed = 0
	delete(o.tended, s.SID)
}

// sorted lists sessions in the order they were bound in.
func sorted(m map[SID]*owned) []*owned {
	return slices.SortedFunc(maps.Values(m), func(a, b *owned) int { return a.SID.Compare(b.SID) })
}

// Uses reports whether a session has that stream.
func (e *Edge) Uses(sid SID, sink Sink) bool {
	s := e.Owner.sessions[sid]
	return s != nil && s.sink == sink
}

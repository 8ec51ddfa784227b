package router

import "quorate.org/daemon/im"

// Sink is where an owner puts the stanzas of one session: the outbox of its stream.
type Sink interface {
	// Enqueue takes a stanza without blocking; false means the bound is reached or the stream is gone.
	Enqueue(raw []byte) bool
	// Room reports whether a stanza of n bytes leaves the outbox filled to so many
	// eighths at most.
	Room(n, eighths int) bool
	// Drain stops the stream's output and returns what was not yet written, in order.
	Drain() [][]byte
	// Shut ends the stream with a stream error condition, or without one for "".
	Shut(condition string)
	// Ack tells the client how many of its stanzas are handled (XEP-0198 §4).
	Ack(h uint32)
	// Ask asks the client how many it has.
	Ask()
}

type ownedState uint8

const (
	asking  ownedState = iota // Bind sent, not granted
	live                      // bound; its stream may be lost for a while, if it is resumable
	closing                   // its stream has ended; stanzas are boxed until Close
	closed                    // Closed sent; leftovers not yet all resolved
)

// owned is one session of this edge.
type owned struct {
	Claim // with its Record, always
	managed
	sink  Sink // nil while it has no stream
	state ownedState
	box   [][]byte // accepted after the stream ended, to be requeued
	boxed int      // bytes in box
	left  int      // requeued frames not yet resolved
	grant func(ok bool)
}

// boxBound is how many bytes a session that has ended may still take until the
// leader has heard of it.
const boxBound = 1 << 20

// Owner hands deliveries to the sessions of one edge, each exactly once.
type Owner struct {
	seen     map[Inc]*seenSet
	sessions map[SID]*owned
	tended   map[SID]*owned // those that something is to be done for by the clock
	queued   int            // bytes that clients have not said they have: weigh keeps count
	bound    int            // … may be at most
	ending   []*owned       // sessions that have to end for it
	reached  Reached
	resumed  uint64
}

// NewOwner returns an owner without sessions.
func NewOwner() *Owner {
	return &Owner{seen: make(map[Inc]*seenSet), sessions: make(map[SID]*owned), tended: make(map[SID]*owned), bound: DefaultQueues}
}

// Deliver applies rule 7 to one delivery of the current epoch. full is the
// session to close when its bound was reached.
func (o *Owner) Deliver(f *Frame, sid SID, sub uint64) (v Verdict, full *owned) {
	switch f.ID.Inc {
	case StoreInc:
		return o.deliverStored(f, o.sessions[sid])
	case LeaderInc:
		return o.take(o.sessions[sid], f, sub)
	}
	set := o.setOf(f.ID.Inc, f.Low)
	if set.has(f.ID.Seq, sub) {
		return Accepted, nil
	}
	s := o.sessions[sid]
	if s == nil || s.state == asking || s.state == closed {
		return Gone, nil
	}
	if f.ID.Seq >= set.low+ring && !f.isAsked() {
		return Full, nil
	}
	if f.Mark&MarkShy != 0 && s.Token == "" && !s.shows(f) { // of one that has, the leader knows
		return Hidden, nil
	}
	if f.isAsked() {
		return Accepted, nil
	}
	if o.refuses(s, f) {
		if f.Mark&MarkPaced != 0 {
			return Busy, nil
		}
		return Accepted, nil
	}
	if v, full := o.take(s, f, sub); v != Accepted {
		return v, full
	}
	set.add(f.ID.Seq, sub)
	return Accepted, nil
}

// isAsked reports whether a frame only asks its recipient's edge whether the resource
// sent presence to the sender: a probe of a stranger, which no client gets.
func (f *Frame) isAsked() bool { return f.Class == PresenceProbe && f.Mark&MarkShy != 0 }

// shows reports whether a session sent presence to the sender of a stanza.
func (r *Record) shows(f *Frame) bool {
	from := im.Sender(f.Raw)
	return r.Directed[from.String()] || r.Directed[from.Bare().String()]
}

// setOf returns what was accepted of a source that keeps frames from low on.
func (o *Owner) setOf(inc Inc, low uint64) *seenSet {
	set := o.seen[inc]
	if set == nil {
		set = &seenSet{low: low}
		o.seen[inc] = set
	}
	set.advance(low)
	return set
}

// inherit adds the names of what a session took at another edge, so that none of
// it is taken again (rule 10).
func (o *Owner) inherit(r *Record) {
	for _, e := range r.names() {
		if set := o.setOf(e.ID.Inc, e.Low); !set.has(e.ID.Seq, e.Sub) {
			set.add(e.ID.Seq, e.Sub)
		}
	}
}

// take puts a stanza in the outbox, or boxes it when the stream has ended.
func (o *Owner) take(s *owned, f *Frame, sub uint64) (v Verdict, full *owned) {
	switch {
	case s == nil || s.state == asking || s.state == closed:
		return Gone, nil
	case s.state == closing:
		if s.boxed += len(f.Raw); s.boxed > boxBound {
			return Full, nil
		}
		s.box = append(s.box, f.Raw)
	case s.counts:
		if !o.keep(s, entryOf(f, sub)) {
			return Full, s
		}
	case !s.sink.Enqueue(f.Raw):
		return Full, s
	}
	if s.Token != "" || f.Lane.Inc != s.SID.Inc { // those of one edge end together, unless they are resumed elsewhere
		s.see(f)
	}
	return Accepted, nil
}

// deliverStored takes a message of the offline store. A session gets them in
// their order, so the last one it took tells which it has.
func (o *Owner) deliverStored(f *Frame, s *owned) (v Verdict, full *owned) {
	if s == nil || s.state == asking || s.state == closed {
		return Gone, nil
	}
	if f.ID.Seq <= s.Offline {
		return Accepted, nil
	}
	if v, full := o.take(s, f, 0); v != Accepted {
		return v, full
	}
	s.Offline = f.ID.Seq
	return Accepted, nil
}

// Forget drops the sets of dead incarnations.
func (o *Owner) Forget(dead []Inc) {
	for _, inc := range dead {
		delete(o.seen, inc)
	}
}

// Report fills a Sync with this owner's claims and sets.
func (o *Owner) Report(y *Sync) {
	for _, s := range sorted(o.sessions) {
		if s.state == asking {
			continue
		}
		c := s.reported(y.Inc)
		c.Closing = s.state != live
		y.Claims = append(y.Claims, c)
	}
	for inc, set := range o.seen {
		if r := set.report(inc); len(r.Seqs)+len(r.Subs) > 0 {
			y.Seen = append(y.Seen, r)
		}
	}
}

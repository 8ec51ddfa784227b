package router

// Sink is where an owner puts the stanzas of one session: the outbox of its stream.
type Sink interface {
	// Enqueue takes a stanza without blocking; false means the bound is reached or the stream is gone.
	Enqueue(raw []byte) bool
	// Drain stops the stream's output and returns what was not yet written, in order.
	Drain() [][]byte
	// Shut ends the stream with a stream error condition, or without one for "".
	Shut(condition string)
}

type ownedState uint8

const (
	asking  ownedState = iota // Bind sent, not granted
	live                      // bound
	closing                   // its stream has ended; stanzas are boxed until Close
	closed                    // Closed sent; leftovers not yet all resolved
)

// owned is one session of this edge.
type owned struct {
	Claim
	sink  Sink
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
}

// NewOwner returns an owner without sessions.
func NewOwner() *Owner {
	return &Owner{seen: make(map[Inc]*seenSet), sessions: make(map[SID]*owned)}
}

// Deliver applies rule 7 to one delivery of the current epoch. full is the
// session to close when its bound was reached.
func (o *Owner) Deliver(f *Frame, sid SID, sub uint64) (v Verdict, full *owned) {
	set := o.seen[f.ID.Inc]
	if set == nil {
		set = &seenSet{low: f.Low}
		o.seen[f.ID.Inc] = set
	}
	set.advance(f.Low)
	if set.has(f.ID.Seq, sub) {
		return Accepted, nil
	}
	s := o.sessions[sid]
	if s == nil || s.state == asking || s.state == closed {
		return Gone, nil
	}
	if f.ID.Seq >= set.low+ring {
		return Full, nil
	}
	if s.state == live && !s.sink.Enqueue(f.Raw) {
		return Full, s
	}
	if s.state == closing {
		if s.boxed += len(f.Raw); s.boxed > boxBound {
			return Full, nil
		}
		s.box = append(s.box, f.Raw)
	}
	set.add(f.ID.Seq, sub)
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
	for _, s := range o.sessions {
		if s.state == asking {
			continue
		}
		c := s.Claim
		c.Closing = s.state != live
		y.Claims = append(y.Claims, c)
	}
	for inc, set := range o.seen {
		if r := set.report(inc); len(r.Seqs)+len(r.Subs) > 0 {
			y.Seen = append(y.Seen, r)
		}
	}
}

package router

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
)

// DefaultQueues is how many bytes the clients of one edge may miss together. A
// report of three times that must fit one message between nodes.
const DefaultQueues = 8 << 20

// MaxQueues is the most that it may be set to (xmpp.resume_total).
const MaxQueues = 9 << 20

// maxHeld is what a report has of the sessions that are kept for a leader: their
// queues, and what they sent.
const maxHeld = MaxQueues + MaxBytes + MaxFrames*frameWeight

// frameWeight is the most that a frame takes in a report beside its stanza.
const frameWeight = 3*(16+binary.MaxVarintLen64) + 6*binary.MaxVarintLen64 + 3

// MaxReport bounds a SYNC, in bytes: the own queues, what is held, and as much as a
// queue again for who is there and what was accepted.
const MaxReport = MaxQueues + maxHeld + MaxQueues

// keep puts a stanza in the queue of a session that counts, and on its stream; false
// when that would be more than its client may miss. Nothing else adds to a queue.
func (o *Owner) keep(s *owned, e Entry) bool {
	if s.size+e.weight() > s.Bound {
		o.reached.Queue++
		return false
	}
	if !o.makeRoom(s, e.weight()) {
		return false
	}
	s.put(e)
	o.weigh(s)
	s.push(e)
	o.tend(s)
	return true
}

// weigh counts what a session holds, as long as it lives.
func (o *Owner) weigh(s *owned) {
	n := 0
	if s.counts && s.state == live && !s.over {
		n = s.size
	}
	o.queued += n - s.weighed
	s.weighed = n
}

// makeRoom ends sessions until n bytes more may be missed, those that hold the most:
// who fills the node does not end others. It reports whether s, which is to get them,
// is not among them.
func (o *Owner) makeRoom(s *owned, n int) bool {
	for o.queued+n > o.bound {
		o.reached.Total++
		v := o.heaviest()
		if v == nil || v == s {
			return s == nil
		}
		v.over = true
		o.weigh(v)
		o.ending = append(o.ending, v)
	}
	return true
}

// heaviest is the session that holds the most. What waits without a stream counts
// twice: its client may never come back.
func (o *Owner) heaviest() (most *owned) {
	weight := func(s *owned) int {
		if s.sink == nil {
			return 2 * s.weighed
		}
		return s.weighed
	}
	for _, s := range o.sessions {
		switch {
		case s.weighed == 0 || s.given:
		case most == nil, weight(s) > weight(most), weight(s) == weight(most) && s.SID.Compare(most.SID) < 0:
			most = s
		}
	}
	return most
}

// maxThere bounds what a report has of who is there at an edge, in bytes.
const maxThere = 8 << 20

// there is what the presence of a session takes in a report, with whom it was sent to.
func (s *owned) there() int {
	n := len(s.Presence)
	for to := range s.Directed {
		n += len(to)
	}
	return n
}

// thin ends sessions until a report has room for who is there, those with the most of
// it. It looks when presence has come, but a few times a second: what a report has too
// much in between ends its link, and the next one has not.
func (e *Edge) thin() {
	if !e.shown {
		return
	}
	e.shown = false
	list, total := e.in(live), 0
	for _, s := range list {
		total += s.there()
	}
	if total <= maxThere {
		return
	}
	slices.SortStableFunc(list, func(a, b *owned) int { return cmp.Compare(b.there(), a.there()) })
	for _, s := range list {
		if total -= s.there(); !s.given {
			e.overflow(s)
		}
		if total <= maxThere {
			return
		}
	}
}

// fitting lists what of the claims a report takes, in the order of their sessions. Only
// when a leader dies while it ends what it took over from others there are more; then
// the largest are given up.
func (h *holding) fitting() []*Claim {
	list := slices.SortedFunc(maps.Values(h.claims), func(a, b *Claim) int {
		return cmp.Or(cmp.Compare(a.reports(), b.reports()), a.SID.Compare(b.SID))
	})
	room := maxHeld
	for i, c := range list {
		if room -= c.reports(); room < 0 {
			list = list[:i]
			break
		}
	}
	slices.SortFunc(list, func(a, b *Claim) int { return a.SID.Compare(b.SID) })
	return list
}

// reports is what the queue and the frames of a session take in a report.
func (r *Record) reports() int {
	n := r.size
	for _, f := range r.Frames {
		n += frameWeight + len(f.To) + len(f.Raw)
	}
	return n
}

// endOver ends the sessions that had to make room.
func (e *Edge) endOver() {
	list := e.Owner.ending
	e.Owner.ending = nil
	for _, s := range list {
		e.overflow(s)
	}
}

// overflow ends a session that holds too much. What its client has not goes back.
func (e *Edge) overflow(s *owned) {
	s.over = true
	e.Owner.weigh(s)
	if s.sink != nil {
		s.sink.Shut("resource-constraint")
	}
	e.Unbind(s.SID)
}

// say tells a client something of this edge's own, that no copy has.
func (e *Edge) say(s *owned, raw []byte) {
	switch {
	case !s.counts && s.sink != nil:
		s.sink.Enqueue(raw)
	case !s.counts, s.state != live:
	case !e.Owner.keep(s, Entry{ID: FrameID{Inc: LeaderInc}, Raw: raw}):
		e.overflow(s)
	}
	e.endOver()
}

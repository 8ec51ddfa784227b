package router

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"quorate.org/daemon/im"
)

// maxPast is how many stanzas that its client has a session remembers by name: far
// more than can be in doubt at their sources.
const maxPast = 1024

// Record is what a session is beside its Claim: what it sent, what its client
// may still miss, and whom its presence concerns. Of a resumable session
// (XEP-0198) it exists twice (rule 11): at the owner, and at the leader, which for
// its own sessions has a holder keep a third.
type Record struct {
	Sent  uint64 // lane number of the last stanza that came from the client
	Base  uint64 // … when management began: the client counts from there
	Acked uint64 // stanzas that the client said it has
	Queue []Entry
	Past  []Entry // the latest of those that the client has, without their bytes
	// Frames came from the client and are not resolved, in order. At the owner of
	// SYNC and ADOPT they are those that are in no living source: the leader sends
	// them on itself.
	Frames   []*Frame
	Directed map[string]bool // whom it sent presence to, by address (RFC 6121 §4.6)
	Shown    map[string]SID  // whose presence it was shown, by address, and which session's (rule 12)

	size int // what Queue weighs
}

// Entry is a stanza on its way to a client, under the name by which it is taken
// once.
type Entry struct {
	ID  FrameID
	Sub uint64
	Low uint64 // the oldest its source kept
	Raw []byte
}

// weight is what an entry counts for where queues are bounded, in bytes: the
// stanza, and the most that its name takes in a report.
func (e *Entry) weight() int { return len(e.Raw) + nameWeight }

const nameWeight = 16 + 3*binary.MaxVarintLen64 + 8

// entryOf copies the stanza, unless it is a copy: the queue outlives what a link read.
func entryOf(f *Frame, sub uint64) Entry {
	raw := f.Raw
	if !f.Copied {
		raw = bytes.Clone(raw)
	}
	return Entry{ID: f.ID, Sub: sub, Low: f.Low, Raw: raw}
}

// put queues a stanza until the client has it.
func (r *Record) put(e Entry) {
	r.Queue = append(r.Queue, e)
	r.size += e.weight()
	r.Past = slices.DeleteFunc(r.Past, func(p Entry) bool { return p.ID.Inc == e.ID.Inc && p.ID.Seq < e.Low })
}

// refused takes a stanza out of the queue that its owner did not take.
func (r *Record) refused(id FrameID, sub uint64) {
	i := slices.IndexFunc(r.Queue, func(e Entry) bool { return e.ID == id && e.Sub == sub })
	if i >= 0 {
		r.size -= r.Queue[i].weight()
		r.Queue = slices.Delete(r.Queue, i, i+1)
	}
}

// out is how many stanzas the client was sent.
func (r *Record) out() uint64 { return r.Acked + uint64(len(r.Queue)) }

// trim forgets what the client has; false when it says more than it was sent. The
// count of a client is modulo 2^32 (XEP-0198 §4).
func (r *Record) trim(h uint32) bool {
	n := uint64(h - uint32(r.Acked))
	if n > uint64(len(r.Queue)) {
		return false
	}
	for _, e := range r.Queue[:n] {
		r.size -= e.weight()
		if e.ID.Inc != LeaderInc {
			e.Raw = nil
			r.Past = append(r.Past, e)
		}
	}
	clear(r.Queue[:n])
	r.Queue = r.Queue[n:]
	r.Acked += n
	if len(r.Queue) == 0 {
		r.Queue = nil
	}
	if over := len(r.Past) - maxPast; over > 0 {
		r.Past = slices.Delete(r.Past, 0, over)
	}
	return true
}

// names lists what the session took and may be sent again.
func (r *Record) names() []Entry {
	return slices.DeleteFunc(slices.Concat(r.Past, r.Queue), func(e Entry) bool { return e.ID.Inc == LeaderInc || e.ID.Inc == StoreInc })
}

// stored is the last message of the offline store that is in the queue.
func (r *Record) stored() (last uint64) {
	for _, e := range r.Queue {
		if e.ID.Inc == StoreInc {
			last = max(last, e.ID.Seq)
		}
	}
	return last
}

// took keeps a frame of the session until it is resolved.
func (r *Record) took(f *Frame) { r.Frames = append(r.Frames, f) }

// settled forgets a frame.
func (r *Record) settled(id FrameID) {
	for i, f := range r.Frames {
		if f.ID == id {
			r.Frames = slices.Delete(r.Frames, i, i+1)
			return
		}
	}
}

// handled is the count of the client's stanzas that are resolved, with all before
// them.
func (r *Record) handled() uint32 {
	last := r.Sent
	if len(r.Frames) > 0 {
		last = min(last, max(r.Frames[0].LaneSeq, 1)-1)
	}
	return uint32(max(last, r.Base) - r.Base)
}

// received is the count of the client's stanzas that have come.
func (r *Record) received() uint32 { return uint32(r.Sent - r.Base) }

// note keeps whom a stanza of the session sends presence to.
func (r *Record) note(f *Frame) {
	r.Sent = max(r.Sent, f.LaneSeq)
	switch {
	case len(f.To) == 0:
	case f.Class == PresenceAvailable && r.directs(len(f.To)):
		if r.Directed == nil {
			r.Directed = make(map[string]bool)
		}
		r.Directed[string(f.To)] = true
	case f.Class == PresenceUnavailable:
		delete(r.Directed, string(f.To))
	}
}

// directs reports whether an address of so many bytes fits those that the session sent
// presence to.
func (r *Record) directs(n int) bool {
	for to := range r.Directed {
		n += len(to)
	}
	return len(r.Directed) < maxDirected && n <= maxDirectedBytes
}

// clone returns a copy that shares only what is never changed.
func (r *Record) clone() *Record {
	c := *r
	c.Queue, c.Past, c.Frames = slices.Clone(r.Queue), slices.Clone(r.Past), slices.Clone(r.Frames)
	c.Directed, c.Shown = maps.Clone(r.Directed), maps.Clone(r.Shown)
	return &c
}

// note keeps what a stanza of the session says of it: whoever has a copy of the
// claim reads the same from the same stanzas.
func (c *Claim) note(f *Frame) {
	if len(f.To) != 0 && string(f.To) != bareString(c.JID) { // of another account, which is refused
		return
	}
	if f.Mark&MarkRoster != 0 && f.Class == IQGet {
		c.Interested = true
	}
	if f.Mark&MarkService != 0 && f.Class == IQSet {
		c.Carbons = im.Carbons(f.Raw, c.Carbons)
	}
	if f.Mark&MarkService != 0 && f.Class == IQGet && im.AsksBlocklist(f.Raw) {
		c.Blocklist = true
	}
	switch {
	case len(f.To) != 0:
	case f.Class == PresenceAvailable:
		c.Available, c.Priority, c.Presence = true, f.Present, f.Raw
	case f.Class == PresenceUnavailable:
		c.Available, c.Presence = false, nil
	}
}

// copied is a claim with a record of its own.
func (c Claim) copied() Claim {
	if c.Record != nil {
		c.Record = c.Record.clone()
	}
	return c
}

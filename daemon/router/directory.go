package router

import (
	"bytes"
	"slices"

	"quorate.org/daemon/pep"
)

// session is one bound session as the leader knows it.
type session struct {
	Claim
	edge    *peer
	waiters []bindRequest // binds of the same address, waiting for the barrier
	caps    *pep.Caps     // what its presence says of its client; nil when not read yet
	asked   bool          // what they are, since they were known
	told    string        // the kind of client as which it was told last items; "" for none

	move   *move // to another edge, where its client is; of a resumable one, as what follows
	orphan bool  // its edge is gone, and the own one has not confirmed that it has it
	given  bool  // … but was sent it
	former *peer // which had it until the move, and does not know that it is safe
	left   bool  // the holder need not keep it any more
}

type bindRequest struct {
	edge *peer
	msg  Msg
}

// hold keeps the traffic to one bare address back: while a session of it is
// closing (rule 10), or while an absent edge may still own it (rule 12).
type hold struct {
	closing int
	until   int64            // Unix milliseconds; 0 when only closing counts
	storing map[FrameID]bool // what closing sessions returned and the store is asked to keep
	front   []returned       // by closing sessions: older than the rest
	frames  []*Frame
}

// returned is a frame that a closing session hands back.
type returned struct {
	by Stamp
	f  *Frame
}

// all lists what a hold kept back, in the order it is to go on. Of several
// sessions that closed one behind the other, the later one was handed the
// beginning of what the earlier one returned, so its frames are older.
func (h *hold) all() []*Frame {
	slices.SortStableFunc(h.front, func(a, b returned) int { return b.by.Compare(a.by) })
	list := make([]*Frame, 0, len(h.front)+len(h.frames))
	for _, r := range h.front {
		list = append(list, r.f)
	}
	return append(list, h.frames...)
}

// directory is the leader's soft state: who is bound where.
type directory struct {
	sessions map[SID]*session
	full     map[string]*session   // full JID of a client, domain of a component
	bare     map[string][]*session // bare JID → clients, in bind order
	holds    map[string]*hold
	tokens   map[string]*session // the resumable ones
}

func newDirectory() directory {
	return directory{
		sessions: make(map[SID]*session), full: make(map[string]*session),
		bare: make(map[string][]*session), holds: make(map[string]*hold), tokens: make(map[string]*session),
	}
}

func (d *directory) add(s *session) {
	d.sessions[s.SID] = s
	if s.Record != nil {
		d.tokens[s.Token] = s
	}
	if s.Closing {
		return
	}
	d.full[s.JID] = s
	if s.Kind == Client {
		b := holdKey(s)
		d.bare[b] = append(d.bare[b], s)
	}
}

// unlist takes a session out of routing while its barrier runs.
func (d *directory) unlist(s *session) {
	if d.full[s.JID] == s {
		delete(d.full, s.JID)
	}
	b := holdKey(s)
	list := d.bare[b]
	for i, o := range list {
		if o == s {
			d.bare[b] = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(d.bare[b]) == 0 {
		delete(d.bare, b)
	}
}

func (d *directory) remove(s *session) {
	d.unlist(s)
	delete(d.sessions, s.SID)
	if d.tokens[s.Token] == s {
		delete(d.tokens, s.Token)
	}
}

// holdOf returns the hold of the address s answers to, making it if need be.
func (d *directory) holdOf(key string) *hold {
	h := d.holds[key]
	if h == nil {
		h = &hold{}
		d.holds[key] = h
	}
	return h
}

// holdKey is the address whose traffic waits while s closes: its bare JID,
// which is the domain for a component (RFC 6120 §10.1: bare and full JID are
// one destination).
func holdKey(s *session) string { return bareString(s.JID) }

// mostAvailable picks the available session of highest non-negative priority, among
// equals one whose client is there, and the latest bound (RFC 6121 §8.5.2.1.1).
func mostAvailable(list []*session) *session {
	var best *session
	for _, s := range list {
		if !s.Available || s.Priority < 0 {
			continue
		}
		if best == nil || s.before(best) {
			best = s
		}
	}
	return best
}

// before reports whether a session is more available than another one.
func (s *session) before(o *session) bool {
	switch {
	case s.Priority != o.Priority:
		return s.Priority > o.Priority
	case s.Waits != o.Waits:
		return o.Waits
	}
	return s.Stamp.Compare(o.Stamp) > 0
}

// bareOf cuts the resource off a JID (RFC 7622 §3.1: the first slash).
func bareOf(j []byte) []byte {
	if i := bytes.IndexByte(j, '/'); i >= 0 {
		return j[:i]
	}
	return j
}

// domainOf returns a JID's domain part.
func domainOf(j []byte) []byte {
	b := bareOf(j)
	if i := bytes.IndexByte(b, '@'); i >= 0 {
		return b[i+1:]
	}
	return b
}

// Directory returns who is bound where: address → node.
func (l *Leader) Directory() map[string]string {
	m := make(map[string]string, len(l.full))
	for j, s := range l.full {
		m[j] = string(s.edge.node)
	}
	return m
}

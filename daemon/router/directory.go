package router

import (
	"bytes"
	"slices"
)

// session is one bound session as the leader knows it.
type session struct {
	Claim
	edge    *peer
	waiters []bindRequest // binds of the same address, waiting for the barrier
}

type bindRequest struct {
	edge *peer
	msg  Msg
}

// hold keeps the traffic to one bare address back: while a session of it is
// closing (rule 10), or while an absent edge may still own it (rule 12).
type hold struct {
	closing int
	until   int64      // Unix milliseconds; 0 when only closing counts
	front   []returned // by closing sessions: older than the rest
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
}

func newDirectory() directory {
	return directory{
		sessions: make(map[SID]*session), full: make(map[string]*session),
		bare: make(map[string][]*session), holds: make(map[string]*hold),
	}
}

func (d *directory) add(s *session) {
	d.sessions[s.SID] = s
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
func holdKey(s *session) string { return string(bareOf([]byte(s.JID))) }

// mostAvailable picks the available session of highest non-negative priority,
// the latest bound among equals (RFC 6121 §8.5.2.1.1).
func mostAvailable(list []*session) *session {
	var best *session
	for _, s := range list {
		if !s.Available || s.Priority < 0 {
			continue
		}
		if best == nil || s.Priority > best.Priority ||
			s.Priority == best.Priority && s.Stamp.Compare(best.Stamp) > 0 {
			best = s
		}
	}
	return best
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

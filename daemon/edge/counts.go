package edge

import (
	"bytes"
	"maps"
	"sync"
	"sync/atomic"

	"quorate.org/daemon/xmlwire"
)

// The bounds of this room, by the settings that have them.
const (
	boundStanza       = "xmpp.max_stanza"
	boundBefore       = "xmpp.max_stanza_before_auth"
	boundDepth        = "xmpp.max_depth"
	boundAttributes   = "xmpp.max_attributes"
	boundTime         = "xmpp.auth_timeout"
	boundOutbox       = "xmpp.outbox"
	boundConnections  = "xmpp.max_connections_per_address"
	boundFailures     = "xmpp.max_auth_failures_per_address"
	boundOfOneAccount = "xmpp.max_auth_failures_per_account"
	boundIdle         = "xmpp.inactive_bytes"
	boundIdleWait     = "xmpp.inactive_wait"
	boundWrite        = "xmpp.write_timeout"
	boundBackoff      = "xmpp.auth_backoff"
	boundOfNode       = "xmpp.max_connections"
)

var bounds = []string{boundStanza, boundBefore, boundDepth, boundAttributes, boundTime, boundOutbox,
	boundConnections, boundFailures, boundOfOneAccount, boundIdle, boundIdleWait, boundWrite, boundBackoff, boundOfNode}

// The kinds of stanza, as Seen counts them.
const (
	Message = iota
	Presence
	IQ
	kinds
)

// KindNames are the names of the kinds of stanza.
var KindNames = [kinds]string{"message", "presence", "iq"}

// kindOf tells a kind by the first letter of the local name of a stanza.
func kindOf(name []byte) int {
	switch name[0] {
	case 'm':
		return Message
	case 'p':
		return Presence
	}
	return IQ
}

// put counts an element that was put in an outbox, if it is a stanza: those of stream
// management (XEP-0198: a, r, enabled, failed) are none. A stanza may have a prefix.
func (n *counts) put(raw []byte) {
	name := raw[1 : 1+bytes.IndexAny(raw[1:], " \t\r\n/>")]
	if _, local, prefixed := bytes.Cut(name, []byte{':'}); prefixed {
		name = local
	}
	switch string(name) {
	case "message", "presence", "iq":
		n.sent[kindOf(name)].Add(1)
	}
}

// counts is what the edge has met with since it was made. Numbers only grow.
type counts struct {
	received, sent  [kinds]atomic.Uint64
	accepted, bound [2]atomic.Uint64 // by direct TLS or not; by Kind
	failed, broken  atomic.Uint64

	mu      sync.Mutex // guards what follows
	errors  map[string]uint64
	reached map[string]uint64
}

// reach notes that a bound was reached.
func (n *counts) reach(bound string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.reached == nil {
		n.reached = map[string]uint64{}
	}
	n.reached[bound]++
}

// tell notes a stream error that is sent, "" for none.
func (n *counts) tell(condition string) {
	if condition == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.errors == nil {
		n.errors = map[string]uint64{}
	}
	n.errors[condition]++
}

// limited notes which bound of the scanner an error is about, if any.
func (c *conn) limited(text string) {
	n := &c.edge.counts
	switch {
	case text == xmlwire.TooDeep:
		n.reach(boundDepth)
	case text == xmlwire.TooManyAttributes:
		n.reach(boundAttributes)
	case text == xmlwire.TooLarge && c.bound.Load() == 0:
		n.reach(boundBefore)
	case text == xmlwire.TooLarge:
		n.reach(boundStanza)
	}
}

// Seen is what an edge holds, and has met with since it was made.
type Seen struct {
	Connections    [2]int // open now: at the client ports, at those of direct TLS
	Sessions       [2]int // bound now, by Kind
	Waiting        int    // bytes in the outboxes
	Accepted       [2]uint64
	Bound          [2]uint64
	Received, Sent [kinds]uint64
	SignInsFailed  uint64
	TLSFailed      uint64
	StreamErrors   map[string]uint64 // by condition
	Reached        map[string]uint64 // by the setting of the bound, every one of the room
}

// Seen returns the counts.
func (e *Edge) Seen() Seen {
	n := &e.counts
	s := Seen{SignInsFailed: n.failed.Load(), TLSFailed: n.broken.Load(), Reached: map[string]uint64{}}
	for i := range kinds {
		s.Received[i], s.Sent[i] = n.received[i].Load(), n.sent[i].Load()
	}
	for i := range 2 {
		s.Accepted[i], s.Bound[i] = n.accepted[i].Load(), n.bound[i].Load()
	}
	for _, b := range bounds {
		s.Reached[b] = 0
	}
	n.mu.Lock()
	s.StreamErrors = maps.Clone(n.errors)
	maps.Copy(s.Reached, n.reached)
	n.mu.Unlock()
	e.holds(&s)
	return s
}

// holds counts the connections.
func (e *Edge) holds(s *Seen) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		s.Connections[index(c.direct)]++
		if k := c.bound.Load(); k > 0 {
			s.Sessions[k-1]++
		}
		s.Waiting += c.out.holds()
	}
}

func index(direct bool) int {
	if direct {
		return 1
	}
	return 0
}

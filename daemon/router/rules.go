package router

import (
	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
)

// Condition is the defined condition of a stanza error (RFC 6120 §8.3.3).
type Condition string

// The conditions the leader answers with.
const (
	ServiceUnavailable   Condition = "service-unavailable"
	RemoteServerNotFound Condition = "remote-server-not-found"
	RecipientUnavailable Condition = "recipient-unavailable"
	ResourceConstraint   Condition = "resource-constraint"
)

// Rules is what the leader knows besides sessions: the replicated
// configuration, and how stanzas are answered. Its functions must be pure
// reads; they are called with the router's lock held.
type Rules struct {
	// Serves reports whether a domain is served: accounts are in it, and it is an
	// address of the server.
	Serves func(domain []byte) bool
	// Component reports whether a domain is that of a configured Call Bridge.
	Component func(domain []byte) bool
	// State is the replicated state as this node has applied it; nil for none.
	State func() *replica.State
	// Limits is what one account may have; nil for im.DefaultLimits.
	Limits func() im.Limits
	// Reached is told which of these limits was reached, by its name; nil for nobody.
	Reached func(limit string)
	// Propose enters a command in the log, in the order of the calls; Committed
	// or Uncommitted is called for it later. It must not block.
	Propose func(c replica.Command)
	// Archive yields the messages of an account's archive from the oldest; nil for
	// no archives.
	Archive func(bare string) archive.Scan
	// Policy is what archives keep; it is nil where Archive is.
	Policy func() archive.Policy
	// Wall is the time in Unix milliseconds as the clock is set; nil where Archive is.
	Wall func() int64
	// Queues is how many bytes the clients of an edge may miss together; 0 for
	// DefaultQueues.
	Queues int
	// Frames is how many frames a source keeps at most; 0 for MaxFrames.
	Frames int
	// Answer replies to an IQ addressed to the server or, on a user's behalf,
	// to that user; nil when it has no answer.
	Answer func(f *Frame) []byte
	// About replies to a disco#info request about an account; nil for nobody.
	About func(f *Frame) []byte
	// Error builds the error answer to a stanza and returns whom it is for.
	Error func(f *Frame, c Condition) (raw, to []byte)
}

package router

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
	// Domain is the XMPP domain served.
	Domain func() string
	// Component reports whether a domain is that of a configured Call Bridge.
	Component func(domain []byte) bool
	// Answer replies to an IQ addressed to the server or, on a user's behalf,
	// to that user; nil when it has no answer.
	Answer func(f *Frame) []byte
	// Error builds the error answer to a stanza and returns whom it is for.
	Error func(f *Frame, c Condition) (raw, to []byte)
}

package stream

import (
	"crypto/rand"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Accounts answers what a negotiation has to know of the replicated state. Its
// methods are called from many goroutines.
type Accounts interface {
	// Credentials finds a local account by its prepared localpart; see
	// sasl.Lookup for what it may return for an unknown one.
	Credentials(local string) (sasl.Credentials, bool)
	// ComponentSecret finds the secret of the call bridge of that name, the part
	// of its address in front of the domain, in lower case.
	ComponentSecret(name string) (string, bool)
	// Domain is the XMPP domain served, "" if none is set.
	Domain() string
}

// Config is what a Machine has to know of its connection.
type Config struct {
	Direct   bool          // TLS is there from the first byte (XEP-0368)
	Binding  sasl.Binding  // with Direct: of that TLS connection
	Accounts Accounts      // not nil
	NewID    func() string // random, non-repeating; nil: 128 bits of crypto/rand
}

// State is how far a negotiation has come.
type State uint8

// The states; DESIGN.md draws them.
const (
	Plain    State = iota // before TLS: expects a header
	Offered               // STARTTLS is offered, nothing else
	Secured               // TLS is up: expects a header
	Signing               // SASL is offered or under way
	SignedIn              // SASL succeeded: expects a header
	Unbound               // resource binding is offered
	Proving               // a component owes its handshake
	Granting              // the caller asks for the session: see Granted, Refused
	Bound                 // stanzas may flow: see Judge
	Ended                 // nothing more is read or written
)

// Bounds on tries within one stream.
const (
	maxSignIns = 4 // the first and three more (RFC 6120 §6.4.5: 2 to 5 retries)
	maxBinds   = 6 // the first and five more (§7.7.3: 5 to 10 retries)
)

// Machine negotiates one stream.
type Machine struct {
	cfg   Config
	state State

	content  string  // content namespace of the stream
	answered bool    // a response header was sent since the last restart
	id       string  // stream ID of that header
	lang     string  // the peer's default language (RFC 6120 §4.7.4)
	from     jid.JID // the bare JID a client claims, from its header

	exchange *sasl.Server // under way, nil between
	user     string       // that the last exchange was about
	signIns  int
	binds    int
	request  []byte // to bind, in state Granting

	self stamps // who the peer is: what its stanzas may carry
}

// New returns a Machine that expects a stream header.
func New(cfg Config) *Machine {
	if cfg.NewID == nil {
		cfg.NewID = rand.Text
	}
	m := &Machine{cfg: cfg, content: xmlwire.NSClient}
	if cfg.Direct {
		m.state = Secured
	}
	return m
}

// State returns how far the negotiation has come.
func (m *Machine) State() State { return m.state }

// Component reports whether the stream is a component's.
func (m *Machine) Component() bool { return m.content == xmlwire.NSComponent }

// JID returns the peer's address: zero at first, then the account's bare JID and
// the bound one; of a component the one it claims, proved once it is Bound.
func (m *Machine) JID() jid.JID { return m.self.jid }

// User returns the user name of the sign-in under way or just failed, as the
// client sent it; "" if it sent none.
func (m *Machine) User() string { return m.user }

// Lang returns the language to stamp on the peer's stanzas, "" for none.
func (m *Machine) Lang() string { return m.lang }

// Do is the kind of an Action.
type Do uint8

// The kinds of actions. Bytes returned beside an action are written first.
const (
	Continue Do = iota // go on reading
	StartTLS           // do the TLS handshake, restart the scanner, call Secured
	Restart            // the peer is authenticated: restart the scanner
	Bind               // ask for the session Want, then call Granted or Refused
	Close              // the stream is ended: close the connection
)

// Action is what the caller has to do next.
type Action struct {
	Do   Do
	Want jid.JID // of Bind: the full JID of a client, the address of a component
	// Err is for the journal: why the stream ends or a sign-in failed. It is a
	// *Violation, a *sasl.Failure or a *fault.Error; nil for a plain end.
	Err error
	// Failed says that the peer failed to prove who it is.
	Failed bool
	Claim  string // of a component that failed: the address it claims, in any form
}

// Element answers a first-level element in any state before Bound.
func (m *Machine) Element(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	h := ev.Header
	switch {
	case string(h.Space) == nsTLS:
		return m.startTLS(dst, h)
	case string(h.Space) == nsSASL:
		return m.signIn(dst, ev)
	case string(h.Space) != m.content:
		return m.unexpected(dst, h)
	case m.state == Proving && string(h.Name) == "handshake":
		return m.handshake(dst, ev)
	case !isStanza(h.Name):
		return m.Fail(dst, violate(stanza.StreamUnsupportedStanzaType, "no such element in this namespace"))
	case m.state == Unbound && h.Is(m.content, "iq"):
		return m.bind(dst, ev)
	}
	// RFC 6120 §4.3.5, §4.9.3.12: no stanza before the negotiation is complete.
	return m.Fail(dst, violate(stanza.StreamNotAuthorized, "stanza before the end of the negotiation"))
}

// unexpected tells a wrong content namespace (RFC 6120 §4.9.3.10) from an
// element nobody knows (§4.9.3.24).
func (m *Machine) unexpected(dst []byte, h *xmlwire.Header) ([]byte, Action) {
	if isStanza(h.Name) {
		return m.Fail(dst, violate(stanza.StreamInvalidNamespace, "stanza in a namespace other than the stream's"))
	}
	return m.Fail(dst, violate(stanza.StreamUnsupportedStanzaType, "element of an unknown namespace"))
}

func isStanza(name []byte) bool {
	switch string(name) {
	case "message", "presence", "iq":
		return true
	}
	return false
}

// Fail ends the stream with a stream error, behind a response header if none
// was sent (RFC 6120 §4.9.1.2). Use it for the scanner's errors too.
func (m *Machine) Fail(dst []byte, v *Violation) ([]byte, Action) {
	return m.fail(dst, v, v)
}

// fail is Fail with another reason for the journal than the peer is told.
func (m *Machine) fail(dst []byte, v *Violation, reason error) ([]byte, Action) {
	if m.state == Ended {
		return dst, Action{Do: Close, Err: reason}
	}
	if !m.answered {
		dst = m.appendHeader(dst, m.cfg.Accounts.Domain())
	}
	m.state = Ended
	return AppendEnd(dst, v.Condition, v.Text), Action{Do: Close, Err: reason}
}

// End answers the peer's end tag with ours (RFC 6120 §4.4).
func (m *Machine) End(dst []byte) ([]byte, Action) {
	if m.state != Ended && m.answered {
		dst = append(dst, stanza.StreamEnd...)
	}
	m.state = Ended
	return dst, Action{Do: Close}
}

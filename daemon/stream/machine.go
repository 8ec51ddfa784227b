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
	// Credentials finds a local account by its bare JID; it is a sasl.Lookup.
	Credentials(account jid.JID) (sasl.Credentials, bool)
	// Decoys is the secret of sasl.Config, nil for none.
	Decoys() []byte
	// ComponentSecret finds the secret of the call bridge of that name, the part
	// of its address in front of the domain, in lower case.
	ComponentSecret(name string) (string, bool)
	// Domain is the XMPP domain, which the call bridges are in, "" if none is set.
	Domain() string
	// Serves reports whether accounts of a domain, in its prepared form, may sign
	// in here: Domain and any others.
	Serves(domain string) bool
}

// Channel is what TLS tells of a connection.
type Channel struct {
	Binding sasl.Binding
	Proved  []jid.JID // bare JIDs that the client's certificate proves
}

// Config is what a Machine has to know of its connection.
type Config struct {
	Direct   bool          // TLS is there from the first byte (XEP-0368)
	Channel  Channel       // with Direct: of that TLS connection
	Accounts Accounts      // not nil
	Guard    sasl.Guard    // holds sign-ins back; nil: none
	NewID    func() string // random letters and digits, non-repeating; nil: 128 bits of crypto/rand
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
	domain   string  // that the client asked for, "" before its header

	profile  string       // namespace of the last element of SASL
	exchange *sasl.Server // under way, nil between
	user     string       // that the last exchange was about
	account  jid.JID      // of that name, zero if it can be none's
	asked    request      // of the last <authenticate/>
	proof    []byte       // the server's, until success is told
	external bool         // the last exchange is by EXTERNAL
	signIns  int
	binds    int
	request  []byte // to bind, in state Granting
	previd   string // of the session that is to be resumed, in state Granting
	failed   []byte // why none was resumed, until success is told
	enabled  []byte // that the session is managed, until success is told

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

// Certified reports whether the client signed in by its certificate.
func (m *Machine) Certified() bool { return m.external && !m.self.jid.IsZero() }

// Account returns the account of User, which need not exist; zero if it can be
// none's.
func (m *Machine) Account() jid.JID { return m.account }

// Domain returns the domain that a client asked for, "" before it did.
func (m *Machine) Domain() string { return m.domain }

// Lang returns the language to stamp on the peer's stanzas, "" for none.
func (m *Machine) Lang() string { return m.lang }

// Do is the kind of an Action.
type Do uint8

// The kinds of actions. Bytes returned beside an action are written first.
const (
	Continue   Do = iota // go on reading
	StartTLS             // do the TLS handshake, restart the scanner, call Secured
	Restart              // the peer is authenticated: restart the scanner
	Admit                // the peer is authenticated: the stream goes on as it is
	Bind                 // ask for the session Want, then call Granted or Refused
	Resumption           // ask for the session of Resume, then call Resumed or Unresumed
	Close                // the stream is ended: close the connection
)

// Wish is what a client asks for together with its session (XEP-0386 §3.2).
type Wish struct {
	Carbons  bool        // copies of the account's messages (XEP-0280)
	Inactive bool        // it begins inactive (XEP-0352)
	Enable   *Enable     // stream management (XEP-0198 §7.1); nil for none
	Managed  *Management // … as the caller grants it, who calls Enabled
}

// Action is what the caller has to do next.
type Action struct {
	Do     Do
	Want   jid.JID // of Bind: the full JID of a client, the address of a component
	Wish   Wish    // of Bind: what else is asked for
	Resume *Resume // of Resumption
	// Err is for the journal: why the stream ends or a sign-in failed. It is a
	// *Violation, a *sasl.Failure or a *fault.Error; nil for a plain end.
	Err error
	// Failed says that the peer failed to prove who it is.
	Failed bool
	Claim  string // of a component that failed: the address it claims, in any form
	Told   string // the stream error that was sent; "" for none
}

// Element answers a first-level element in any state before Bound.
func (m *Machine) Element(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	h := ev.Header
	switch {
	case h.Is(xmlwire.NSStream, "error"):
		return m.peerFailed(dst)
	case string(h.Space) == nsTLS:
		return m.startTLS(dst, h)
	case string(h.Space) == nsSASL, string(h.Space) == nsSASL2:
		return m.signIn(dst, ev)
	case string(h.Space) == stanza.NSManagement && m.answered:
		return m.management(dst, ev)
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

// peerFailed ends a stream that the peer ends with an error. That is not
// answered by one (RFC 6120 §4.9.1.1).
func (m *Machine) peerFailed(dst []byte) ([]byte, Action) {
	dst, act := m.End(dst)
	act.Err = peerError
	return dst, act
}

// peerError is a stream error of the peer. Without a condition it makes AppendEnd
// write the end tag alone.
var peerError = &Violation{Text: "the peer ended the stream with an error"}

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
	return AppendEndOf(dst, v), Action{Do: Close, Err: reason, Told: v.Condition}
}

// End answers the peer's end tag with ours (RFC 6120 §4.4).
func (m *Machine) End(dst []byte) ([]byte, Action) {
	if m.state != Ended && m.answered {
		dst = append(dst, stanza.StreamEnd...)
	}
	m.state = Ended
	return dst, Action{Do: Close}
}

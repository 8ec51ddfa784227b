package stream

import (
	"bytes"
	"errors"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Refusal is why a session was not granted, in the words of a stanza error. A
// component, which has no request to answer, gets a stream error.
type Refusal struct {
	Type      stanza.ErrorType // "" for the condition's own
	Condition stanza.Condition
	Text      string // for the peer; may be empty
}

// Error returns condition and text.
func (r *Refusal) Error() string {
	return "binding refused: " + string(r.Condition) + ": " + r.Text
}

// bind takes a request for resource binding (RFC 6120 §7.6, §7.7). Where the
// client names no resource it gets a random one.
func (m *Machine) bind(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	resource, ok := stanza.BindResource(ev.Raw, ev.Header)
	if !ok { // §7.1
		return m.Fail(dst, violate(stanza.StreamNotAuthorized, "stanza before resource binding"))
	}
	m.request = bytes.Clone(ev.Raw)
	if resource == "" {
		resource = m.cfg.NewID()
	}
	want, err := m.self.jid.WithResource(resource)
	if err != nil { // §7.7.2.1
		return m.Refused(dst, &Refusal{Condition: stanza.BadRequest, Text: "no resource can have this name"})
	}
	m.state = Granting
	return dst, Action{Do: Bind, Want: want}
}

// Granted completes the negotiation: the session is j's.
func (m *Machine) Granted(dst []byte, j jid.JID) []byte {
	m.state = Bound
	m.self = stampsOf(j)
	if m.Component() { // XEP-0114 §3
		return append(dst, "<handshake/>"...)
	}
	if m.request == nil {
		return m.boundInline(dst)
	}
	dst = stanza.AppendIQResult(dst, m.request, nil, "", "", stanza.AppendBind(nil, j.String()))
	m.request = nil
	return dst
}

// Refused answers that the session was not granted. A client may ask again,
// within bounds (RFC 6120 §7.7.3). Errors other than a *Refusal are shown as
// <internal-server-error/>.
func (m *Machine) Refused(dst []byte, err error) ([]byte, Action) {
	var r *Refusal
	if !errors.As(err, &r) {
		r = &Refusal{stanza.Wait, stanza.InternalServerError, "no session could be granted"}
	}
	if m.Component() {
		return m.fail(dst, violate(refusedStream(r.Condition), r.Text), err)
	}
	if m.request == nil {
		return m.notBound(dst, err)
	}
	m.state = Unbound
	dst = stanza.AppendError(dst, m.request, nil, "", "", r.Type, r.Condition, r.Text)
	m.request = nil
	if m.binds++; m.binds < maxBinds {
		return dst, Action{Err: err}
	}
	return m.fail(dst, violate(stanza.StreamPolicyViolation, "too many failed bindings"), err)
}

// refusedStream is the stream error for a stanza error: the same condition where
// both have it, else the general one.
func refusedStream(c stanza.Condition) string {
	switch c {
	case stanza.Conflict, stanza.ResourceConstraint, stanza.PolicyViolation, stanza.NotAuthorized:
		return string(c)
	}
	return stanza.StreamInternalServerError
}

package stream

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Enable is a client's request to manage its stream (XEP-0198 §3).
type Enable struct {
	Resume bool          // … so that it can be resumed
	Max    time.Duration // … and how long later, as the client prefers; 0 for nothing
}

// Management is what a managed session is given.
type Management struct {
	Token    string        // by which it can be resumed; "" when it can not
	Patience time.Duration // how long it waits for its client
	Queue    int           // bytes that its client may not have confirmed
	Enabled  []byte        // the element that tells the client
}

// Resume is a client's request for a session that it had (XEP-0198 §5).
type Resume struct {
	Token string
	H     uint32 // stanzas that it has of it
}

// Unresumed is why a session is not resumed.
type Unresumed struct {
	Condition stanza.Condition
	H         uint32 // what was received of it, if that is
	Known     bool
}

// Error returns the condition.
func (u *Unresumed) Error() string { return "not resumed: " + string(u.Condition) }

// TooHigh is the stream error for a client that acknowledges more than it was sent
// (XEP-0198 §6).
func TooHigh(h, sent uint32) *Violation {
	return &Violation{Condition: stanza.StreamUndefinedCondition, Detail: string(stanza.AppendTooHigh(nil, h, sent)),
		Text: fmt.Sprintf("You acknowledged %d stanzas, but I only sent you %d so far.", h, sent)}
}

func enableOf(v xmlwire.View) *Enable {
	e := &Enable{Resume: truth(v.Get("resume").String())}
	if max, err := strconv.ParseUint(v.Get("max").String(), 10, 31); err == nil {
		e.Max = time.Duration(max) * time.Second
	}
	return e
}

// truth reads a boolean of XML Schema.
func truth(s string) bool { return s == "true" || s == "1" }

func resumeOf(v xmlwire.View) (*Resume, bool) {
	h, err := count(v.Get("h").String())
	r := &Resume{Token: v.Get("previd").String(), H: h}
	return r, err == nil && r.Token != ""
}

func count(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err
}

// management answers an element of stream management before a session is bound:
// one can be resumed, nothing be enabled (XEP-0198 §3).
func (m *Machine) management(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	if m.Component() || m.state == Ended {
		return m.Fail(dst, violate(stanza.StreamUnsupportedStanzaType, "no such element in this namespace"))
	}
	if m.state != Unbound || string(ev.Header.Name) != "resume" {
		return m.unresumed(dst, &Unresumed{Condition: stanza.UnexpectedRequest})
	}
	r, ok := resumeOf(xmlwire.Look(ev.Raw, ev.Header))
	if !ok {
		return m.unresumed(dst, &Unresumed{Condition: stanza.BadRequest})
	}
	m.state, m.previd = Granting, r.Token
	return dst, Action{Do: Resumption, Resume: r}
}

// unresumed answers with <failed/>. The client may bind a resource then (XEP-0198
// §5), within the bounds of that.
func (m *Machine) unresumed(dst []byte, u *Unresumed) ([]byte, Action) {
	dst = stanza.AppendFailed(dst, u.Condition, u.H, u.Known)
	if m.binds++; m.binds < maxBinds {
		return dst, Action{Err: u}
	}
	return m.fail(dst, violate(stanza.StreamPolicyViolation, "too many failed resumptions"), u)
}

// Resumed completes the negotiation: the session of that address goes on, and h
// stanzas of the client need not be sent again.
func (m *Machine) Resumed(dst []byte, j jid.JID, h uint32) []byte {
	inline := m.asked.resume != nil
	m.state, m.asked.resume = Bound, nil
	m.self = stampsOf(j)
	resumed := stanza.AppendResumed(nil, m.previd, h)
	if inline { // no features behind it (XEP-0198 §7.2)
		return m.appendSuccess(dst, string(resumed))
	}
	return append(dst, resumed...)
}

// Unresumed answers that a session is not resumed. Within a sign-in that goes on
// with what else it asks for (XEP-0198 §7.2). Errors other than an *Unresumed are
// shown as <internal-server-error/>, a *Violation ends the stream.
func (m *Machine) Unresumed(dst []byte, err error) ([]byte, Action) {
	var v *Violation
	if errors.As(err, &v) {
		return m.Fail(dst, v)
	}
	var u *Unresumed
	if !errors.As(err, &u) {
		u = &Unresumed{Condition: stanza.InternalServerError}
	}
	if m.asked.resume == nil {
		m.state = Unbound
		return m.unresumed(dst, u)
	}
	m.asked.resume = nil
	m.failed = stanza.AppendFailed(nil, u.Condition, u.H, u.Known)
	return m.goOn(dst)
}

// Enabled has what Granted writes say that the session is managed, as Wish.Enable
// asked.
func (m *Machine) Enabled(element []byte) { m.enabled = element }

// Command is an element of stream management on a bound stream.
type Command struct {
	Enable *Enable // begin
	Ask    bool    // the client asks what is handled
	Acked  bool    // it has H stanzas
	H      uint32
}

// Manages reports whether an element of a bound stream is one of stream management.
func (m *Machine) Manages(h *xmlwire.Header) bool {
	return string(h.Space) == stanza.NSManagement && !m.Component()
}

// Manage reads such an element. What is out of place is answered with refusal
// (XEP-0198 §6).
func (m *Machine) Manage(ev xmlwire.Event) (c Command, refusal stanza.Condition, v *Violation) {
	switch look := xmlwire.Look(ev.Raw, ev.Header); string(ev.Header.Name) {
	case "enable":
		c.Enable = enableOf(look)
	case "r":
		c.Ask = true
	case "a":
		h, err := count(look.Get("h").String())
		if err != nil {
			return c, "", violate(stanza.StreamBadFormat, "<a/> without a count")
		}
		c.Acked, c.H = true, h
	default: // <resume/> on a stream that has a session
		return c, stanza.UnexpectedRequest, nil
	}
	return c, "", nil
}

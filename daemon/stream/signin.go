package stream

import (
	"bytes"
	"encoding/base64"
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// signIn answers the elements of SASL in either profile: RFC 6120 §6.4 and
// XEP-0388, which the namespace tells.
func (m *Machine) signIn(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	space, name := string(ev.Header.Space), string(ev.Header.Name)
	if m.state == Offered { // RFC 6120 §6.5.4
		m.profile = space
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.EncryptionRequired, Reason: "SASL before TLS"})
	}
	if m.state != Signing {
		return m.Fail(dst, violate(stanza.StreamNotAuthorized, "SASL where it is not on offer"))
	}
	if m.exchange != nil && (space != m.profile || name == "authenticate") { // XEP-0388 §2.4
		return m.Fail(dst, violate(stanza.StreamNotAuthorized, "a sign-in within a sign-in"))
	}
	m.profile = space
	switch {
	case name == "auth" && space == nsSASL:
		data, present, f := payload(ev)
		return m.begin(dst, ev, request{}, data, present, f)
	case name == "authenticate" && space == nsSASL2:
		req := requestOf(ev)
		data, present, f := req.initial()
		return m.begin(dst, ev, req, data, present, f)
	case name == "response":
		return m.response(dst, ev)
	case name == "abort": // RFC 6120 §6.4.4, XEP-0388 §5.3
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.Aborted, Reason: "the client aborted"})
	}
	return m.Fail(dst, violate(stanza.StreamUnsupportedStanzaType, "no such element in SASL"))
}

// begin begins an exchange; one under way is discarded (RFC 6120 §6.4.2), and was a
// try like others.
func (m *Machine) begin(dst []byte, ev xmlwire.Event, req request, data []byte, present bool, f *sasl.Failure) ([]byte, Action) {
	if m.exchange != nil {
		if m.signIns++; m.signIns >= maxSignIns {
			return m.tooMany(dst, &sasl.Failure{Condition: sasl.Aborted, Reason: "the client began anew"})
		}
	}
	m.exchange, m.user, m.account, m.asked = nil, "", jid.JID{}, req
	if f != nil {
		return m.signInFailed(dst, f)
	}
	mechanism := ev.Header.Get("mechanism").String()
	m.external = mechanism == sasl.External
	exchange, err := sasl.NewServer(mechanism, sasl.Config{
		Domain: m.domain, Lookup: m.cfg.Accounts.Credentials, Decoys: m.cfg.Accounts.Decoys(), Guard: m.cfg.Guard, Offer: m.onOffer()})
	if err != nil {
		return m.signInFailed(dst, err)
	}
	m.exchange = exchange
	if !present { // the initial response comes with an empty challenge (RFC 6120 §6.3.10)
		return append(dst, "<challenge xmlns='"+m.profile+"'/>"...), Action{}
	}
	return m.step(dst, data)
}

func (m *Machine) response(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	if m.exchange == nil {
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.MalformedRequest, Reason: "a response to no challenge"})
	}
	data, _, f := payload(ev)
	if f != nil {
		return m.signInFailed(dst, f)
	}
	return m.step(dst, data)
}

func (m *Machine) step(dst, data []byte) ([]byte, Action) {
	out, done, err := m.exchange.Step(data)
	m.user, m.account = m.exchange.Username(), m.exchange.Account()
	if err != nil {
		return m.signInFailed(dst, err)
	}
	if !done {
		return m.appendData(dst, "challenge", out), Action{}
	}
	m.exchange = nil
	if m.profile == nsSASL2 {
		return m.authenticated(dst, out)
	}
	// RFC 6120 §6.4.6: a 'from' given over TLS has to be the account's.
	if !m.from.IsZero() && m.from != m.account {
		return m.Fail(dst, violate(stanza.StreamInvalidFrom, "the header's 'from' is not the account signed in"))
	}
	m.state, m.answered = SignedIn, false
	m.self = stampsOf(m.account)
	return m.appendData(dst, "success", out), Action{Do: Restart}
}

// signInFailed tells the peer (RFC 6120 §6.4.5, XEP-0388 §2.6.2) and counts. The
// last try ends the stream.
func (m *Machine) signInFailed(dst []byte, err error) ([]byte, Action) {
	m.exchange = nil
	f, ok := err.(*sasl.Failure)
	if !ok {
		f = &sasl.Failure{Condition: sasl.TemporaryAuthFailure, Reason: err.Error()}
	}
	dst = m.appendFailure(dst, f.Condition)
	if m.signIns++; m.signIns < maxSignIns {
		return dst, Action{Err: f, Failed: true}
	}
	return m.tooMany(dst, f)
}

// tooMany ends the stream at the last try.
func (m *Machine) tooMany(dst []byte, f *sasl.Failure) ([]byte, Action) {
	dst, act := m.fail(dst, violate(stanza.StreamPolicyViolation, "too many failed sign-ins"), f)
	act.Failed = true
	return dst, act
}

// appendFailure appends <failure/>, whose condition has a namespace of its own
// in XEP-0388.
func (m *Machine) appendFailure(dst []byte, condition string) []byte {
	dst = append(dst, "<failure xmlns='"+m.profile+"'><"+condition...)
	if m.profile != nsSASL {
		dst = append(dst, " xmlns='"+nsSASL+"'"...)
	}
	return append(dst, "/></failure>"...)
}

// payload decodes the character data of a SASL element: "=" is no bytes (RFC
// 6120 §6.4.2), where present tells no bytes from no data.
func payload(ev xmlwire.Event) (data []byte, present bool, f *sasl.Failure) {
	raw, ok := text(ev)
	if !ok {
		return nil, false, &sasl.Failure{Condition: sasl.MalformedRequest, Reason: "markup in the data"}
	}
	switch string(raw) {
	case "":
		return nil, false, nil
	case "=":
		return nil, true, nil
	}
	data, f = decode(string(raw))
	return data, f == nil, f
}

// decode reads base64 with its padding bits zero (RFC 6120 §6.3.5).
func decode(s string) ([]byte, *sasl.Failure) {
	data, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, &sasl.Failure{Condition: sasl.IncorrectEncoding, Reason: "the data is not base64"}
	}
	return data, nil
}

// text returns the character data of an element that has nothing else. What
// negotiation carries needs no references: base64 and hexadecimal digits.
func text(ev xmlwire.Event) ([]byte, bool) {
	if ev.Header.Empty {
		return nil, true
	}
	raw := ev.Raw[ev.Header.StartEnd:]
	i := bytes.IndexByte(raw, '<')
	if i < 0 || i+1 >= len(raw) || raw[i+1] != '/' {
		return nil, false
	}
	return raw[:i], true
}

// appendData appends an element of the profile with its data.
func (m *Machine) appendData(dst []byte, name string, data []byte) []byte {
	dst = append(append(dst, '<'), name...)
	dst = append(dst, " xmlns='"+m.profile+"'>"...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	dst = append(append(dst, "</"...), name...)
	return append(dst, '>')
}

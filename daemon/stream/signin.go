package stream

import (
	"bytes"
	"encoding/base64"

	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// signIn answers the elements of SASL (RFC 6120 §6.4).
func (m *Machine) signIn(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	if m.state == Offered { // §6.5.4
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.EncryptionRequired, Reason: "SASL before TLS"})
	}
	if m.state != Signing {
		return m.Fail(dst, violate(stanza.StreamNotAuthorized, "SASL where it is not on offer"))
	}
	switch string(ev.Header.Name) {
	case "auth":
		return m.auth(dst, ev)
	case "response":
		return m.response(dst, ev)
	case "abort": // §6.4.4
		return m.signInFailed(dst, &sasl.Failure{Condition: sasl.Aborted, Reason: "the client aborted"})
	}
	return m.Fail(dst, violate(stanza.StreamUnsupportedStanzaType, "no such element in SASL"))
}

// auth begins an exchange; one under way is discarded (RFC 6120 §6.4.2).
func (m *Machine) auth(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	m.exchange, m.user = nil, ""
	data, present, f := payload(ev)
	if f != nil {
		return m.signInFailed(dst, f)
	}
	accounts := m.cfg.Accounts
	mech := ev.Header.Get("mechanism").String()
	exchange, err := sasl.NewServer(mech, accounts.Domain(), accounts.Credentials, m.cfg.Binding)
	if err != nil {
		return m.signInFailed(dst, err)
	}
	m.exchange = exchange
	if !present { // the initial response comes with an empty challenge (§6.3.10)
		return append(dst, "<challenge xmlns='"+nsSASL+"'/>"...), Action{}
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
	m.user = m.exchange.Username()
	if err != nil {
		return m.signInFailed(dst, err)
	}
	if !done {
		return appendData(dst, "challenge", out), Action{}
	}
	account := m.exchange.Account()
	m.exchange = nil
	// RFC 6120 §6.4.6: a 'from' given over TLS has to be the account's.
	if !m.from.IsZero() && m.from != account {
		return m.Fail(dst, violate(stanza.StreamInvalidFrom, "the header's 'from' is not the account signed in"))
	}
	m.state, m.answered = SignedIn, false
	m.self = stampsOf(account)
	return appendData(dst, "success", out), Action{Do: Restart}
}

// signInFailed tells the peer (RFC 6120 §6.4.5) and counts. The last try ends
// the stream.
func (m *Machine) signInFailed(dst []byte, err error) ([]byte, Action) {
	m.exchange = nil
	f, ok := err.(*sasl.Failure)
	if !ok {
		f = &sasl.Failure{Condition: sasl.TemporaryAuthFailure, Reason: err.Error()}
	}
	dst = append(dst, "<failure xmlns='"+nsSASL+"'><"...)
	dst = append(dst, f.Condition...)
	dst = append(dst, "/></failure>"...)
	if m.signIns++; m.signIns < maxSignIns {
		return dst, Action{Err: f, Failed: true}
	}
	dst, act := m.fail(dst, violate(stanza.StreamPolicyViolation, "too many failed sign-ins"), f)
	act.Failed = true
	return dst, act
}

// payload decodes the character data of a SASL element: base64 with its padding
// bits zero (RFC 6120 §6.3.5), or "=" for no bytes (§6.4.2). present tells no
// bytes from no data.
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
	enc := base64.StdEncoding.Strict()
	data = make([]byte, enc.DecodedLen(len(raw)))
	n, err := enc.Decode(data, raw)
	if err != nil || bytes.ContainsAny(raw, "\r\n") {
		return nil, false, &sasl.Failure{Condition: sasl.IncorrectEncoding, Reason: "the data is not base64"}
	}
	return data[:n], true, nil
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

// appendData appends an element of SASL with its data.
func appendData(dst []byte, name string, data []byte) []byte {
	dst = append(append(dst, '<'), name...)
	dst = append(dst, " xmlns='"+nsSASL+"'>"...)
	dst = base64.StdEncoding.AppendEncode(dst, data)
	dst = append(append(dst, "</"...), name...)
	return append(dst, '>')
}

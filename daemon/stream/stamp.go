package stream

import (
	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// stamps is who a peer is, in the forms that its stanzas are compared with.
type stamps struct {
	jid        jid.JID
	full, bare string

	// The last 'from' a component used, as it came and prepared: most use few.
	seen     []byte
	prepared string
}

func stampsOf(j jid.JID) stamps {
	return stamps{jid: j, full: j.String(), bare: j.Bare().String()}
}

// Judge looks at a first-level element of a Bound stream and returns the 'from'
// to stamp it with. It does not look at what 'to' says.
func (m *Machine) Judge(h *xmlwire.Header) (from string, v *Violation) {
	if string(h.Space) != m.content || !isStanza(h.Name) {
		return "", m.misplaced(h)
	}
	if m.content == xmlwire.NSComponent {
		return m.self.component(h)
	}
	return m.self.client(h)
}

// misplaced names what an element that is no stanza of this stream violates.
func (m *Machine) misplaced(h *xmlwire.Header) *Violation {
	switch space := string(h.Space); {
	case h.Is(xmlwire.NSStream, "error"):
		return peerError
	case space == m.content:
		return violate(stanza.StreamUnsupportedStanzaType, "no such element in this namespace")
	case isStanza(h.Name):
		return violate(stanza.StreamInvalidNamespace, "stanza in a namespace other than the stream's")
	case space == nsSASL, space == nsSASL2, space == nsTLS:
		return violate(stanza.StreamNotAuthorized, "negotiation after its end")
	}
	return violate(stanza.StreamUnsupportedStanzaType, "element of an unknown namespace")
}

// client stamps the full JID, or the bare one on what concerns a subscription
// (RFC 6120 §8.1.2.1, RFC 6121 §3.1.2). A 'from' that is another's ends the
// stream (RFC 6120 §4.9.3.9).
func (s *stamps) client(h *xmlwire.Header) (string, *Violation) {
	if h.From.Present() && !s.own(h.From) {
		return "", violate(stanza.StreamInvalidFrom, "'from' is not the stream's own address")
	}
	if len(h.Name) == len("presence") && subscription(h.Type.Value) {
		return s.bare, nil
	}
	return s.full, nil
}

func (s *stamps) own(from xmlwire.Attr) bool {
	if !from.Escaped && (string(from.Value) == s.full || string(from.Value) == s.bare) {
		return true
	}
	j, err := jid.Parse(from.String())
	return err == nil && (j == s.jid || j == s.jid.Bare())
}

// subscription reports whether a presence type manages a subscription (RFC 6121
// §3).
func subscription(t []byte) bool {
	switch string(t) {
	case "subscribe", "subscribed", "unsubscribe", "unsubscribed":
		return true
	}
	return false
}

// component allows every address in the component's domain (XEP-0114 §3). Both
// addresses are required, as between servers (RFC 6120 §8.1.1.2, §8.1.2.2); yet
// no 'from' is taken for the component's own address, which it can only be.
func (s *stamps) component(h *xmlwire.Header) (string, *Violation) {
	if !h.To.Present() {
		return "", violate(stanza.StreamImproperAddressing, "stanza without 'to'")
	}
	if !h.From.Present() {
		return s.full, nil
	}
	if string(h.From.Value) == string(s.seen) {
		return s.prepared, nil
	}
	from, err := jid.Parse(h.From.String())
	if err != nil {
		return "", violate(stanza.StreamImproperAddressing, "'from' is no address")
	}
	if from.Domain() != s.full {
		return "", violate(stanza.StreamInvalidFrom, "'from' is not in the component's domain")
	}
	s.seen = append(s.seen[:0], h.From.Value...)
	s.prepared = from.String()
	return s.prepared, nil
}

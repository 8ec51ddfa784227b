package stream

import (
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// The namespaces of the negotiation.
const (
	nsTLS     = "urn:ietf:params:xml:ns:xmpp-tls"  // RFC 6120 §5.4.1
	nsSASL    = "urn:ietf:params:xml:ns:xmpp-sasl" // §6.4.1
	nsSASL2   = "urn:xmpp:sasl:2"                  // XEP-0388
	nsBind2   = "urn:xmpp:bind:0"                  // XEP-0386
	nsCarbons = "urn:xmpp:carbons:2"               // XEP-0280
	nsCSI     = "urn:xmpp:csi:0"                   // XEP-0352
	nsBinding = "urn:xmpp:sasl-cb:0"               // XEP-0440 §2
)

// Header answers a stream header.
func (m *Machine) Header(dst []byte, h *xmlwire.StreamHeader) ([]byte, Action) {
	m.answered, m.lang, m.from = false, h.Lang.String(), jid.JID{}
	if v := m.chooseContent(string(h.Space)); v != nil {
		return m.Fail(dst, v)
	}
	if m.Component() {
		return m.componentHeader(dst, h)
	}
	if v := m.checkClientHeader(h); v != nil {
		return m.Fail(dst, v)
	}
	dst = m.appendHeader(dst, m.domain)
	return m.offer(dst), Action{}
}

// chooseContent takes the content namespace of a header: a component's is
// served where TLS came first, and a connection stays what it was (RFC 6120
// §4.9.3.10, XEP-0368, XEP-0114).
func (m *Machine) chooseContent(space string) *Violation {
	fresh := m.state == Plain || m.state == Secured
	switch {
	case space == xmlwire.NSClient && (fresh || !m.Component()):
	case space == xmlwire.NSComponent && m.state == Secured && m.cfg.Direct:
	default:
		return violate(stanza.StreamInvalidNamespace, "content namespace not served here")
	}
	m.content = space
	return nil
}

func (m *Machine) checkClientHeader(h *xmlwire.StreamHeader) *Violation {
	if h.From.Present() {
		from, err := jid.Parse(h.From.String())
		if err != nil {
			return violate(stanza.StreamImproperAddressing, "the header's 'from' is no address")
		}
		m.from = from.Bare()
	}
	// RFC 6120 §4.7.5: no version means 0.9, which had no SASL.
	if major(h.Version.String()) != "1" {
		return violate(stanza.StreamUnsupportedVersion, "only version 1.0 is spoken here")
	}
	// RFC 6120 §4.9.1.3: unknown and unspecified hosts are treated alike.
	to, err := jid.Parse(h.To.String())
	if err != nil || to != to.Host() || !m.cfg.Accounts.Serves(to.Domain()) || m.state == SignedIn && to.Domain() != m.self.jid.Domain() {
		return violate(stanza.StreamHostUnknown, "the header's 'to' is not served here")
	}
	m.domain = to.Domain()
	if !m.from.IsZero() && m.from.Domain() != m.domain { // XEP-0388 §2.1
		return violate(stanza.StreamInvalidFrom, "the header's 'from' is not of the domain of its 'to'")
	}
	// RFC 6120 §6.4.6: what a client says of itself has to be who it proved to be.
	if m.state == SignedIn && !m.from.IsZero() && m.from != m.self.jid {
		return violate(stanza.StreamInvalidFrom, "the header's 'from' is not the account signed in")
	}
	return nil
}

// major returns the major version without leading zeros (RFC 6120 §4.7.5).
func major(version string) string {
	for i := 0; i < len(version); i++ {
		if version[i] == '.' {
			version = version[:i]
			break
		}
	}
	for len(version) > 1 && version[0] == '0' {
		version = version[1:]
	}
	return version
}

// appendHeader appends a response header (RFC 6120 §4.7) with a new stream ID.
func (m *Machine) appendHeader(dst []byte, from string) []byte {
	m.answered, m.id = true, m.cfg.NewID()
	dst = append(dst, "<?xml version='1.0'?><stream:stream xmlns='"...)
	dst = append(dst, m.content...)
	dst = append(dst, "' xmlns:stream='"+xmlwire.NSStream+"' id='"...)
	dst = append(dst, m.id...)
	dst = append(dst, "' from='"...)
	dst = xmlwire.AppendEscaped(dst, from)
	if !m.Component() {
		if !m.from.IsZero() { // §4.7.2
			dst = append(dst, "' to='"...)
			dst = xmlwire.AppendEscaped(dst, m.from.String())
		}
		dst = append(dst, "' version='1.0' xml:lang='en"...)
	}
	return append(dst, "'>"...)
}

// informative are the features that tell a client what it may use once it is
// bound (RFC 6121 §2.6.1, §3.4; XEP-0352 §4.1).
const informative = "<ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='" + nsCSI + "'/>"

// management is offered while a session is not managed (XEP-0198 §2): clients take
// the offer whatever they asked for before.
const management = "<sm xmlns='" + stanza.NSManagement + "'/>"

// inlineBind is what may be asked for together with a session (XEP-0386 §3.1,
// XEP-0198 §7.1).
const inlineBind = "<bind xmlns='" + nsBind2 + "'><inline><feature var='" + nsCarbons + "'/><feature var='" + nsCSI + "'/>" +
	"<feature var='" + stanza.NSManagement + "'/></inline></bind>"

// offer appends the stream features of the state that the header leads to (RFC
// 6120 §4.3.2).
func (m *Machine) offer(dst []byte) []byte {
	dst = append(dst, "<stream:features>"...)
	switch m.state {
	case Plain: // §5.3.1: nothing beside a required STARTTLS
		m.state = Offered
		dst = append(dst, "<starttls xmlns='"+nsTLS+"'><required/></starttls>"...)
	case Secured:
		m.state = Signing
		dst = m.appendMechanisms(dst)
	case SignedIn: // §7.4
		m.state = Unbound
		dst = append(dst, "<bind xmlns='"+stanza.NSBind+"'/>"...)
		dst = append(dst, informative+management...)
	}
	return append(dst, "</stream:features>"...)
}

// onOffer is what may be chosen to sign in by: of what the client's certificate
// proves, the accounts of the domain asked for (RFC 6120 §13.7.2.2.1).
func (m *Machine) onOffer() sasl.Offer {
	o := sasl.Offer{Binding: m.cfg.Channel.Binding}
	for _, who := range m.cfg.Channel.Proved {
		if who.Domain() != m.domain || !who.IsBare() {
			continue
		}
		if _, known := m.cfg.Accounts.Credentials(who); known {
			o.Proved = append(o.Proved, who)
		}
	}
	return o
}

// appendMechanisms offers SASL in both profiles.
func (m *Machine) appendMechanisms(dst []byte) []byte {
	o := m.onOffer()
	dst = append(dst, "<mechanisms xmlns='"+nsSASL+"'>"...)
	dst = appendEach(dst, o.Mechanisms())
	dst = append(dst, "</mechanisms><authentication xmlns='"+nsSASL2+"'>"...)
	dst = appendEach(dst, o.Mechanisms())
	dst = append(dst, "<inline><sm xmlns='"+stanza.NSManagement+"'/>"+inlineBind+"</inline></authentication>"...)
	types := o.Binding.Types()
	if len(types) == 0 {
		return dst
	}
	dst = append(dst, "<sasl-channel-binding xmlns='"+nsBinding+"'>"...)
	for _, name := range types {
		dst = append(dst, "<channel-binding type='"+name+"'/>"...)
	}
	return append(dst, "</sasl-channel-binding>"...)
}

func appendEach(dst []byte, mechanisms []string) []byte {
	for _, name := range mechanisms {
		dst = append(dst, "<mechanism>"+name+"</mechanism>"...)
	}
	return dst
}

// startTLS answers the STARTTLS command (RFC 6120 §5.4.2). Where it is not on
// offer, as over TLS (XEP-0368 §2), it fails and ends the stream (§5.4.2.2).
func (m *Machine) startTLS(dst []byte, h *xmlwire.Header) ([]byte, Action) {
	if m.state == Ended {
		return dst, Action{Do: Close}
	}
	if m.state != Offered || string(h.Name) != "starttls" {
		m.state = Ended
		dst = append(dst, "<failure xmlns='"+nsTLS+"'/>"+stanza.StreamEnd...)
		return dst, Action{Do: Close, Err: fault.New(fault.TLS, "STARTTLS where it is not on offer")}
	}
	return append(dst, "<proceed xmlns='"+nsTLS+"'/>"...), Action{Do: StartTLS}
}

// Secured is called when the TLS handshake that StartTLS asked for is complete.
// All that the peer said before is forgotten (RFC 6120 §5.4.3.3).
func (m *Machine) Secured(c Channel) {
	cfg := m.cfg
	cfg.Channel = c
	*m = Machine{cfg: cfg, state: Secured, content: xmlwire.NSClient}
}

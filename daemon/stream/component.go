package stream

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// componentHeader answers the header of a component, whose 'to' is the name it
// wants to serve (XEP-0114 §3).
func (m *Machine) componentHeader(dst []byte, h *xmlwire.StreamHeader) ([]byte, Action) {
	to := h.To.String()
	address, err := jid.Parse(to)
	if err == nil {
		if _, known := m.secret(address); known {
			m.self = stampsOf(address)
			m.state = Proving
			return m.appendHeader(dst, address.String()), Action{}
		}
	}
	f := fault.Mend(fault.UnknownComponent,
		fmt.Sprintf("no call bridge has the address %q", to),
		"add it with: xmpp callbridge add <name>")
	dst, act := m.fail(dst, violate(stanza.StreamHostUnknown, "no call bridge has this address"), f)
	act.Failed = true
	return dst, act
}

// secret finds the secret of the component with that address, which is
// <call bridge name>.<domain>.
func (m *Machine) secret(address jid.JID) (string, bool) {
	domain := m.cfg.Accounts.Domain()
	name, ok := strings.CutSuffix(address.String(), "."+domain)
	if !ok || domain == "" || name == "" || strings.ContainsAny(name, ".@/") {
		return "", false
	}
	return m.cfg.Accounts.ComponentSecret(name)
}

// handshake checks a component's proof: the lower-case hexadecimal SHA-1 of
// stream ID and secret (XEP-0114 §3).
func (m *Machine) handshake(dst []byte, ev xmlwire.Event) ([]byte, Action) {
	secret, known := m.secret(m.self.jid) // again: it may have been deleted
	sum := sha1.Sum([]byte(m.id + secret))
	want := hex.AppendEncode(nil, sum[:])
	got, ok := text(ev)
	if known && ok && subtle.ConstantTimeCompare(got, want) == 1 {
		m.state = Granting
		return dst, Action{Do: Bind, Want: m.self.jid}
	}
	f := fault.Mend(fault.WrongSecret,
		fmt.Sprintf("the secret of call bridge %q does not match", m.self.jid),
		"compare it with: xmpp callbridge list")
	dst, act := m.fail(dst, violate(stanza.StreamNotAuthorized, "the handshake does not match"), f)
	act.Failed = true
	return dst, act
}

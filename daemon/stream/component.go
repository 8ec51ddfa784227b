package stream

import (
	"cmp"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// maxClaim is how many bytes of an address that is none are told of.
const maxClaim = 255

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
	claim := to[:min(len(to), maxClaim)]
	if err == nil {
		claim = address.String()
	}
	dst, act := m.fail(dst, violate(stanza.StreamHostUnknown, "no call bridge has this address"), m.unknown(claim))
	act.Failed, act.Claim = true, claim
	return dst, act
}

// unknown tells a name that is not registered from an address that can not be
// that of a call bridge here.
func (m *Machine) unknown(to string) *fault.Error {
	domain := m.cfg.Accounts.Domain()
	name, ok := strings.CutSuffix(to, "."+domain)
	if !ok || domain == "" || name == "" || strings.ContainsAny(name, ".@/") {
		return fault.Mend(fault.UnknownComponent, fmt.Sprintf("no call bridge has the address %q: it is <name>.%s", to, cmp.Or(domain, "<domain>")),
			"correct name and domain on the call bridge; xmpp callbridge list shows those that are known")
	}
	return fault.Mend(fault.UnknownComponent, fmt.Sprintf("call bridge %s is unknown", printable(name)),
		"correct the name on the call bridge, or add it here: xmpp callbridge add <name>")
}

// printable is a name that a peer claims as it may be shown: plain if it is one.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
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
		"wrong secret for call bridge "+m.name(),
		"compare it with xmpp callbridge list, and the nodes with each other: xmpp callbridge check")
	dst, act := m.fail(dst, violate(stanza.StreamNotAuthorized, "the handshake does not match"), f)
	act.Failed, act.Claim = true, m.self.jid.String()
	return dst, act
}

// name is the call bridge name in the component's address.
func (m *Machine) name() string {
	name, _, _ := strings.Cut(m.self.jid.Domain(), ".")
	return name
}

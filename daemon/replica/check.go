package replica

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"quorate.org/daemon/fault"
)

// maxLabel is the longest label of a domain name, in bytes (RFC 1035 §2.3.4).
const maxLabel = 63

// CheckCallBridgeName refuses a name that can not be one label of a component's
// address: it must be 1 to 63 characters of [A-Za-z0-9_-].
func CheckCallBridgeName(name string) error {
	if strings.Contains(name, ".") {
		return fault.Mend(fault.InvalidName,
			fmt.Sprintf("the call bridge name %q contains a dot", name),
			"give the name alone, the domain is added to it")
	}
	if name == "" || len(name) > maxLabel || strings.Trim(name, labelCharacters) != "" {
		return fault.Mend(fault.InvalidName,
			fmt.Sprintf("%q is not a call bridge name", name),
			"use 1 to 63 letters, digits, hyphens and underscores")
	}
	return nil
}

const labelCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// CheckDomain refuses what can not be the domain part of an address
// (RFC 7622 §3.2). It wants the prepared, lower-case form.
func CheckDomain(domain string) error {
	ok := domain != "" && len(domain) <= 253 && utf8.ValidString(domain) && strings.ToLower(domain) == domain
	for label := range strings.SplitSeq(domain, ".") {
		ok = ok && checkLabel(label)
	}
	if !ok {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a domain name", domain),
			"use a name such as meet.example in lower case")
	}
	return nil
}

// checkLabel accepts letters, digits and inner hyphens (RFC 1123 §2.1), and
// letters beyond ASCII, which package jid has prepared.
func checkLabel(label string) bool {
	if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' {
		return false
	}
	for _, r := range label {
		if r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
			return false
		}
	}
	return true
}

func checkSecret(name, secret string) error {
	if secret == "" || len(secret) > 255 || !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl) {
		return fault.Mend(fault.InvalidArgument,
			fmt.Sprintf("the secret given for call bridge %s is empty, too long or has control characters", name),
			"use 1 to 255 printable characters")
	}
	return nil
}

// CheckAccountName refuses what can not be the local part of an address
// (RFC 7622 §3.3.1). It wants the prepared form.
func CheckAccountName(name string) error {
	if name == "" || len(name) > 1023 || !utf8.ValidString(name) || strings.ContainsAny(name, "\"&'/:<>@") ||
		strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not a user name", name),
			`use the part before the @, without spaces or any of "&'/:<>@`)
	}
	return nil
}

func (s *State) checkAccount(a *Account) error {
	if a == nil {
		return fault.New(fault.InvalidArgument, "the account is missing")
	}
	local, domain, further := strings.Cut(a.Name, "@")
	if err := CheckAccountName(local); err != nil {
		return err
	}
	if _, served := s.Domains[domain]; further && !served {
		return fault.Mend(fault.NotFound, fmt.Sprintf("%s is of a domain that is not served here", a.Name),
			`see them with "xmpp multi_domain list"`)
	}
	if !a.SHA1.whole(20) || !a.SHA256.whole(32) {
		return fault.New(fault.InvalidArgument, "the keys of account "+a.Name+" are not whole")
	}
	return nil
}

func (k Keys) whole(size int) bool {
	return k.Iterations > 0 && len(k.Salt) > 0 && len(k.StoredKey) == size && len(k.ServerKey) == size
}

func checkMember(m *Member) error {
	if m == nil || len(m.ID) != 32 || strings.Trim(m.ID, "0123456789abcdef") != "" || len(m.Key) != 32 {
		return fault.New(fault.InvalidArgument, "the identity of the node is not valid")
	}
	if _, err := netip.ParseAddr(m.Addr); err != nil {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not the IP address of node %s", m.Addr, m.label()),
			`set the interface with "xmpp listen" on that node`)
	}
	for _, port := range []int{m.ClientPort, m.MeshPort, m.GossipPort} {
		if port < 1 || port > 65535 {
			return fault.New(fault.InvalidArgument, fmt.Sprintf("node %s has no valid port %d", m.label(), port))
		}
	}
	return nil
}

func checkGossipKey(key []byte) error {
	if len(key) != 32 {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("a gossip key has 32 bytes, not %d", len(key)))
	}
	return nil
}

// label names a node for people: its host name, or its ID when it has none.
func (m Member) label() string {
	if m.Name != "" {
		return m.Name
	}
	return m.ID
}

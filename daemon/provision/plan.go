package provision

import (
	"fmt"
	"net/netip"
	"strings"
)

// Plan is what a node is to become; what is empty was not given, or not right.
type Plan struct {
	Hostname       string
	Interface      string // MAC address or name of the card that gets Addresses; empty: every Ethernet card
	Addresses      []netip.Prefix
	Gateways       []netip.Addr
	DNS            []netip.Addr
	NTP            []string // host names or addresses
	Timezone       string   // "Europe/Vienna"
	Keyboard       string   // layout of the keyboard at the machine: "de"
	AuthorizedKeys []string // lines of sshd(8)'s AUTHORIZED_KEYS FILE FORMAT
	HashedPassword string   // crypt(5)
	Config         string   // TOML
	Recover        bool
}

// NetworkFile is the Plan's systemd.network(5) file; empty without an address.
// Another machine with the address is looked for before it is used (RFC 5227).
func (p Plan) NetworkFile() string {
	if len(p.Addresses) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("# Written once, from what the machine was given; yours to change.\n[Match]\n")
	switch {
	case p.Interface == "":
		b.WriteString("Type=ether\n")
	case strings.Contains(p.Interface, ":"):
		fmt.Fprintf(&b, "MACAddress=%s\n", p.Interface)
	default:
		fmt.Fprintf(&b, "Name=%s\n", p.Interface)
	}
	b.WriteString("\n[Network]\n")
	for _, g := range p.Gateways {
		fmt.Fprintf(&b, "Gateway=%s\n", g)
	}
	for _, a := range p.Addresses {
		fmt.Fprintf(&b, "\n[Address]\nAddress=%s\nDuplicateAddressDetection=both\n", a)
	}
	return b.String()
}

// ResolvedFile is the Plan's resolved.conf(5) drop-in; empty without a name server.
func (p Plan) ResolvedFile() string {
	if len(p.DNS) == 0 {
		return ""
	}
	var servers []string
	for _, a := range p.DNS {
		servers = append(servers, a.String())
	}
	return "[Resolve]\nDNS=" + strings.Join(servers, " ") + "\n"
}

// TimesyncFile is the Plan's timesyncd.conf(5) drop-in; empty without a time server.
func (p Plan) TimesyncFile() string {
	if len(p.NTP) == 0 {
		return ""
	}
	return "[Time]\nNTP=" + strings.Join(p.NTP, " ") + "\n"
}

// KeysFile is the Plan's authorized_keys file; empty without a key.
func (p Plan) KeysFile() string {
	if len(p.AuthorizedKeys) == 0 {
		return ""
	}
	return strings.Join(p.AuthorizedKeys, "\n") + "\n"
}

package screen

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// networkd is where systemd-networkd keeps what it knows of each link, and the
// kernel its IPv6 addresses.
type networkd struct {
	links string // folder of a file for each link, by number
	inet6 string // if_inet6 of procfs
}

// cards lists the network cards of this machine. What can not be read is left out.
func (n networkd) cards() []Card {
	list, err := net.Interfaces()
	if err != nil {
		return nil
	}
	failed := n.failed()
	var cards []Card
	for _, i := range list {
		if i.Flags&net.FlagLoopback != 0 || len(i.HardwareAddr) == 0 {
			continue
		}
		c := Card{Name: i.Name, Link: i.Flags&net.FlagRunning != 0, Taken: failed[i.Name]}
		if addrs, err := i.Addrs(); err == nil {
			c.Addresses = usable(addrs, c.Taken)
		}
		c.DHCP, c.Static = n.wanted(i.Index)
		cards = append(cards, c)
	}
	return cards
}

// usable are the addresses people can reach.
func usable(addrs []net.Addr, taken []netip.Addr) (out []netip.Prefix) {
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err == nil && !p.Addr().IsLinkLocalUnicast() && !p.Addr().IsLoopback() && !slices.Contains(taken, p.Addr()) {
			out = append(out, p)
		}
	}
	return out
}

// wanted reads what a link is to have: its file (systemd.network(5)) is named by
// its state. The drop-ins of the file are left out.
func (n networkd) wanted(index int) (dhcp bool, static []netip.Prefix) {
	state, err := os.ReadFile(filepath.Join(n.links, strconv.Itoa(index)))
	if err != nil {
		return false, nil
	}
	text, err := os.ReadFile(assigned(string(state), "NETWORK_FILE"))
	if err != nil {
		return false, nil
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "DHCP":
			dhcp = value == "yes" || value == "ipv4" || value == "ipv6"
		case "Address":
			if p, err := netip.ParsePrefix(value); err == nil {
				static = append(static, p)
			}
		}
	}
	return dhcp, static
}

// assigned returns the value of a variable in a file of assignments.
func assigned(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+"="); ok {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

// dadFailed is IFA_F_DADFAILED (rtnetlink(7)): another machine has the address
// (RFC 4862 §5.4).
const dadFailed = 0x08

// failed returns the IPv6 addresses that were found to be another machine's, by
// card: a line is address, index, prefix length, scope and flags in hexadecimal,
// and the name.
func (n networkd) failed() map[string][]netip.Addr {
	text, err := os.ReadFile(n.inet6)
	if err != nil {
		return nil
	}
	out := map[string][]netip.Addr{}
	for line := range strings.Lines(string(text)) {
		var b []byte
		var index, bits, scope, flags int
		var name string
		if _, err := fmt.Sscanf(line, "%x %x %x %x %x %s", &b, &index, &bits, &scope, &flags, &name); err != nil || flags&dadFailed == 0 {
			continue
		}
		if a, ok := netip.AddrFromSlice(b); ok {
			out[name] = append(out[name], a)
		}
	}
	return out
}

package provision

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"

	"quorate.org/daemon/account"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/keymap"
	"quorate.org/daemon/password"
	"quorate.org/daemon/settings/file"
	"quorate.org/daemon/timezone"
)

// Parse judges items, each by itself, and returns what the good ones say, with a
// fault for each of the others. Of two values for one key the first counts.
func Parse(items []Item) (Plan, []*fault.Error) {
	var p Plan
	var faults []*fault.Error
	seen := map[string]Item{}
	for _, i := range items {
		if before, twice := seen[i.Key]; twice {
			if strings.TrimSpace(before.Value) != strings.TrimSpace(i.Value) {
				faults = append(faults, i.wrong("another value came from "+before.Source, "give it once"))
			}
			continue
		}
		seen[i.Key] = i
		faults = append(faults, p.take(i)...)
	}
	return p, append(faults, p.agree(seen)...)
}

// rule reads one key. An error says why a value is wrong.
type rule struct {
	right string // what would be right
	read  func(p *Plan, value string) error
}

var rules = map[string]rule{
	Hostname:       {"use letters, digits and - between dots: cb1.meet.example", readHostname},
	Interface:      {"use the MAC address of a network card, 52:54:00:12:34:56, or its name", readInterface},
	Address:        {"use an address with its prefix length: 192.0.2.10/24", readAddresses},
	Gateway:        {"use an address within the node's network: 192.0.2.1", readGateways},
	DNS:            {"use addresses of name servers: 192.0.2.53", readDNS},
	NTP:            {"use names or addresses of time servers: ntp.example.com", readNTP},
	Timezone:       {"use a name of the time zone database: Europe/Vienna", readTimezone},
	Keyboard:       {"use the name of a keyboard layout: us, uk, de, fr, es", readKeyboard},
	HashedPassword: {"use a hash as made by openssl passwd -6, never the password itself", readHash},
	Config:         {"mend it as a quorate.toml: every key is in /etc/quorate/quorate.toml", readConfig},
	Recover:        {"use yes or no", readRecover},
}

func (p *Plan) take(i Item) []*fault.Error {
	if len(i.Value) > limit {
		return []*fault.Error{i.wrong(fmt.Sprintf("it is larger than %d bytes", limit), "give a smaller one")}
	}
	if i.Key == AuthorizedKeys {
		return p.takeKeys(i)
	}
	r, known := rules[i.Key]
	if !known {
		return []*fault.Error{i.wrong("there is no such key", "the keys are "+strings.Join(Keys, ", "))}
	}
	if err := r.read(p, strings.TrimSpace(i.Value)); err != nil {
		return []*fault.Error{i.wrong(err.Error(), r.right)}
	}
	return nil
}

// agree drops what is right alone and of no use with the rest.
func (p *Plan) agree(given map[string]Item) []*fault.Error {
	outside := func(g netip.Addr) bool {
		return !g.IsLinkLocalUnicast() && !slices.ContainsFunc(p.Addresses, func(a netip.Prefix) bool { return a.Contains(g) })
	}
	if len(p.Gateways) == 0 || !slices.ContainsFunc(p.Gateways, outside) {
		return nil
	}
	p.Gateways = slices.DeleteFunc(p.Gateways, outside)
	why := "it is in no network of " + Address
	if len(p.Addresses) == 0 {
		why = "there is no " + Address + " it belongs to"
	}
	return []*fault.Error{given[Gateway].wrong(why, rules[Gateway].right)}
}

// hostLabel is one label of a host name (RFC 1123 §2.1).
var hostLabel = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`) })

func isHostname(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if !hostLabel().MatchString(label) {
			return false
		}
	}
	return true
}

func readHostname(p *Plan, v string) error {
	v = strings.ToLower(v)
	if !isHostname(v) {
		return errors.New("it is no host name")
	}
	if len(v) > 64 { // Linux's HOST_NAME_MAX
		return errors.New("a host name has at most 64 characters")
	}
	p.Hostname = v
	return nil
}

// cardName is a name the kernel takes for a network card, without what
// systemd.network(5) reads as a pattern.
var cardName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,14}$`) })

func readInterface(p *Plan, v string) error {
	if mac, err := net.ParseMAC(v); err == nil && len(mac) == 6 {
		p.Interface = mac.String()
		return nil
	}
	if !cardName().MatchString(v) {
		return errors.New("it is neither a MAC address nor the name of a card")
	}
	p.Interface = v
	return nil
}

// words splits a list at blanks and commas.
func words(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == '\r' })
}

// list reads every word of v, at least one.
func list[T any](v string, read func(string) (T, error)) ([]T, error) {
	var out []T
	for _, w := range words(v) {
		x, err := read(w)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	if len(out) == 0 {
		return nil, errors.New("it is empty")
	}
	return out, nil
}

func readAddresses(p *Plan, v string) (err error) {
	p.Addresses, err = list(v, hostAddress)
	return err
}

// hostAddress reads an address that a node can have.
func hostAddress(w string) (netip.Prefix, error) {
	a, err := netip.ParsePrefix(w)
	if err != nil {
		if _, bare := netip.ParseAddr(w); bare == nil {
			return a, fmt.Errorf("%s has no prefix length", w)
		}
		return a, fmt.Errorf("%q is not an address", w)
	}
	ip, last := a.Addr(), a.Addr().BitLen()-1
	switch {
	case ip.Is4In6(), ip.IsUnspecified(), ip.IsLoopback(), ip.IsMulticast(), a.Bits() == 0:
		return a, fmt.Errorf("%s is not for a node", w)
	case a.Bits() < last && a.Masked().Addr() == ip:
		return a, fmt.Errorf("%s is the network, not an address in it", w)
	case ip.Is4() && a.Bits() < last && broadcast(a) == ip:
		return a, fmt.Errorf("%s is the broadcast address of its network", w)
	}
	return a, nil
}

// broadcast is the last address of an IPv4 network.
func broadcast(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		a[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(a)
}

func readGateways(p *Plan, v string) (err error) {
	p.Gateways, err = list(v, address)
	return err
}

func readDNS(p *Plan, v string) (err error) {
	p.DNS, err = list(v, address)
	return err
}

func address(w string) (netip.Addr, error) {
	a, err := netip.ParseAddr(w)
	if err != nil || a.Zone() != "" || a.Is4In6() || a.IsUnspecified() || a.IsMulticast() {
		return a, fmt.Errorf("%q is not the address of a machine", w)
	}
	return a, nil
}

func readNTP(p *Plan, v string) (err error) {
	p.NTP, err = list(v, func(w string) (string, error) {
		if _, err := netip.ParseAddr(w); err != nil && (len(w) > 253 || !isHostname(strings.ToLower(w))) {
			return "", fmt.Errorf("%q is neither a name nor an address", w)
		}
		return w, nil
	})
	return err
}

func readTimezone(p *Plan, v string) error {
	if !timezone.IsName(v) {
		return errors.New("it is no name of a time zone")
	}
	p.Timezone = v
	return nil
}

func readKeyboard(p *Plan, v string) error {
	if !keymap.IsName(v) {
		return errors.New("it is no name of a keyboard layout")
	}
	p.Keyboard = v
	return nil
}

func readHash(p *Plan, v string) error {
	if err := password.CheckHash(v); err != nil {
		return err
	}
	p.HashedPassword = v
	return nil
}

// readConfig judges the file alone; the configuration service judges it among
// the others.
func readConfig(p *Plan, v string) error {
	if _, err := file.Check("quorate.toml", []byte(v)); err != nil {
		return err
	}
	p.Config = v + "\n"
	return nil
}

func readRecover(p *Plan, v string) error {
	switch strings.ToLower(v) {
	case "yes", "true", "1":
		p.Recover = true
	case "no", "false", "0":
	default:
		return errors.New("it is neither yes nor no")
	}
	return nil
}

// takeKeys judges each line by itself: one bad key must not lock out the holders
// of the others.
func (p *Plan) takeKeys(i Item) []*fault.Error {
	var faults []*fault.Error
	n := 0
	for line := range strings.Lines(i.Value) {
		n++
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := account.CheckKey(line); err != nil {
			faults = append(faults, i.wrong(fmt.Sprintf("line %d: %v", n, err), "use the line of a public key file, such as ~/.ssh/id_ed25519.pub"))
			continue
		}
		p.AuthorizedKeys = append(p.AuthorizedKeys, line)
	}
	if len(p.AuthorizedKeys) == 0 && len(faults) == 0 {
		faults = append(faults, i.wrong("it is empty", "use the line of a public key file, such as ~/.ssh/id_ed25519.pub"))
	}
	return faults
}

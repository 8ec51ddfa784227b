package netif

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

func TestCardOf(t *testing.T) {
	mac := func(last byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, 0, last} }
	cards := func() []net.Interface {
		return []net.Interface{
			{Name: "lo", Flags: net.FlagLoopback, HardwareAddr: net.HardwareAddr{0, 0, 0, 0, 0, 0}},
			{Name: "tun0"}, // no hardware
			{Name: "ens3", HardwareAddr: mac(3)},
			{Name: "ens4", HardwareAddr: mac(0xa4)},
		}
	}
	stored := []settings.Interface{{Letter: "a", MAC: "02:00:00:00:00:A4"}, {Letter: "b", MAC: "02:00:00:00:00:99"}}
	for _, c := range []struct {
		letter string
		stored []settings.Interface
		card   string
		text   string
	}{
		{"a", nil, "ens3", ""},
		{"b", nil, "ens4", ""},
		{"c", nil, "", "interface c: there is no such network card"},
		{"a", stored, "ens4", ""}, // PCI order does not matter
		{"b", stored, "", "interface b: there is no network card 02:00:00:00:00:99"},
		{"c", stored, "", "interface c: there is no such network card"},
		{"A", nil, "", "there is no such network card"},
	} {
		got, err := cardOf(c.letter, c.stored, cards(), "xmpp listen")
		if got.Name != c.card || (err == nil) != (c.text == "") || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s of %v: %s, %v; want %s %s", c.letter, c.stored, got.Name, err, c.card, c.text)
		}
	}
}

func TestAddrs(t *testing.T) {
	addrs := func(list ...string) (out []netip.Addr) {
		for _, a := range list {
			out = append(out, netip.MustParseAddr(a))
		}
		return out
	}
	for _, c := range []struct {
		listen []string
		want   []netip.Addr
		code   fault.Code
	}{
		{nil, nil, ""},
		{[]string{"127.0.0.1"}, addrs("127.0.0.1"), ""},
		{[]string{"127.0.0.2", "127.0.0.1"}, addrs("127.0.0.2", "127.0.0.1"), ""},
		{[]string{"::ffff:127.0.0.1"}, addrs("127.0.0.1"), ""},
		{[]string{"127.0.0.1", "d"}, addrs("127.0.0.1"), fault.NotFound},
		{[]string{"127.0.0.1", "192.0.2.7"}, addrs("127.0.0.1"), fault.NotFound},
	} {
		got, err := Addrs(c.listen, []settings.Interface{{Letter: "d", MAC: "02:00:00:00:00:99"}}, "xmpp listen")
		if diff := cmp.Diff(c.want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.listen, diff)
		}
		if (err == nil) != (c.code == "") || err != nil && fault.CodeOf(err) != c.code {
			t.Errorf("%v: %v, want %s", c.listen, err, c.code)
		}
	}
}

// A letter stands for the addresses its card has, IPv4 first, none of the link.
func TestAddressesOfCards(t *testing.T) {
	cards, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		v := []settings.Interface{{Letter: "a", MAC: card.HardwareAddr.String()}}
		got, err := addrsOf("a", v, "xmpp listen")
		if err != nil {
			if c := fault.CodeOf(err); c != fault.NotFound && c != fault.WrongState {
				t.Errorf("%s: %v", card.Name, err)
			}
			continue
		}
		for i, a := range got {
			if a.IsLinkLocalUnicast() || a.Is4In6() || i > 0 && got[i-1].BitLen() > a.BitLen() {
				t.Errorf("%s stands for %v", card.Name, got)
			}
		}
	}
}

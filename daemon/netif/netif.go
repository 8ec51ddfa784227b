package netif

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// Addrs returns the addresses that a list of letters and addresses stands for
// now. A letter is the network card of the MAC address stored for it; before any
// is stored, the cards in their order. command is the one that sets the list,
// "xmpp listen", for the remedy. With an error, the addresses before the one it
// is about are returned.
func Addrs(listen []string, stored []settings.Interface, command string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, l := range listen {
		if a, err := netip.ParseAddr(l); err == nil {
			if err := present(a.Unmap(), command); err != nil {
				return out, err
			}
			out = append(out, a.Unmap())
			continue
		}
		addrs, err := addrsOf(l, stored, command)
		if err != nil {
			return out, err
		}
		out = append(out, addrs...)
	}
	return out, nil
}

// present checks that an address is one of this node's.
func present(a netip.Addr, command string) error {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return fmt.Errorf("listing addresses: %w", err)
	}
	for _, x := range list {
		p, err := netip.ParsePrefix(x.String())
		if err == nil && (p.Addr().Unmap() == a.WithZone("") || a.IsLoopback() && p.Contains(a)) {
			return nil
		}
	}
	return fault.Mend(fault.NotFound, "this node has no address "+a.String(), command+" a, or an address this node has")
}

// Card returns the network card that a letter stands for now.
func Card(letter string, stored []settings.Interface, command string) (net.Interface, error) {
	cards, err := net.Interfaces()
	if err != nil {
		return net.Interface{}, fmt.Errorf("listing network cards: %w", err)
	}
	return cardOf(letter, stored, cards, command)
}

func addrsOf(letter string, stored []settings.Interface, command string) ([]netip.Addr, error) {
	card, err := Card(letter, stored, command)
	if err != nil {
		return nil, err
	}
	list, err := card.Addrs()
	if err != nil {
		return nil, fmt.Errorf("reading addresses of %s: %w", card.Name, err)
	}
	var out []netip.Addr
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p.Addr().Unmap())
		}
	}
	slices.SortStableFunc(out, func(a, b netip.Addr) int { return cmp.Compare(a.BitLen(), b.BitLen()) })
	if len(out) == 0 {
		return nil, fault.Mend(fault.WrongState, fmt.Sprintf("interface %s (%s) has no address", letter, card.Name), "wait for DHCP, or set one: ipv4 "+letter)
	}
	return out, nil
}

func cardOf(letter string, stored []settings.Interface, cards []net.Interface, command string) (net.Interface, error) {
	cards = slices.DeleteFunc(cards, func(c net.Interface) bool { return c.Flags&net.FlagLoopback != 0 || len(c.HardwareAddr) == 0 })
	for _, s := range stored {
		if s.Letter != letter {
			continue
		}
		for _, c := range cards {
			if strings.EqualFold(c.HardwareAddr.String(), s.MAC) {
				return c, nil
			}
		}
		return net.Interface{}, fault.Mend(fault.NotFound, fmt.Sprintf("interface %s: there is no network card %s", letter, s.MAC), "config show network.interfaces, and bind the letter to a card that is there")
	}
	if i := int(letter[0] - 'a'); len(stored) == 0 && i < len(cards) {
		return cards[i], nil
	}
	return net.Interface{}, fault.Mend(fault.NotFound, fmt.Sprintf("interface %s: there is no such network card", letter), command+" a")
}

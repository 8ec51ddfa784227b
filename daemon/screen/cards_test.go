package screen

import (
	"net"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Only what people can reach is shown, whatever a card has for a moment.
func TestUsable(t *testing.T) {
	var addrs []net.Addr
	for _, a := range []string{"127.0.0.2/8", "::1/128", "fe80::1/64", "10.0.0.7/24", "10.0.0.8/24", "2001:db8::7/64"} {
		p := netip.MustParsePrefix(a)
		addrs = append(addrs, &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())})
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.7/24"), netip.MustParsePrefix("2001:db8::7/64")}
	got := usable(addrs, []netip.Addr{netip.MustParseAddr("10.0.0.8")})
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

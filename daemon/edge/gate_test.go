package edge

import (
	"net/netip"
	"testing"
	"time"
)

func TestGate(t *testing.T) {
	var g gate
	l := Limits{Connections: 100, PerAddress: 2, AuthFailures: 2, FailureWindow: time.Minute}
	now := time.Unix(1000, 0)
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:1") // one /64
	other := netip.MustParseAddr("2001:db8:0:1::1")
	v4, mapped := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("::ffff:192.0.2.1")
	admit := func(who netip.Addr, want verdict) {
		t.Helper()
		if got, _ := g.admit(who, now, l); got != want {
			t.Errorf("%s: verdict %d, want %d", who, got, want)
		}
	}
	admit(a, admitted)
	admit(b, admitted)
	admit(a, refusedFirst)
	admit(b, refused)
	admit(other, admitted)
	admit(v4, admitted)
	admit(mapped, admitted)
	admit(v4, refusedFirst)
	g.leave(a)
	admit(b, admitted)
	admit(b, refusedFirst) // told anew, since it was let in between

	l.Connections = 5
	admit(netip.MustParseAddr("198.51.100.1"), refusedFirst)
	admit(netip.MustParseAddr("198.51.100.2"), refused) // all are told of once
	if len(g.places) != 3 {
		t.Errorf("%d places kept, want those that were let in", len(g.places))
	}
	l.Connections = 100
	for want := 1; want <= 2; want++ {
		if n := g.failed(other, now.Add(time.Duration(want-1)*59*time.Second), l); n != want {
			t.Errorf("%d failures, want %d", n, want)
		}
	}
	admit(other, refusedFirst)
	now = now.Add(time.Minute)
	admit(other, admitted)

	for _, who := range []netip.Addr{a, b, v4, mapped, other, other} {
		g.leave(who)
	}
	g.failed(v4, now, l)
	g.sweep(now, l)
	if len(g.places) != 1 {
		t.Errorf("%d places kept, want the one that failed", len(g.places))
	}
	g.sweep(now.Add(time.Minute), l)
	if len(g.places) != 0 {
		t.Errorf("%d places kept", len(g.places))
	}
}

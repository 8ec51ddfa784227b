package dnscheck

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomZone is a zone that somebody made who was not thinking: records are left
// out, and ports, targets and addresses are any of a few.
func randomZone(r *rand.Rand) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	var zone strings.Builder
	for _, host := range []string{"cb1", "cb2", "cb3", "old"} {
		switch r.IntN(6) {
		case 0:
		case 1:
			fmt.Fprintf(&zone, "%s.meet.example. 60 IN CNAME %s.meet.example.\n", host, pick("cb1", "cb2", "cb3", "old", "gone"))
		default:
			for range 1 + r.IntN(2) {
				fmt.Fprintf(&zone, "%s.meet.example. 60 IN A 10.0.0.%s\n", host, pick("11", "12", "13", "99"))
			}
		}
	}
	for _, label := range []string{"_xmpp-component", "_xmpp-client", "_xmpps-client", "_xmpp-server"} {
		for range r.IntN(5) {
			fmt.Fprintf(&zone, "%s._tcp.meet.example. %s IN SRV %s 0 %s %s.meet.example.\n",
				label, pick("0", "60"), pick("0", "10"), pick("5222", "5223", "522"), pick("cb1", "cb2", "cb3", "old", "gone"))
		}
	}
	return zone.String()
}

// TestEveryZoneIsCured: whatever the zone, the zone lines mend it at once.
func TestEveryZoneIsCured(t *testing.T) {
	for seed := range uint64(1500) {
		zone := randomZone(rand.New(rand.NewPCG(seed, 1)))
		_, first := look(t, three(), world{zones: map[string]string{"10.0.0.1": zone}})
		after := cured(t, zone, first.Zone)
		_, again := look(t, three(), world{zones: map[string]string{"10.0.0.1": after}})
		if !again.OK || len(again.Zone) > 0 {
			t.Fatalf("seed %d:\n%s\nsaid %q\nzone lines %s\nafter the cure %q, zone lines %s", seed, zone, said(first), strings.Join(first.Zone, "\n"), said(again), strings.Join(again.Zone, "\n"))
		}
		if !first.OK && len(first.Zone) == 0 {
			t.Fatalf("seed %d: %q and no zone lines", seed, said(first))
		}
	}
}

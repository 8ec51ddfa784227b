package health

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
)

type noPorts struct{}

func (noPorts) Ports(context.Context) ([]bus.OpenPort, error) { return nil, nil }

func TestFirewallFaults(t *testing.T) {
	ours := []bus.Unit{{Name: "quorate-firewall.service", Load: "loaded", Active: "active"}}
	silent := []bus.Fault{{Code: "Unavailable", Text: "the firewall service is not running", Remedy: "systemctl start quorate-firewall"}}
	for _, c := range []struct {
		name  string
		units []bus.Unit
		state *bus.FirewallProperties // nil: the service does not run
		want  []bus.Fault
	}{
		{"none on this machine", nil, nil, nil},
		{"does not run", ours, nil, silent},
		{"in force", ours, &bus.FirewallProperties{State: "in force", Text: "in force, 7 ports are open"}, nil},
		{"no nftables", ours, &bus.FirewallProperties{State: "failed", Code: "Firewall", Text: "this kernel filters no packets", Remedy: "boot another"},
			[]bus.Fault{{Code: "Firewall", Text: "this kernel filters no packets", Remedy: "boot another"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := well()
			r.units = c.units
			conn := r.up(t)
			if c.state != nil {
				if _, err := dial(t).ServeFirewall(noPorts{}, *c.state, nil); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(c.want, ofServices(t, Look(t.Context(), conn))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

package local

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// A local node has the accounts of an image: an administrator changes, an
// operator looks and sees no secret, and the journal tells those in its group who
// has seen them.
func TestNodeHasAccounts(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Members()[0]
	const masked = "********"
	if out, err := n.ExecAs(t.Context(), "admin", "xmpp callbridge list"); err != nil || strings.Contains(out, masked) {
		t.Errorf("admin sees %s, %v", out, err)
	}
	if out, err := n.ExecAs(t.Context(), "operator", "xmpp callbridge list"); err != nil || !strings.Contains(out, masked) {
		t.Errorf("operator sees %s, %v", out, err)
	}
	if out, err := n.ExecAs(t.Context(), "operator", "xmpp callbridge add cb9"); !lab.Failed(err) {
		t.Errorf("an operator's change: %s, %v", out, err)
	}
	out, err := n.JournalText(t.Context(), "--identifier=xmppd", "--grep=^(admin|operator): CallBridges", "--output=cat")
	if err != nil || !strings.Contains(out, "admin: CallBridges") || strings.Contains(out, "operator: CallBridges") {
		t.Errorf("the journal says %q, %v", out, err)
	}
	other, err := l.Members()[1].JournalText(t.Context(), "--output=cat")
	if err != nil || strings.Contains(other, "admin: CallBridges") {
		t.Errorf("another node's journal: %q, %v", other, err)
	}
}

// The zone can be made wrong, and right again.
func TestZone(t *testing.T) {
	l := labtest.Cluster(t)
	const service = "_xmpp-component._tcp." + lab.Domain
	t.Cleanup(func() { must(t, l.SetZone(context.Background(), l.Zone()...)) })
	must(t, l.SetZone(t.Context(), slices.DeleteFunc(l.Zone(), func(line string) bool { return strings.Contains(line, service) })...))
	if targets, err := lookup(t, l, service); err == nil {
		t.Errorf("the record that was dropped is %v", targets)
	}
	must(t, l.SetZone(t.Context(), "srv-host="+service+",gone."+lab.Domain+",5223,0,0"))
	if targets, err := lookup(t, l, service); err != nil || !slices.Equal(targets, []string{"gone." + lab.Domain + "."}) {
		t.Errorf("%v, %v", targets, err)
	}
	must(t, l.SetZone(t.Context(), l.Zone()...))
	if targets, err := lookup(t, l, service); err != nil || len(targets) != 3 {
		t.Errorf("%v, %v", targets, err)
	}
}

// lookup asks the lab's DNS server for a service's targets.
func lookup(t *testing.T, l *lab.Lab, service string) (targets []string, err error) {
	t.Helper()
	r := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return l.Dial(ctx, network, lab.Nameserver)
	}}
	_, records, err := r.LookupSRV(t.Context(), "", "", service)
	for _, record := range records {
		targets = append(targets, record.Target)
	}
	return targets, err
}

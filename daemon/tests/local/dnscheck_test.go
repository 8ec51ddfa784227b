package local

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// Parts of zones that the tests make wrong.
const (
	component = "_xmpp-component._tcp." + lab.Domain
	client    = "_xmpp-client._tcp." + lab.Domain
	noNode    = "10.77.0.99"
)

// zoneFaults are what goes wrong in a zone, and how dns check tells it.
var zoneFaults = []struct {
	name string
	edit func(zone string) string
	want []string // of the failures
}{
	{"no component records", without(component), []string{"there is no SRV record " + component}},
	{"no client records", without(client), []string{"there is no SRV record " + client}},
	{"wrong port", swap("0 0 5223 cb1", "0 0 522 cb1"),
		[]string{"the SRV record " + component + " names port 522 of cb1.meet.example, and cb1 listens on 5223"}},
	{"client and component port mixed up", swap("10 50 5222 cb2", "10 50 5223 cb2"),
		[]string{"the SRV record " + client + " names port 5223 of cb2.meet.example, and cb2 listens on 5222"}},
	{"target without a name", swap("0 0 5223 cb1", "0 0 5223 gone"),
		[]string{"the target gone.meet.example of " + component + " does not exist", "no SRV record " + component + " names cb1 (10.77.0.11)"}},
	{"target without an address", both(swap("0 0 5223 cb1", "0 0 5223 mute"), with("mute.meet.example. 300 IN TXT nobody")),
		[]string{"the target mute.meet.example of " + component + " has no address"}},
	{"target is an alias", both(swap("0 0 5223 cb1", "0 0 5223 xmpp1"), with("xmpp1.meet.example. 300 IN CNAME cb1.meet.example.")),
		[]string{"the target xmpp1.meet.example of " + component + " is an alias (CNAME) of cb1.meet.example, which RFC 2782 forbids"}},
	{"node is an alias", both(without("cb1.meet.example. 300 IN A"), with("cb1.meet.example. 300 IN CNAME cb2.meet.example.")),
		[]string{"the target cb1.meet.example of the node cb1 is an alias (CNAME) of cb2.meet.example, which RFC 2782 forbids"}},
	{"node left out", without("0 0 5223 cb2"), []string{"no SRV record " + component + " names cb2 (10.77.0.12)"}},
	{"node without an address", without("cb2.meet.example. 300 IN A"), []string{"the target cb2.meet.example of the node cb2 does not exist"}},
	{"record of no node", with(component+". 300 IN SRV 0 0 5223 old.meet.example.", "old.meet.example. 300 IN A "+noNode),
		[]string{"the target old.meet.example of " + component + " has the address " + noNode + ", which no node of the cluster has"}},
	{"address of no node", swap("IN A 10.77.0.13", "IN A "+noNode),
		[]string{"the target cb3.meet.example has the address " + noNode + ", and the node cb3 has 10.77.0.13"}},
	{"address of another node", swap("IN A 10.77.0.13", "IN A 10.77.0.12"),
		[]string{"the target cb3.meet.example has the address 10.77.0.12, and the node cb3 has 10.77.0.13"}},
	{"one address too many", with("cb3.meet.example. 300 IN A " + noNode),
		[]string{"the target cb3.meet.example has the address " + noNode + ", and the node cb3 has 10.77.0.13"}},
	{"service denied", both(without(component), with(component+". 300 IN SRV 0 0 0 .")),
		[]string{"the SRV record " + component + ` says that the service is not offered (its target is ".")`}},
	{"everything at once", func(string) string { return soa }, []string{"there is no SRV record " + component, "there is no SRV record " + client}},
}

// soa is a zone without a record of ours.
const soa = "meet.example. 300 IN SOA ns.meet.example. hostmaster.meet.example. 1 3600 600 86400 60\n" +
	"meet.example. 300 IN NS ns.meet.example.\nns.meet.example. 300 IN A " + lab.PrimaryServer + "\n"

// Every fault of a zone is told, and the zone lines, pasted into the zone of a
// name server, mend it at once.
func TestM3_4_ZoneFaults(t *testing.T) {
	l, n := asker(t)
	for _, f := range zoneFaults {
		zone := f.edit(l.MasterFile())
		must(t, l.ServeMaster(t.Context(), lab.PrimaryServer, zone))
		out := checkFails(t, n, f.name, fault.DNS, f.want...)
		mended := paste(t, zone, zoneLines(out))
		must(t, l.ServeMaster(t.Context(), lab.PrimaryServer, mended))
		if out, err := n.Exec(t.Context(), "dns check"); err != nil || strings.Contains(out, "Zone lines:") {
			t.Errorf("%s: with the zone lines pasted:\n%s\n%sthe zone was\n%sand is\n%s", f.name, out, err, zone, mended)
		}
	}
	t.Logf("M3.4 %d faults of a zone: each told with exit status 1, and mended by its zone lines in a master file", len(zoneFaults))
}

// What no zone line can mend is told too, with exit status 1 while anything is
// wrong, and passes once it is mended.
func TestM3_4_ServersAndPorts(t *testing.T) {
	l, n := asker(t)
	right := l.MasterFile()
	cases := []struct {
		name        string
		spoil, mend func() error
		code        fault.Code
		want        []string
	}{
		{"silent name server",
			func() error { return n.UseNameServers(lab.SilentServer) },
			func() error { return n.UseNameServers(lab.PrimaryServer) },
			fault.DNS, []string{"the name server " + lab.SilentServer + " does not answer"}},
		{"zone with a mistake",
			func() error {
				return l.ServeMaster(t.Context(), lab.PrimaryServer, right+"cb4.meet.example. IN A 10.77\n")
			},
			func() error { return l.ServeMaster(t.Context(), lab.PrimaryServer, right) },
			fault.DNS, []string{"the name server " + lab.PrimaryServer + " answers SERVFAIL"}},
		{"name servers that differ",
			func() error {
				return errors.Join(l.ServeMaster(t.Context(), lab.SecondaryServer, without("0 0 5223 cb2")(right)), n.UseNameServers(lab.PrimaryServer, lab.SecondaryServer))
			},
			func() error { return l.ServeMaster(t.Context(), lab.SecondaryServer, right) },
			fault.DNS, []string{"the name servers disagree about " + component + " SRV: " + lab.PrimaryServer + " says ", "; " + lab.SecondaryServer + " says "}},
		{"service off",
			func() error { return l.Node("cb3").Signal(t.Context(), "xmppd", syscall.SIGKILL) },
			func() error { return revived(t, l, l.Node("cb3")) },
			fault.TCP, []string{"cb3.meet.example:5223 (10.77.0.13) of " + component + " can not be reached: connection refused", "cb3.meet.example:5222 (10.77.0.13)"}},
		{"port filtered",
			func() error {
				return l.Node("cb2").Nft(t.Context(), "add table inet quorate; add chain inet quorate in { type filter hook input priority 0; }; add rule inet quorate in tcp dport 5223 drop")
			},
			func() error { return l.Node("cb2").Nft(t.Context(), "delete table inet quorate") },
			fault.TCP, []string{"cb2.meet.example:5223 (10.77.0.12) of " + component + " can not be reached: no answer within 2s"}},
	}
	must(t, l.ServeMaster(t.Context(), lab.PrimaryServer, right))
	for _, c := range cases {
		must(t, c.spoil())
		out := checkFails(t, n, c.name, c.code, c.want...)
		must(t, wantf(len(zoneLines(out)) == 0, "%s: zone lines that can not help:\n%s", c.name, out))
		must(t, c.mend())
		if out, err := n.Exec(t.Context(), "dns check"); err != nil {
			t.Errorf("%s: mended, it says\n%s", c.name, out)
		}
	}
	t.Logf("M3.4 %d faults of name servers and ports: each told with its code and exit status 1, and gone when mended", len(cases))
}

// What works and could be better is a warning: the check passes.
func TestM3_4_Hints(t *testing.T) {
	l, n := asker(t)
	right := l.MasterFile()
	for _, c := range []struct{ zone, want string }{
		{with(component + ". 300 IN SRV 0 5 5223 cb1.meet.example.")(right), "2 SRV records " + component + " lead to cb1, which gets more than its share"},
		{swap("10 50 5222 cb1", "5 50 5222 cb1")(right), "the SRV records " + client + " have the priorities 5 to 10"},
		{without("_xmpps-client")(right), "there is no SRV record _xmpps-client._tcp.meet.example; "},
		{with("_xmpp-server._tcp.meet.example. 300 IN SRV 0 0 5269 cb1.meet.example.")(right), "the SRV record _xmpp-server._tcp.meet.example is not needed"},
	} {
		must(t, l.ServeMaster(t.Context(), lab.PrimaryServer, c.zone))
		out := typed(t, n, "dns check")
		must(t, wantf(strings.Contains(out, "\nADVICE\nWARNING: ") && strings.Contains(out, c.want) && len(zoneLines(out)) == 0, "%q is not in\n%s", c.want, out))
	}
	must(t, l.ServeMaster(t.Context(), lab.PrimaryServer, right))
	must(t, n.UseNameServers(lab.SilentServer, lab.PrimaryServer))
	out := typed(t, n, "dns check")
	must(t, wantf(strings.Contains(out, "WARNING: the name server "+lab.SilentServer+" does not answer"), "one of two is silent: %s", out))
	must(t, n.UseNameServers(lab.PrimaryServer))
	out = typed(t, n, "dns check")
	must(t, wantf(strings.Contains(out, "WRONG\nnone\n"), "a zone that leaves nothing to wish: %s", out))
	t.Logf("M3.4 a record too many, unlike priorities, no direct TLS, federation, one silent server of two: warnings, exit status 0")
}

// asker is the cluster with a node that asks the name server of master files.
func asker(t *testing.T) (*lab.Lab, *lab.Node) {
	t.Helper()
	l := labtest.Cluster(t)
	n := l.Node("cb1")
	must(t, n.UseNameServers(lab.PrimaryServer))
	t.Cleanup(func() { must(t, n.UseNameServers()) })
	return l, n
}

// checkFails runs dns check, which must exit with 1 and tell each of the wanted
// in a FAILURE line of that code, and returns what it printed.
func checkFails(t *testing.T, n *lab.Node, name string, code fault.Code, want ...string) string {
	t.Helper()
	out, err := n.Exec(t.Context(), "dns check")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("%s: dns check ended with %v:\n%s", name, err, out)
	}
	printed, _ := n.Exec(t.Context(), "dns check --json") // it fails as the one before
	type finding struct {
		Code         fault.Code
		Text, Remedy string
		Hint         bool
	}
	var report struct{ Findings []finding }
	if err := json.Unmarshal([]byte(printed), &report); err != nil {
		t.Fatalf("%s: %v in %s", name, err, printed)
	}
	for _, w := range want {
		at := slices.IndexFunc(strings.Split(out, "\n"), func(line string) bool {
			return strings.HasPrefix(line, "FAILURE: ") && strings.Contains(line, w)
		})
		told := slices.IndexFunc(report.Findings, func(f finding) bool {
			return f.Code == code && strings.Contains(f.Text, w) && f.Remedy != "" && !f.Hint
		})
		if at < 0 || told < 0 {
			t.Errorf("%s: no failure of code %s says %q in\n%s", name, code, w, out)
		}
	}
	return out
}

// zoneLines returns the lines that dns check proposes.
func zoneLines(out string) (lines []string) {
	_, rest, _ := strings.Cut(out, "\nZone lines:\n")
	for line := range strings.Lines(rest) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "SUCCESS") {
			lines = append(lines, line)
		}
	}
	return lines
}

// paste does what a person does with zone lines: takes out the records that the
// comments name, and puts the others at the end.
func paste(t *testing.T, zone string, lines []string) string {
	t.Helper()
	must(t, wantf(len(lines) > 0, "no zone lines"))
	for _, add := range lines {
		remove, ok := strings.CutPrefix(add, "; remove: ")
		if !ok {
			zone += add + "\n"
			continue
		}
		name, value, _ := strings.Cut(remove, " ")
		var kept strings.Builder
		found := false
		for line := range strings.Lines(zone) {
			fields := strings.Fields(line) // name, TTL, class, …
			if fields[0] == name && strings.Join(fields[2:], " ") == value {
				found = true
				continue
			}
			kept.WriteString(line)
		}
		must(t, wantf(found, "%q is no record of\n%s", add, zone))
		zone = kept.String()
	}
	return zone
}

// revived starts the node's XMPP service again and waits until it serves.
func revived(t *testing.T, l *lab.Lab, n *lab.Node) error {
	if err := n.Revive(t.Context(), "xmppd"); err != nil {
		return err
	}
	return l.WaitHealthy(t.Context(), 20*time.Second)
}

func without(part string) func(string) string {
	return func(zone string) string {
		var kept strings.Builder
		for line := range strings.Lines(zone) {
			if !strings.Contains(line, part) {
				kept.WriteString(line)
			}
		}
		return kept.String()
	}
}

func with(records ...string) func(string) string {
	return func(zone string) string { return zone + strings.Join(records, "\n") + "\n" }
}

func swap(old, by string) func(string) string {
	return func(zone string) string { return strings.Replace(zone, old, by, 1) }
}

func both(first, then func(string) string) func(string) string {
	return func(zone string) string { return then(first(zone)) }
}

package health

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

func TestConditionsAreWhole(t *testing.T) {
	seen := map[fault.Code]bool{}
	for _, c := range Conditions() {
		if c.Code == "" || c.Title == "" || c.Title == string(c.Code) || c.Remedy == "" || !strings.HasSuffix(c.Means, ".") {
			t.Errorf("%+v lacks something", c)
		}
		if c.Severity != Warning && c.Severity != Error {
			t.Errorf("%s is a %q", c.Code, c.Severity)
		}
		if seen[c.Code] {
			t.Errorf("%s is registered twice", c.Code)
		}
		seen[c.Code] = true
	}
}

// TestWhatIsToldIsRegistered: every code that this package tells is a condition.
func TestWhatIsToldIsRegistered(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); ok && f.Name == "tell" {
				told++
				code := call.Args[0].(*ast.SelectorExpr).Sel.Name
				if Of(code).Means == "" {
					t.Errorf("%s tells %s, which is not registered", name, code)
				}
			}
			return true
		})
	}
	if told < 10 {
		t.Errorf("found only %d places that tell", told)
	}
}

func TestOfAnUnknownCode(t *testing.T) {
	if c := Of("Novel"); c.Code != "Novel" || c.Title != "Novel" || c.Severity != Error {
		t.Errorf("%+v", c)
	}
}

func peer(name, gossip string, heard int64, lag uint64) bus.Peer {
	return bus.Peer{ID: name, Name: name, Address: "10.0.0.1:5222", Voter: true, Gossip: gossip, LastContactMs: heard, Lag: lag}
}

func TestLook(t *testing.T) {
	renew := "upload a renewed certificate under the same name"
	for _, tc := range []struct {
		name string
		set  func(*rig)
		want []bus.Fault
	}{
		{"nothing", func(*rig) {}, nil},
		{"unit failed", func(r *rig) {
			r.units = []bus.Unit{{Name: "ssh.service", Active: "active"}, {Name: "quorate-web.service", Active: "failed"}}
		}, []bus.Fault{{Code: "UnitFailed", Text: "quorate-web.service has failed", Remedy: "journalctl -u quorate-web.service"}}},
		{"files refused", func(r *rig) { r.refused = "quorate.toml:4: xmpp.lissen: unknown key" },
			[]bus.Fault{{Code: "InvalidConfiguration", Text: "the configuration files were refused, generation 4 stays in force:\nquorate.toml:4: xmpp.lissen: unknown key",
				Remedy: "mend the file, then systemctl reload quorate-config"}}},
		{"told by the XMPP service", func(r *rig) {
			r.status.Faults = []bus.Fault{{Code: "Drift", Text: "xmpp.domain differs", Remedy: "change the files"}, {Code: "NotFound", Text: "this node has no address 10.0.0.9", Remedy: "xmpp listen a"}}
		}, []bus.Fault{{Code: "Drift", Text: "xmpp.domain differs", Remedy: "change the files"}, {Code: "NotFound", Text: "this node has no address 10.0.0.9", Remedy: "xmpp listen a"}}},
		{"no quorum, told once", func(r *rig) {
			r.cluster = bus.ClusterStatus{State: "NO LEADER", Reason: "no quorum: 1 of 3 voters reachable, 2 needed", Voters: 3, Reachable: 1, Needed: 2}
			r.status.Faults = []bus.Fault{{Code: "NoQuorum", Text: r.cluster.Reason, Remedy: "bring the missing nodes back"}}
		}, []bus.Fault{{Code: "NoQuorum", Text: "no quorum: 1 of 3 voters reachable, 2 needed", Remedy: "bring the missing nodes back"}}},
		{"three well", func(r *rig) {
			r.cluster = bus.ClusterStatus{State: "LEADER", Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1, Peers: []bus.Peer{peer("cb1", "alive", 10, 2)}}
		}, nil},
		{"two nodes", func(r *rig) {
			r.cluster = bus.ClusterStatus{State: "FOLLOWER", Voters: 2, Reachable: 2, Needed: 2}
		}, []bus.Fault{{Code: "NoTolerance", Text: "a cluster of 2 voters tolerates no failure", Remedy: "join more nodes until there are three: xmpp cluster join <member>"}}},
		{"one of three down", func(r *rig) {
			self := peer("cb1", "alive", 0, 0)
			self.Self = true
			r.cluster = bus.ClusterStatus{State: "LEADER", Voters: 3, Reachable: 2, Needed: 2, Peers: []bus.Peer{self, peer("cb2", "failed", 65400, 0), peer("cb3", "left", -1, 0)}}
		}, []bus.Fault{
			{Code: "NoTolerance", Text: "2 of 3 voters reachable: one more failure stops the cluster", Remedy: "bring the missing nodes back"},
			{Code: "Member", Text: "cb2 (10.0.0.1:5222) does not answer, last heard 1m5s ago", Remedy: "switch it on, or take it out: xmpp cluster remove cb2"},
			{Code: "Member", Text: "the XMPP service of cb3 (10.0.0.1:5222) is stopped", Remedy: "systemctl start quorate-xmpp on cb3"},
		}},
		{"member behind", func(r *rig) {
			r.cluster = bus.ClusterStatus{State: "LEADER", Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1, Peers: []bus.Peer{peer("cb2", "alive", 5, 255), peer("cb3", "alive", 5, 256)}}
		}, []bus.Fault{{Code: "Member", Text: "cb3 (10.0.0.1:5222) is 256 log entries behind the leader", Remedy: "look at the network and the disk of cb3"}}},
		{"certificates by the service's judgement", func(r *rig) {
			r.files = []bus.Certificate{{File: "xmpp.cer", State: "ready", NotAfter: "2026-12-01T00:00:00Z", DaysLeft: 11, UsedBy: []string{"xmpp.certificate"}}}
			r.services = []bus.ServiceCheck{{Service: "web", OK: true, Text: "fine"}, {Service: "xmpp", File: "xmpp.cer", Code: "Expired", Text: "xmpp.cer expires in 11 days: clients will refuse", Remedy: renew}}
		}, []bus.Fault{{Code: "Expired", Text: "xmpp.cer expires in 11 days: clients will refuse", Remedy: renew}}},
		{"certificates by the list", func(r *rig) {
			r.judge = errOld
			r.files = []bus.Certificate{
				{File: "xmpp.cer", State: "ready", NotAfter: "2026-12-01T00:00:00Z", DaysLeft: 60, UsedBy: []string{"xmpp.certificate"}},
				{File: "later.cer", State: "ready", NotAfter: "2027-12-01T00:00:00Z", DaysLeft: 61, UsedBy: []string{"web.certificate"}},
				{File: "old.cer", State: "ready", NotAfter: "2026-11-01T00:00:00Z", DaysLeft: -19, UsedBy: []string{"cluster.trust"}},
				{File: "spare.cer", State: "ready", NotAfter: "2026-11-01T00:00:00Z", DaysLeft: -19},
			}
		}, []bus.Fault{{Code: "Expired", Text: "xmpp.cer expires in 60 days", Remedy: renew}, {Code: "Expired", Text: "old.cer has expired", Remedy: renew}}},
		{"uploads", func(r *rig) {
			r.files = []bus.Certificate{
				{File: "bad.cer", Kind: "certificate", State: "rejected", Reason: "RSA 1024 is too weak"},
				{File: "half.cer", State: "incomplete", Reason: "the file ends early"},
				{File: "all.p12", State: "waiting", Reason: "it waits for its passphrase; pki import all.p12"}, {File: "new.cer", State: "waiting", Reason: "it has other names"},
			}
		}, []bus.Fault{
			{Code: "InvalidArgument", Text: "bad.cer was refused: RSA 1024 is too weak", Remedy: "pki remove bad.cer"},
			{Code: "Incomplete", Text: "half.cer is not whole: the file ends early", Remedy: "upload it again, or pki remove half.cer"},
			{Code: "Incomplete", Text: "all.p12 is not taken in: it waits for its passphrase", Remedy: "pki import all.p12"},
			{Code: "Incomplete", Text: "new.cer is not taken in: it has other names", Remedy: "pki list"},
		}},
		{"link failed", func(r *rig) {
			r.bridge = bus.CallBridgeStatus{State: "failed", Code: "WrongSecret", Text: `connection to "meet.example" failed (wrong secret): cb1 says so`, Remedy: "callbridge secret"}
		}, []bus.Fault{{Code: "WrongSecret", Text: `connection to "meet.example" failed (wrong secret): cb1 says so`, Remedy: "callbridge secret"}}},
		{"link under way", func(r *rig) { r.bridge = bus.CallBridgeStatus{State: "connecting", Text: "connecting"} }, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := well()
			tc.set(r)
			if diff := cmp.Diff(tc.want, ofServices(t, Look(t.Context(), r.up(t)))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A service that is not there is told of once, whatever it was asked; a Call
// Bridge only where the settings want one.
func TestServicesStopped(t *testing.T) {
	xmpp := bus.Fault{Code: "Unavailable", Text: "the XMPP service is not running", Remedy: "systemctl start quorate-xmpp"}
	config := bus.Fault{Code: "Unavailable", Text: "the configuration service is not running", Remedy: "systemctl start quorate-config"}
	cert := bus.Fault{Code: "Unavailable", Text: "the certificate service is not running", Remedy: "systemctl start quorate-cert"}
	bridge := bus.Fault{Code: "Unavailable", Text: "the Call Bridge service is not running", Remedy: "systemctl start quorate-callbridge"}
	for _, tc := range []struct {
		name   string
		gone   []string
		wanted string // callbridge.name
		want   []bus.Fault
	}{
		{"all", []string{"config", "xmpp", "certificates", "bridge"}, "cb1", []bus.Fault{config, xmpp, cert}},
		{"an unwanted bridge", []string{"bridge"}, "", nil},
		{"a wanted bridge", []string{"bridge"}, "cb1", []bus.Fault{bridge}},
	} {
		r := well()
		r.values["callbridge.name"] = tc.wanted
		if diff := cmp.Diff(tc.want, ofServices(t, Look(t.Context(), r.up(t, tc.gone...)))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// A service that hangs keeps nobody longer than its two seconds, and is told of
// once though it was asked two things.
func TestSilentService(t *testing.T) {
	r := well()
	r.silent = true
	conn := r.up(t)
	began := time.Now()
	got := ofServices(t, Look(t.Context(), conn))
	if took := time.Since(began); took > 2*patience {
		t.Errorf("it took %v", took)
	}
	want := []bus.Fault{{Code: "Timeout", Text: "the XMPP service did not answer in time", Remedy: "journalctl -u quorate-xmpp"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWithoutBus(t *testing.T) {
	dead := []bus.Fault{{Code: "Unavailable", Text: "the system bus does not answer", Remedy: "systemctl status dbus"}}
	if diff := cmp.Diff(dead, ofServices(t, Look(t.Context(), nil))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want := []bus.Fault{{Code: "NotPermitted", Text: "no", Remedy: "sign in"}}
	if diff := cmp.Diff(want, ofServices(t, Without(fault.Mend(fault.NotPermitted, "no", "sign in")))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLookCancelled(t *testing.T) {
	conn := well().up(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, f := range ofServices(t, Look(ctx, conn)) {
		if f.Code != "Unavailable" || f.Text != "the look was cancelled" {
			t.Errorf("%+v", f)
		}
	}
}

func TestClockFaults(t *testing.T) {
	free := []bus.Fault{{Code: "Clock", Text: "the clock is not synchronised", Remedy: "systemctl status systemd-timesyncd"}}
	broken := errors.New("reading the clock's state: no")
	for _, tc := range []struct {
		clock Clock
		err   error
		want  []bus.Fault
	}{
		{Clock{Synchronized: true}, nil, nil},
		{Clock{}, nil, free},
		{Clock{}, unix.EPERM, nil},
		{Clock{}, broken, []bus.Fault{{Code: "Internal", Text: broken.Error()}}},
	} {
		if diff := cmp.Diff(tc.want, clockFaults(tc.clock, tc.err)); diff != "" {
			t.Errorf("%+v, %v (-want +got):\n%s", tc.clock, tc.err, diff)
		}
	}
}

func TestDiskFaults(t *testing.T) {
	if f := diskFaults("/nowhere"); len(f) != 1 || f[0].Code != "Internal" {
		t.Errorf("a path that is not there: %+v", f)
	}
}

func TestMemoryFaults(t *testing.T) {
	for _, tc := range []struct{ meminfo, want string }{
		{"MemTotal:       1000 kB\nMemFree: 1 kB\nMemAvailable:    50 kB\n", ""},
		{"MemTotal:       1000 kB\nMemAvailable:    49 kB\n", "only 4 % of the memory is available"},
		{"MemTotal:       1000 kB\nMemAvailable:    0 kB\n", "only 0 % of the memory is available"},
		{"MemTotal:       1000 kB\n", ""},
		{"MemAvailable: 5 kB\n", ""},
		{"MemTotal: lots\nMemAvailable: few\n", ""},
	} {
		path := filepath.Join(t.TempDir(), "meminfo")
		if err := os.WriteFile(path, []byte(tc.meminfo), 0o600); err != nil {
			t.Fatal(err)
		}
		text := ""
		if f := memoryFaults(path); len(f) > 0 {
			text = f[0].Text
		}
		if text != tc.want {
			t.Errorf("%q: %q, want %q", tc.meminfo, text, tc.want)
		}
	}
	if f := memoryFaults("/nowhere"); len(f) != 1 {
		t.Errorf("without the file: %+v", f)
	}
}

func TestPercentUsed(t *testing.T) {
	for _, tc := range []struct {
		blocks, free, available uint64
		want                    int
	}{{100, 50, 40, 55}, {100, 10, 0, 100}, {100, 100, 100, 0}, {100, 0, 0, 0}, {0, 0, 0, 0}} {
		if got := percentUsed(tc.blocks, tc.free, tc.available); got != tc.want {
			t.Errorf("percentUsed(%d, %d, %d) = %d, want %d", tc.blocks, tc.free, tc.available, got, tc.want)
		}
	}
}

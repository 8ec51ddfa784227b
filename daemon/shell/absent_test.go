package shell

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
)

// With the XMPP service stopped, what needs it says so and how to start it;
// what does not need it works.
func TestXmppServiceStopped(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.values["xmpp.domain"] = "meet.example" })
	n.stopXmpp(t)
	const stopped = "FAILURE: the XMPP service is not running\nREMEDY: systemctl start quorate-xmpp\n"
	for _, tc := range []struct {
		line, want string
		code       int
	}{
		{"xmpp cluster status", stopped, 1},
		{"xmpp domain a.example", stopped, 1},
		{"xmpp enable", stopped, 1},
		{"xmpp listen a", "SUCCESS: XMPP server listens on a; it takes effect when the XMPP service starts\n", 0},
		{"xmpp port client 5322", "SUCCESS: XMPP client port set to 5322; it takes effect when the XMPP service starts\n", 0},
		{"xmpp certs xmpp.key xmpp.cer", "SUCCESS: Key and certificate pair match\nSUCCESS: XMPP certificate set; it takes effect when the XMPP service starts\n", 0},
	} {
		out, code := run1(t, tc.line, "")
		if out != tc.want || code != tc.code {
			t.Errorf("%s: exit status %d, printed %q", tc.line, code, out)
		}
	}
	out, code := run1(t, "xmpp", "")
	for _, want := range []string{
		"Domain                  : meet.example\n", "Client port             : 5322\n",
		"Fault                   : the XMPP service is not running; systemctl start quorate-xmpp\n",
		"STATUS                  : XMPP server not running\n",
	} {
		if !strings.Contains(out, want) || code != 0 {
			t.Errorf("xmpp: exit status %d, %q is missing in\n%s", code, want, out)
		}
	}
	if out, code := run1(t, "health", ""); !strings.Contains(out, stopped) || code != 1 {
		t.Errorf("health: exit status %d, printed %q", code, out)
	}
}

func TestNoBus(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus")
	out, code := run1(t, "xmpp status", "")
	if !strings.HasPrefix(out, "FAILURE: the system bus does not answer") || !strings.HasSuffix(out, "REMEDY: systemctl status dbus\n") || code != 1 {
		t.Errorf("xmpp status: exit status %d, printed %q", code, out)
	}
	for _, line := range []string{"help", "help xmpp cluster", "version", "status", "database cluster status"} {
		if out, code := run1(t, line, ""); code != 0 || out == "" {
			t.Errorf("%s: exit status %d, printed %q", line, code, out)
		}
	}
}

// The shell finds a bus that went away and came back.
func TestBusRestarted(t *testing.T) {
	n := startNode(t)
	p := sitDown(t, 1, "")
	if code := p.Execute(t.Context(), "xmpp disable"); code != 0 {
		t.Fatalf("exit status %d: %s", code, p.seen)
	}
	p.conn.Close()
	p.seen.Reset()
	if code := p.Execute(t.Context(), "xmpp disable"); code != 0 {
		t.Errorf("exit status %d: %s", code, p.seen)
	}
	if changes := n.changes(); len(changes) != 2 {
		t.Errorf("changed %v", changes)
	}
}

// What can not be applied is taken back.
func TestNotAppliedChangesNothing(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.values["xmpp.client_port"], n.own = int64(5222), "xmpp.client_port" })
	out, code := run1(t, "xmpp port client 22", "")
	const want = "FAILURE: port 22 is in use\nREMEDY: xmpp port client 5222\n" +
		"FAILURE: nothing was changed\nREMEDY: journalctl -u quorate-xmpp\n"
	if out != want || code != 1 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	if diff := cmp.Diff([]string{"set xmpp.client_port=22", "set xmpp.client_port=5222"}, n.changes()); diff != "" {
		t.Errorf("a port of the own drop-in (-want +got):\n%s", diff)
	}
	n.set(func() { n.own = "" })
	run1(t, "xmpp port client 22", "")
	if diff := cmp.Diff([]string{"set xmpp.client_port=22", "unset xmpp.client_port"}, n.changes()); diff != "" {
		t.Errorf("a port set elsewhere (-want +got):\n%s", diff)
	}
}

// What was wrong before does not make another command fail; it is why the
// service is not in service, though.
func TestKnownFaultsOnlyWarn(t *testing.T) {
	n := startNode(t)
	n.set(func() {
		n.values["xmpp.domain"], n.values["xmpp.key"] = "meet.example", "xmpp.key"
		n.faults = []bus.Fault{{Code: "NotFound", Text: "there is no file trust.pem", Remedy: "pki list"}}
	})
	out, code := run1(t, "xmpp listen a", "")
	if want := "WARNING: there is no file trust.pem\nREMEDY: pki list\nSUCCESS: XMPP server listens on a\n"; out != want || code != 0 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	out, code = run1(t, "xmpp enable", "")
	if !strings.Contains(out, "FAILURE: there is no file trust.pem\nREMEDY: pki list\nFAILURE: nothing was changed") || code != 1 {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}

func TestJSONHasNoNullLists(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.files = certificateFiles("xmpp.cer") })
	for _, line := range []string{"pki list --json", "xmpp callbridge list --json", "xmpp cluster status --json", "xmpp status --json"} {
		if out, _ := run1(t, line, ""); strings.Contains(out, "null") {
			t.Errorf("%s prints %s", line, out)
		}
	}
}

func TestHealth(t *testing.T) {
	n := startNode(t)
	faults := []bus.Fault{
		{Code: "NoQuorum", Text: "no quorum: 1 of 3 voters reachable, 2 needed", Remedy: "xmpp cluster status"},
		{Code: "Drift", Text: "xmpp.domain differs", Remedy: "change the files"},
		{Code: "Novel", Text: "something new", Remedy: "wait"},
	}
	files := []bus.Certificate{{File: "bad.cer", State: "rejected", Reason: "RSA 1024 is too weak"}}
	n.set(func() { n.faults, n.files = faults, files })
	out, code := run1(t, "health", "")
	for _, want := range []string{
		"FAILURE: no quorum: 1 of 3 voters reachable, 2 needed\nREMEDY: xmpp cluster status\n",
		"WARNING: xmpp.domain differs\nREMEDY: change the files\n", "FAILURE: something new\nREMEDY: wait\n",
		"FAILURE: bad.cer was refused: RSA 1024 is too weak\nREMEDY: pki remove bad.cer\n",
	} {
		if !strings.Contains(out, want) || code != 1 {
			t.Errorf("exit status %d, %q is missing in\n%s", code, want, out)
		}
	}
	out, code = run1(t, "health --all", "")
	for _, want := range []string{
		"STATE    CONDITION ", "\nerror    no quorum ", "\nwarning  configuration drift ", "\nOK       cloned node ", "\nerror    Novel ",
		"\n\nFAILURE: ", "WARNING: xmpp.domain differs\nREMEDY: change the files\n",
	} {
		if !strings.Contains(out, want) || code != 1 {
			t.Errorf("--all: exit status %d, %q is missing in\n%s", code, want, out)
		}
	}
	out, _ = run1(t, "health --all --json", "")
	var all []condition
	if err := json.Unmarshal([]byte(out), &all); err != nil || strings.Contains(out, "null") {
		t.Fatalf("%v in\n%s", err, out)
	}
	for _, c := range all {
		if c.OK != (len(c.Found) == 0) || c.Code == "Cloned" && !c.OK || c.Code == "Drift" && c.OK {
			t.Errorf("%+v", c)
		}
	}
}

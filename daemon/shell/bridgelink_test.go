package shell

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
)

// testBridge is a Call Bridge in some state.
type testBridge struct {
	*testNode
	status bus.CallBridgeStatus
}

func (b testBridge) Status(context.Context) (bus.CallBridgeStatus, error) { return b.status, nil }
func (b testBridge) Reconnect(context.Context, bus.Caller) error {
	return b.act("reconnect", nothing)
}

func TestCallBridgeCommands(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.files = certificateFiles("ca.cer") })
	if _, err := dialTest(t).ServeBridge(testBridge{n, bus.CallBridgeStatus{}}, bus.BridgeProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	const asked = "Enter callbridge secret: \nEnter callbridge secret again: \n"
	for _, tc := range []struct {
		line, answers, out string
		code               int
		change             string
	}{
		{"callbridge name cb1", "", "SUCCESS: Call Bridge name set to cb1\n", 0, "set callbridge.name=cb1"},
		{"callbridge name cb1.meet.example", "",
			"FAILURE: \"cb1.meet.example\" has a dot; the domain is added to the name by itself\nREMEDY: callbridge name cb1\n", 1, ""},
		{"callbridge domain Meet.Example", "", "SUCCESS: Call Bridge domain set to meet.example\n", 0, "set callbridge.domain=meet.example"},
		{"callbridge server localhost:5223", "", "SUCCESS: Call Bridge uses the server localhost:5223\n", 0, "set callbridge.server=localhost:5223"},
		{"callbridge server none", "", "SUCCESS: Call Bridge finds its servers by SRV records\n", 0, "set callbridge.server="},
		{"callbridge trust ca.cer", "", "SUCCESS: Call Bridge trusts the certificates in ca.cer\n", 0, "set callbridge.trust=ca.cer"},
		{"callbridge trust none", "", "SUCCESS: Call Bridge trusts xmpp.bundle, cluster.trust and the public CAs\n", 0, "set callbridge.trust="},
		{"callbridge secret", "s3cret\nother\n", asked + "FAILURE: the two do not match, nothing was changed\nREMEDY: type the command again\n", 1, ""},
		{"callbridge secret", "s3cret\ns3cret\n", asked + "SUCCESS: Call Bridge secret set\n", 0, "set callbridge.secret=s3cret"},
		{"callbridge restart", "", "SUCCESS: Call Bridge looks for a server anew\n", 0, "reconnect"},
	} {
		out, code := run1(t, tc.line, tc.answers)
		if out != tc.out || code != tc.code {
			t.Errorf("%s: exit status %d, printed %q", tc.line, code, out)
		}
		var want []string
		if tc.change != "" {
			want = []string{tc.change}
		}
		if diff := cmp.Diff(want, n.changes()); diff != "" {
			t.Errorf("%s changed (-want +got):\n%s", tc.line, diff)
		}
	}
}

func TestCallBridgeStatus(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.values["callbridge.name"], n.values["callbridge.domain"] = "CB1", "meet.example" })
	out, _ := run1(t, "callbridge", "")
	want := `Unique name             : CB1
Domain                  : meet.example
Server address          : found by SRV records
Address                 : cb1.meet.example
Link                    : the Call Bridge service is not running
Remedy                  : systemctl start quorate-callbridge
STATUS                  : Call Bridge not running
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("without the service (-want +got):\n%s", diff)
	}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	got := linkBlock(bus.CallBridgeStatus{
		Name: "cb1", Domain: "meet.example", Address: "cb1.meet.example", State: "failed", Since: "2026-11-20T11:55:00Z",
		Code: "DNS", Text: `connection to "meet.example" failed (DNS failure): there is no SRV record x`, Remedy: "add one", Retry: "2026-11-20T12:00:20Z",
		Attempts: []bus.Attempt{{Server: "cb1.meet.example:5223", Code: "TCP", Text: "cb1.meet.example:5223 refuses the connection"}},
	}, now)
	want = `Unique name             : cb1
Domain                  : meet.example
Server address          : found by SRV records
Address                 : cb1.meet.example
Link                    : connection to "meet.example" failed (DNS failure): there is no SRV record x
Remedy                  : add one
Next try                : 2026-11-20T12:00:20Z
Tried                   : cb1.meet.example:5223 (connection refused or no answer): cb1.meet.example:5223 refuses the connection
STATUS                  : Call Bridge failed for 5 m
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	for since, want := range map[string]string{
		"2026-11-20T11:59:15Z": " for 45 s", "2026-11-20T10:55:00Z": " for 1 h 5 m", "2026-11-18T10:00:00Z": " for 2 d 2 h", "": "",
	} {
		if got := lasting(since, now); got != want {
			t.Errorf("since %q: %q, want %q", since, got, want)
		}
	}
	p := sitDown(t, grammar.Operator, "")
	if code := p.Execute(context.Background(), "callbridge status"); code != 0 {
		t.Errorf("an operator may not look: %s", p.seen)
	}
}

package shell

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
)

func TestCallBridgeCheck(t *testing.T) {
	n := startNode(t)
	same := []bus.CheckedBridge{{Node: "cb1", Bridge: "cb1", Digest: "0123456789abcdef", OK: true}, {Node: "cb2", Bridge: "cb1", Digest: "0123456789abcdef", OK: true}}
	for what, c := range map[string]struct {
		list []bus.CheckedBridge
		code int
		out  string
	}{
		"no call bridge": {nil, 0, "none\n"},
		"all the same": {same, 0, "" +
			"NODE  CALLBRIDGE  DIGEST            RESULT\n" +
			"cb1   cb1         0123456789abcdef  same\n" +
			"cb2   cb1         0123456789abcdef  same\n"},
		"a difference": {append(same[:1:1], bus.CheckedBridge{Node: "cb2", Text: "does not answer", Remedy: "switch it on"}), 1, "" +
			"NODE  CALLBRIDGE  DIGEST            RESULT\n" +
			"cb1   cb1         0123456789abcdef  same\n" +
			"cb2   none        none              does not answer; switch it on\n"},
	} {
		n.set(func() { n.checked = c.list })
		p := sitDown(t, grammar.Operator, "")
		code := p.Execute(context.Background(), "xmpp callbridge check")
		if diff := cmp.Diff(c.out, p.seen.String()); diff != "" || code != c.code {
			t.Errorf("%s: exit status %d, want %d (-want +got):\n%s", what, code, c.code, diff)
		}
	}
	if out, code := run1(t, "xmpp callbridge check --json", ""); out[0] != '[' {
		t.Errorf("as JSON, with exit status %d: %s", code, out)
	}
}

func TestClusterRotate(t *testing.T) {
	n := startNode(t)
	if out, code := run1(t, "xmpp cluster rotate", ""); code != 0 || out != "SUCCESS: the cluster has a new gossip key\n" {
		t.Errorf("%d %s", code, out)
	}
	if diff := cmp.Diff([]string{"rotate"}, n.changes()); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	p := sitDown(t, grammar.Operator, "")
	if p.Execute(context.Background(), "xmpp cluster rotate") == 0 || len(n.changes()) > 0 {
		t.Errorf("an operator: %s", p.seen)
	}
}

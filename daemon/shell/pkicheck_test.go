package shell

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
)

func TestPKICheck(t *testing.T) {
	n := startNode(t)
	if out, code := run1(t, "pki check", ""); out != "SUCCESS: xmpp: nothing breaks\n" || code != 0 {
		t.Errorf("%d %s", code, out)
	}
	n.set(func() { n.files = []bus.Certificate{{File: "xmpp.cer", DaysLeft: -3}} })
	out, code := run1(t, "pki check", "")
	want := "SUCCESS: xmpp: nothing breaks\nFAILURE: cluster: cb2 will refuse this node: xmpp.cer has expired\nREMEDY: upload a renewed one\n"
	if diff := cmp.Diff(want, out); diff != "" || code != 1 {
		t.Errorf("exit status %d, printed (-want +got):\n%s", code, diff)
	}
	if out, code := run1(t, "pki check --json", ""); !strings.Contains(out, `"days": -3`) || strings.Contains(out, "FAILURE") || code != 1 {
		t.Errorf("%d %s", code, out)
	}
}

func TestPKIUnlock(t *testing.T) {
	n := startNode(t)
	if out, code := run1(t, "pki unlock xmpp.key", "wrong\n"); !strings.Contains(out, "FAILURE: the passphrase does not open the private key, nothing was changed\nREMEDY: ") || code != 1 {
		t.Errorf("%d %s", code, out)
	}
	if got := n.changes(); len(got) != 0 {
		t.Errorf("changed %v", got)
	}
	if out, code := run1(t, "pki unlock xmpp.key", "right\n"); out != "Enter passphrase: \nSUCCESS: xmpp.key is unlocked and stored\n" || code != 0 {
		t.Errorf("%d %s", code, out)
	}
	if diff := cmp.Diff([]string{"unlock xmpp.key right"}, n.changes()); diff != "" {
		t.Error(diff)
	}
}

func TestPKIInspectShowsTheChain(t *testing.T) {
	startNode(t)
	out, _ := run1(t, "pki inspect bundle.cer", "")
	if !strings.HasSuffix(out, "Chain\n1: certificate CN=meet.example, until 2027-11-20, issued by 2\n2: root CN=Lab CA, until 2027-11-20, issued by itself\n") {
		t.Error(out)
	}
}

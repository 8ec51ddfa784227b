package node

import (
	"encoding/json"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// given asks the node as the configuration service does.
func given(r *rig, k kept, apply bool) ([]bus.Step, error) {
	r.t.Helper()
	data, err := json.Marshal(k)
	r.must(err)
	return r.xmpp.Restore(r.ctx, data, apply)
}

func saved(r *rig) (k kept) {
	r.t.Helper()
	data, err := r.xmpp.Save(r.ctx)
	r.must(err)
	r.must(json.Unmarshal(data, &k))
	return k
}

func TestSaveAndRestore(t *testing.T) {
	r, _ := enabled(t)
	secret, err := r.xmpp.CallBridgeAdd(r.ctx, "cb1")
	r.must(err)
	r.must(r.xmpp.UserAdd(r.ctx, "alice", "correct horse 1"))
	before := saved(r)
	r.must(r.xmpp.Reset(r.ctx, false))
	r.must(r.xmpp.SetDomain(r.ctx, "other.example"))
	r.must(r.xmpp.UserAdd(r.ctx, "bob", "correct horse 1"))
	if saved(r).Identity.NodeID == before.Identity.NodeID {
		t.Fatal("the reset kept the node ID")
	}
	steps, err := given(r, before, false)
	r.must(err)
	text := steps[0].Text + "\n" + steps[1].Text
	for _, want := range []string{`the domain "other.example" becomes "meet.example"`, "call bridges that come: cb1", "accounts that come: alice", "accounts that go: bob", "becomes " + before.Identity.NodeID} {
		if !strings.Contains(text, want) {
			t.Errorf("the preview does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, secret) || saved(r).Identity.NodeID == before.Identity.NodeID {
		t.Error("the preview shows a secret, or changed something")
	}
	_, err = given(r, before, true)
	r.must(err)
	after := saved(r)
	if string(after.Identity.Key) != string(before.Identity.Key) {
		t.Error("it has another node key")
	}
	have, err := replica.Decode(after.State)
	r.must(err)
	want, err := replica.Decode(before.State)
	r.must(err)
	if d := differences(have, want); d != "the same" {
		t.Errorf("the state differs: %s", d)
	}
	r.until("it serves the domain of the backup", func() bool { return r.status().Domain == "meet.example" && r.status().Running })
	steps, err = given(r, before, true)
	if err != nil || steps[0].Text != "the same" || !strings.HasPrefix(steps[1].Text, "the same: node ID") {
		t.Errorf("once more: %+v, %v", steps, err)
	}
}

func TestRestoreOfAMember(t *testing.T) {
	r, _ := enabled(t)
	standalone := saved(r)
	r.set(map[string]any{"cluster.trust": "xmpp.cer"})
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.must(r.xmpp.ClusterInitialize(r.ctx))
	own := saved(r)
	steps, err := given(r, own, true)
	if err != nil || steps[0].OK || !strings.Contains(steps[0].Text, "the cluster's") || !strings.HasPrefix(steps[1].Text, "the same: node ID") {
		t.Errorf("a member's own: %+v, %v", steps, err)
	}
	_, err = given(r, standalone, false)
	r.wantFault("the identity it had before", err, fault.WrongState, "member of a cluster")
	other := own
	stranger := *own.Identity
	stranger.Key = []byte("short")
	other.Identity = &stranger
	_, err = given(r, other, true)
	r.wantFault("half a key", err, fault.Incomplete, "node key")
	_, err = r.xmpp.Restore(r.ctx, []byte("{"), true)
	r.wantFault("no JSON", err, fault.Incomplete, "can not be read")
	if s := r.status(); s.State != "LEADER" {
		t.Errorf("it is %s", s.State)
	}
}

package web

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

const clusterPath = "/configuration/cluster"

func TestMembershipInWords(t *testing.T) {
	for state, words := range map[string][]string{
		"STANDALONE": {"This node stands alone", `value="enable"`},
		"NOT JOINED": {"has joined none", `value="join"`, `value="initialize"`, "?ask=disable"},
		"LEADER":     {"leads it", "no failure can be tolerated", "?ask=leave", `value="rotate"`, "93 s ago", "12 entries", "10.0.0.11:5222"},
		"FOLLOWER":   {"follows cb1"},
		"NO LEADER":  {"no leader", "?ask=recover"},
	} {
		t.Run(state, func(t *testing.T) {
			d := newDesk(t, func(d *desk) { d.node.state = state })
			says(t, d.signedIn("admin").get(clusterPath).body, words...)
		})
	}
}

func TestQuorumInWords(t *testing.T) {
	for want, c := range map[verdict]bus.ClusterStatus{
		{"ok", "3 of 3 voters reachable, 2 needed; tolerates 1 failure"}:                                    {Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1},
		{"warn", "2 of 2 voters reachable, 2 needed: no failure can be tolerated; three nodes survive one"}: {Voters: 2, Reachable: 2, Needed: 2},
		{"bad", "1 of 3 voters reachable, 2 needed: no quorum, changes are refused and traffic waits"}:      {Voters: 3, Reachable: 1, Needed: 2},
		{"ok", "5 of 5 voters reachable, 3 needed; tolerates 2 failures"}:                                   {Voters: 5, Reachable: 5, Needed: 3, Tolerates: 2},
	} {
		if got := newMembership(answer[bus.ClusterStatus]{Value: c}).Quorum(); got != want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestClusterDeeds(t *testing.T) {
	for _, c := range []struct {
		form  url.Values
		calls []string
		words string
	}{
		{url.Values{"action": {"enable"}}, []string{"ClusterEnable"}, "clustering enabled"},
		{url.Values{"action": {"initialize"}}, []string{"ClusterInitialize"}, "its first member"},
		{url.Values{"action": {"join"}, "host": {" cb1.meet.example "}}, []string{"ClusterJoin cb1.meet.example"}, "joined the cluster of cb1.meet.example"},
		{url.Values{"action": {"rotate"}}, []string{"RotateGossipKey"}, "new gossip key"},
		{url.Values{"action": {"remove"}, "node": {"cb3"}, "sure": {"yes"}}, []string{"ClusterRemove cb3"}, "cb3 removed"},
		{url.Values{"action": {"leave"}, "sure": {"yes"}}, []string{"ClusterRemove"}, "has left the cluster"},
		{url.Values{"action": {"disable"}, "sure": {"yes"}}, []string{"ClusterDisable"}, "stands alone"},
		{url.Values{"action": {"recover"}, "sure": {"yes"}}, []string{"ClusterRecover"}, "a cluster of one"},
		{url.Values{"action": {"reset"}, "sure": {"yes"}}, []string{"Reset false"}, "new node ID"},
		{url.Values{"action": {"reset"}, "sure": {"yes"}, "force": {"yes"}}, []string{"Reset true"}, "new node ID"},
	} {
		t.Run(c.form.Get("action"), func(t *testing.T) {
			d := newDesk(t)
			b := d.signedIn("admin")
			says(t, b.does(clusterPath, c.form), c.words)
			if got := d.notes.take(); !slices.Equal(got, c.calls) {
				t.Errorf("asked for %q, want %q", got, c.calls)
			}
			if c.form.Has("sure") {
				c.form.Del("sure")
				want(t, b.post(clusterPath, c.form), http.StatusUnprocessableEntity, "this was not confirmed")
				if got := d.notes.take(); got != nil {
					t.Errorf("unconfirmed, it did %q", got)
				}
			}
		})
	}
}

func TestClusterRefusals(t *testing.T) {
	d := newDesk(t, func(d *desk) { d.node.state = "NOT JOINED" })
	b := d.signedIn("admin")
	want(t, b.post(clusterPath, url.Values{"action": {"join"}}), http.StatusUnprocessableEntity, `id="w-host"`, "any member")

	d.notes.refuseWith("ClusterJoin", fault.Mend(fault.SecretConflict, "the cluster has another secret for cb1", "xmpp callbridge add-secret cb1"))
	want(t, b.post(clusterPath, url.Values{"action": {"join"}, "host": {"10.0.0.10"}}), http.StatusUnprocessableEntity,
		"another secret for cb1", "Remedy:</strong> xmpp callbridge add-secret cb1", `value="10.0.0.10"`)

	d.notes.refuseWith("ClusterInitialize", fault.Mend(fault.NoQuorum, "no quorum: 1 of 3 voters reachable, 2 needed", "bring a node back"))
	want(t, b.post(clusterPath, url.Values{"action": {"initialize"}}), http.StatusServiceUnavailable, "1 of 3 voters reachable", "Remedy:</strong> bring a node back")

	// Without a name, the service would take this node out.
	want(t, b.post(clusterPath, url.Values{"action": {"remove"}, "sure": {"yes"}}), http.StatusUnprocessableEntity, "names no node")
}

// Each question says what will happen and carries its answer without a script.
func TestQuestionsComeFirst(t *testing.T) {
	d := newDesk(t)
	b := d.signedIn("admin")
	says(t, b.get(clusterPath+"?ask=remove&node=cb3").body, `name="node" value="cb3"`, `name="sure" value="yes"`, "loses its vote")
	says(t, b.get(clusterPath+"?ask=reset").body, `name="force"`, "gets a new node ID")
	says(t, b.get(clusterPath+"?ask=recover").body, "what only cb2 and cb3 had taken", `value="recover"`)
	hides(t, b.get(clusterPath+"?ask=nothing").body, `name="sure"`)
	if got := d.notes.take(); got != nil {
		t.Errorf("a question did %q", got)
	}
}

// A reset clears what the commands under xmpp set, and nothing else.
func TestResetClearsTheSettings(t *testing.T) {
	d := newDesk(t)
	if _, err := d.config.Set(t.Context(), map[string]any{"xmpp.client_port": int64(6222), "gossip.port": int64(8946), "callbridge.name": "cb1"}); err != nil {
		t.Fatal(err)
	}
	d.signedIn("admin").does(clusterPath, url.Values{"action": {"reset"}, "sure": {"yes"}})
	for key, want := range map[string]string{"xmpp.client_port": "5222", "gossip.port": "7946", "callbridge.name": `"cb1"`} {
		if got := d.setting(key); got != want {
			t.Errorf("%s is %s, want %s", key, got, want)
		}
	}
}

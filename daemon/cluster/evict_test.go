package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
)

// A node that was removed while it was off finds that out, and comes back as
// a new one.
func TestEvictedWhileOff(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	gone := others[0]
	old := gone.cluster.ID()
	gone.close()
	until(t, "the link is down and the process proved gone", func() bool { return leader.cluster.View().Reachable == 2 && stateOf(leader, old) == "failed" })
	if err := leader.cluster.Evict(t.Context(), gone.addr); err != nil {
		t.Fatal(err)
	}
	gone.open()
	until(t, "the node knows that it was removed", func() bool { return gone.cluster.View().State == cluster.StateNotJoined })
	if gone.cluster.MemberWith(t.Context(), leader.addr) {
		t.Error("the removed node counts itself a member")
	}
	wantFault(t, "joining before leaving", gone.cluster.Join(t.Context(), leader.addr), fault.WrongState)
	gone.again(func() error { return gone.cluster.Leave(t.Context(), cluster.Enabled) }, cluster.Forget)
	gone.join(leader)
	until(t, "three voters are back", func() bool { v := gone.cluster.View(); return v.Voters == 3 && len(v.Peers) == 3 && voting(v) })
	if gone.cluster.ID() == old {
		t.Error("it came back under its old ID")
	}
}

// A member that was started and finds nobody is a member all the same: it can
// not leave without a word.
func TestLeaveWithoutQuorum(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	for _, m := range all {
		m.close()
	}
	lone := all[0]
	lone.open()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	wantFault(t, "leaving without quorum", lone.cluster.Leave(ctx, cluster.Standalone), fault.NoQuorum)
	wantFault(t, "reset without quorum", lone.cluster.Reset(ctx, false), fault.WrongState)
	if lone.cluster.Mode() != cluster.Joined {
		t.Errorf("the node is %s, want it a member still", lone.cluster.Mode())
	}
}

func stateOf(m *member, id string) string {
	for _, p := range m.cluster.View().Peers {
		if p.ID == id {
			return p.Gossip
		}
	}
	return ""
}

// A member that the others refuse says so beside the lost quorum.
func TestRefusedSaysWhy(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	refused := others[0]
	refused.close()
	leader.trust.Store(false)
	others[1].trust.Store(false)
	refused.open()
	until(t, "the reason names the refusal", func() bool {
		v := refused.cluster.View()
		return v.State == cluster.StateNoLeader && strings.Contains(v.Reason, "refuses this node: the peer does not trust")
	})
	leader.trust.Store(true)
	others[1].trust.Store(true)
	until(t, "it follows again", func() bool { v := refused.cluster.View(); return v.State == cluster.StateFollower && v.Reason == "" })
}

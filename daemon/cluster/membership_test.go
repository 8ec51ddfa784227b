package cluster_test

import (
	"testing"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/replica"
)

func TestMembershipChanges(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)

	gone := others[0]
	gone.again(func() error { return gone.cluster.Leave(t.Context(), cluster.Enabled) }, cluster.Forget)
	if v := gone.cluster.View(); v.State != cluster.StateNotJoined {
		t.Errorf("after leaving the state is %s", v.State)
	}
	until(t, "two voters are left", func() bool { v := leader.cluster.View(); return v.Voters == 2 && len(v.Peers) == 2 })
	if s := gone.cluster.State(); s.Domain != "meet.example" || len(s.CallBridges) != 3 {
		t.Errorf("the leaver has domain %q and %d call bridges at once, want its copy", s.Domain, len(s.CallBridges))
	}
	gone.join(leader)
	until(t, "three voters are back", func() bool { v := gone.cluster.View(); return v.Voters == 3 && len(v.Peers) == 3 && voting(v) })

	dead := others[1]
	dead.close()
	until(t, "the dead node's link is down", func() bool { return leader.cluster.View().Reachable == 2 })
	leader, _ = leaderOf(t, []*member{leader, gone})
	if err := leader.cluster.Evict(t.Context(), dead.addr); err != nil {
		t.Fatal(err)
	}
	until(t, "the dead node is out", func() bool { v := leader.cluster.View(); return v.Voters == 2 && len(v.Peers) == 2 })
}

// A node that comes back under another port, which the leader calls in vain,
// tells where it is by itself.
func TestMovedPort(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	moved := others[0]
	id := moved.cluster.ID()
	moved.again(func() error { moved.port = 5324; return nil }, nil)
	until(t, "the moved node follows", func() bool { return moved.cluster.View().State == cluster.StateFollower })
	until(t, "the leader knows the new port", func() bool { return leader.cluster.State().Members[id].MeshPort == 5324 })
	propose(t, moved, replica.AddCallBridge("late", replica.NewSecret()))
	if v := moved.cluster.View(); v.Voters != 3 || len(v.Peers) != 3 {
		t.Errorf("after the move there are %d voters and %d peers, want 3", v.Voters, len(v.Peers))
	}
}

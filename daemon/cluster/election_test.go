package cluster_test

import (
	"testing"

	"quorate.org/daemon/cluster"
)

// TestFastElectionNeedsMajority: "refused" can be a firewall's word, so one
// node's suspicion elects nobody; that of a majority does, at once, even
// against a leader that lives.
func TestFastElectionNeedsMajority(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	one, two := others[0].cluster, others[1].cluster
	until(t, "both follow", func() bool {
		return one.View().State == cluster.StateFollower && two.View().State == cluster.StateFollower
	})
	term := leader.cluster.View().Term

	one.Suspect(leader.cluster.ID())
	until(t, "the other one heard it", func() bool { return two.Heard(one.ID(), term) })
	if one.Agreed(term) || two.Agreed(term) {
		t.Error("one of three is a majority")
	}
	if v := leader.cluster.View(); v.State != cluster.StateLeader || v.Term != term {
		t.Errorf("the leader is now %s in term %d", v.State, v.Term)
	}

	two.Suspect(leader.cluster.ID())
	until(t, "two of three elect another", func() bool {
		v := leader.cluster.View()
		return v.Term > term && v.LeaderID != "" && v.LeaderID != leader.cluster.ID()
	})
}

// TestFastElectionOfTwo: in a cluster of two the survivor is no majority.
func TestFastElectionOfTwo(t *testing.T) {
	t.Parallel()
	all := form(t, 2)
	leader, others := leaderOf(t, all)
	f := others[0].cluster
	until(t, "it follows", func() bool { return f.View().State == cluster.StateFollower })
	term := leader.cluster.View().Term
	f.Suspect(leader.cluster.ID())
	if f.Agreed(term) {
		t.Error("one of two is a majority")
	}
}

package cluster_test

import (
	"context"
	"errors"
	"net"
	"strconv"
	"testing"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/replica"
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

// TestSilentLeader: a leader without power takes no leave. Who asked it for a
// change asks the next one as soon as there is one.
func TestSilentLeader(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	lost, asks := leader.cluster.ID(), others[0].cluster
	leader.close()
	until(t, "another leads", func() bool { l := asks.View().LeaderID; return l != "" && l != lost })
	silent, err := net.Listen("tcp", net.JoinHostPort(leader.addr, strconv.Itoa(leader.port)))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if err := asks.Relay(t.Context(), lost, replica.AddCallBridge("late", replica.NewSecret())); !errors.Is(err, cluster.ErrTryAgain) {
		t.Errorf("the silent leader was waited for: %v", err)
	}
	expired, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	err = asks.Relay(expired, lost, replica.AddCallBridge("late", replica.NewSecret()))
	if errors.Is(err, cluster.ErrTryAgain) {
		t.Error("there is no time to try again")
	}
}

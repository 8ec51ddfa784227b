package node

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/journal"
)

// TestSight looks at one history of a node and compares what is told.
func TestSight(t *testing.T) {
	peer := func(id, gossip string, voter bool) cluster.PeerView {
		return cluster.PeerView{ID: id, Name: "cb" + id, Voter: voter, Gossip: gossip, Self: id == "1"}
	}
	one, two := peer("1", "alive", true), peer("2", "alive", true)
	three, newThree := peer("3", "alive", true), peer("3", "unknown", false)
	failed := peer("3", "failed", true)
	view := func(leader string, reachable, voters int, peers ...cluster.PeerView) cluster.View {
		return cluster.View{ClusterID: "x", LeaderID: leader, Voters: voters, Reachable: reachable, Needed: voters/2 + 1, Peers: peers}
	}
	alone := cluster.View{LeaderID: "1", State: cluster.StateStandalone, Voters: 1, Reachable: 1, Needed: 1}
	type told struct {
		ID   journal.MessageID
		Text string
	}
	for _, history := range []struct {
		name  string
		steps []struct {
			v    cluster.View
			want []told
		}
	}{
		{"a member that starts again", []struct {
			v    cluster.View
			want []told
		}{
			{view("", 0, 0, one, two), nil}, // its log has not arrived
			{view("", 1, 2, one, two), nil}, // its links are not up
			{view("", 2, 2, one, two), nil},
			{view("2", 2, 2, one, two), []told{{journal.LeaderElected, "cb2 leads"}}},
			{view("2", 2, 2, one, two), nil},
			{view("2", 2, 2, one, two, newThree), nil},
			{view("2", 3, 3, one, two, three), []told{{journal.NodeJoined, "cb3 has joined the cluster"}}},
			{view("2", 2, 3, one, two, failed), []told{{journal.NodeFailed, "cb3 does not answer"}}},
			{view("", 2, 3, one, two, failed), []told{{journal.LeaderLost, "the leader is lost"}}},
			{view("", 1, 3, one, two, failed), []told{{journal.QuorumLost, "no quorum: 1 of 3 voters reachable, 2 needed"}}},
			{view("1", 3, 3, one, two, three), []told{{journal.LeaderElected, "cb1 leads"}, {journal.QuorumRegained, "quorum regained"}, {journal.NodeReturned, "cb3 answers again"}}},
			{view("1", 2, 2, one, two), []told{{journal.NodeLeft, "cb3 has left the cluster"}}},
			{alone, []told{{journal.NodeLeft, "cb1 has left the cluster"}}},
		}},
		{"a member that starts and finds nobody", []struct {
			v    cluster.View
			want []told
		}{
			{view("", 0, 0, one, two), nil},
			{view("", 1, 2, one, two), nil},
			{view("", 1, 2, one, two), nil},
			{view("", 1, 2, one, two), nil},
			{view("", 1, 2, one, two), []told{{journal.QuorumLost, "no quorum: 1 of 2 voters reachable, 2 needed"}}},
			{view("", 1, 2, one, two), nil},
			{view("", 2, 2, one, two), []told{{journal.QuorumRegained, "quorum regained"}}},
			{view("", 1, 2, one, two), []told{{journal.QuorumLost, "no quorum: 1 of 2 voters reachable, 2 needed"}}},
			{alone, []told{{journal.NodeLeft, "cb1 has left the cluster"}}},
			{alone, nil},
		}},
		{"a node that joins", []struct {
			v    cluster.View
			want []told
		}{
			{alone, nil},
			{alone, nil},
			{view("2", 2, 2, peer("1", "alive", false), two, failed), []told{{journal.LeaderElected, "cb2 leads"}, {journal.NodeFailed, "cb3 does not answer"}}},
			{view("2", 2, 3, one, two, failed), []told{{journal.NodeJoined, "cb1 has joined the cluster"}}},
		}},
	} {
		t.Run(history.name, func(t *testing.T) {
			var s sight
			at := time.Now()
			for i, step := range history.steps {
				var got []told
				at = at.Add(2 * time.Second) // the fourth look is the first behind settling
				for _, e := range s.look(step.v, at) {
					got = append(got, told{e.id, e.text})
				}
				if diff := cmp.Diff(step.want, got); diff != "" {
					t.Errorf("step %d (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

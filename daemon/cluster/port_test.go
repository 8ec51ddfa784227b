package cluster_test

import "testing"

// A new client port is told to everyone, and no link or term is lost over it.
func TestClientPort(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	id, term := others[0].cluster.ID(), leader.cluster.View().Term
	others[0].cluster.SetClientPort(5322)
	for _, m := range all {
		until(t, m.addr+" knows the port", func() bool { return m.cluster.State().Members[id].ClientPort == 5322 })
	}
	if v := leader.cluster.View(); v.Term != term || v.Reachable != 3 {
		t.Errorf("after it the term is %d and %d are reachable, want %d and 3", v.Term, v.Reachable, term)
	}
}

package local

import (
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// A member that is reset by force and joins again under its old address is
// listed once by every node (the original lists it twice: CSCvi67717).
func TestM2_6_ResetAndRejoin(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	n := others[0]
	before := nodeID(t, n)
	typed(t, n, "xmpp reset --force")
	must(t, l.Join(t.Context(), n, leader))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	after := nodeID(t, n)
	must(t, wantf(before != after && after != "", "the node ID was %s and is %s, want a new one", before, after))
	t.Logf("M2.6 reset --force and rejoin: three peers, each once, on every node")
}

// The leader itself may be reset; the others stay a cluster and take it back.
func TestM2_6_LeaderResetAndRejoin(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	typed(t, leader, "xmpp reset --force")
	waitLeader(t, l, others)
	must(t, l.Join(t.Context(), leader, others[1]))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M2.6 leader reset --force and rejoin: three peers, each once, on every node")
}

// A node that comes back with another address keeps its place and its ID.
func TestM2_6_AddressChange(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n := others[1]
	before, old := nodeID(t, n), n.Addr()
	move := func(addr string) {
		must(t, n.Kill(t.Context()))
		must(t, n.Readdress(t.Context(), addr))
		must(t, n.Start(t.Context()))
		must(t, l.WaitHealthy(t.Context(), 20*time.Second))
		after := nodeID(t, n)
		must(t, wantf(after == before, "the node ID was %s and is %s, want it kept", before, after))
	}
	move("10.77.0.77")
	move(old)
	t.Logf("M2.6 address changed and changed back: same node ID, three peers, each once, on every node")
}

// A dead node is evicted and a fresh one takes its name and address.
func TestM2_6_DeadNodeReplaced(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	dead := others[0]
	must(t, dead.Kill(t.Context()))
	typed(t, leader, "xmpp cluster remove "+dead.Name())
	must(t, lab.Wait(t.Context(), 10*time.Second, "two peers", func() error { return l.Healthy(t.Context(), leader, others[1]) }))
	must(t, dead.Wipe(t.Context()))
	must(t, dead.Start(t.Context()))
	must(t, l.Furnish(t.Context(), dead))
	must(t, l.Join(t.Context(), dead, leader))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M2.6 dead node removed and a fresh one joined: three peers, each once, on every node")
}

// A fresh node joins under the address of a dead one that nobody removed: the
// new ID takes the old entry's place.
func TestM2_6_SameAddressNewID(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	dead := others[0]
	must(t, dead.Kill(t.Context()))
	must(t, dead.Wipe(t.Context()))
	must(t, dead.Start(t.Context()))
	must(t, l.Furnish(t.Context(), dead))
	must(t, l.Join(t.Context(), dead, leader))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M2.6 fresh node under a dead one's address: three peers, each once, on every node")
}

func nodeID(t *testing.T, n *lab.Node) string {
	t.Helper()
	s, err := n.ClusterStatus(t.Context())
	must(t, err)
	return s.NodeID
}

package cluster_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// TestPowerOff: three nodes that were all off form again from their disks.
func TestPowerOff(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	before := all[0].cluster.State()
	for _, m := range all {
		m.close()
	}
	for _, m := range all {
		m.open()
	}
	for _, m := range all {
		until(t, m.addr+" is whole again", func() bool {
			v := m.cluster.View()
			return v.Voters == 3 && v.Reachable == 3 && v.LeaderID != "" && voting(v)
		})
	}
	propose(t, all[2], replica.AddCallBridge("after", replica.NewSecret()))
	after := all[2].cluster.State()
	if after.ClusterID != before.ClusterID || after.Domain != before.Domain || len(after.CallBridges) != len(before.CallBridges)+1 {
		t.Errorf("cluster %s of %s with %d Call Bridges, before it was %s of %s with %d", after.ClusterID, after.Domain,
			len(after.CallBridges), before.ClusterID, before.Domain, len(before.CallBridges))
	}
	if a, b := ids(after), ids(before); !slices.Equal(a, b) {
		t.Errorf("the members are %v, before they were %v", a, b)
	}
}

// TestCurrent: a node that was away calls itself current when it has all that was
// written meanwhile, and not while nobody leads.
func TestCurrent(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	back, others := all[2], all[:2]
	back.close()
	const count = 20
	before := len(others[0].cluster.State().CallBridges)
	for i := range count {
		propose(t, others[0], replica.AddCallBridge(fmt.Sprintf("meanwhile%d", i), replica.NewSecret()))
	}
	back.open()
	until(t, "the node to be current", back.cluster.Current)
	if got := len(back.cluster.State().CallBridges); got != before+count {
		t.Errorf("it is current with %d Call Bridges of %d", got, before+count)
	}
	for _, m := range all {
		m.close()
	}
	back.open()
	until(t, "the others to be missed", func() bool { return back.cluster.View().Reason != "" })
	if back.cluster.Current() {
		t.Error("without a leader it calls itself current")
	}
}

func ids(s *replica.State) []string { return slices.Sorted(maps.Keys(s.Members)) }

// TestAddressChange: a node that comes back on another address keeps its place,
// whichever side of its links dials.
func TestAddressChange(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	for _, m := range all {
		id, old := m.cluster.ID(), m.addr
		m.close()
		m.addr = newAddr()
		m.open()
		for _, o := range all {
			until(t, o.addr+" finds it at its new address", func() bool {
				v := o.cluster.View()
				return o.cluster.State().Members[id].Addr == m.addr && v.Voters == 3 && v.Reachable == 3 && len(v.Peers) == 3
			})
		}
		if m.cluster.ID() != id {
			t.Errorf("the node of %s has a new ID", old)
		}
	}
	propose(t, all[1], replica.AddCallBridge("moved", replica.NewSecret()))
}

// TestSameAddress: a new node at the address of a dead one takes its place, and
// the old ID may not come back.
func TestSameAddress(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	dead := followers[0]
	old := dead.cluster.ID()
	dead.close()
	dead.dir = t.TempDir() // a new disk in the old machine
	dead.open()
	dead.again(dead.cluster.Enable, nil)
	until(t, "its old link is down", func() bool { return followers[1].cluster.View().Reachable == 2 })
	dead.join(followers[1])
	for _, m := range all {
		until(t, m.addr+" has three voters", func() bool { v := m.cluster.View(); return v.Voters == 3 && len(v.Peers) == 3 && voting(v) })
	}
	s := followers[1].cluster.State()
	if _, there := s.Members[old]; there || s.Members[dead.cluster.ID()].Addr != dead.addr {
		t.Errorf("the members are %v", s.Members)
	}
	if _, gone := s.Removed[old]; !gone {
		t.Error("the old ID may come back")
	}
}

// TestCloneJoins: a node that holds the key of one that runs may not join.
func TestCloneJoins(t *testing.T) {
	t.Parallel()
	all := form(t, 2)
	clone := unopened(t, all[0].cert)
	copyFile(t, filepath.Join(all[1].dir, "node.key"), filepath.Join(clone.dir, "node.key"))
	clone.open()
	clone.again(clone.cluster.Enable, nil)
	wantFault(t, "joining as a copy of a member", clone.cluster.Join(t.Context(), all[0].addr), fault.Cloned)
	if v := all[0].cluster.View(); v.Voters != 2 || v.Reachable != 2 {
		t.Errorf("%d of %d voters are reachable", v.Reachable, v.Voters)
	}
}

// TestCloneRuns: a copy of a member's whole directory gets no link as long as
// the original runs, and the original keeps its own.
func TestCloneRuns(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	original := followers[0]
	original.close()
	clone := unopened(t, original.cert)
	if err := os.CopyFS(clone.dir, os.DirFS(original.dir)); err != nil {
		t.Fatal(err)
	}
	original.open()
	until(t, "the original is back", func() bool { v := original.cluster.View(); return v.Reachable == 3 && v.LeaderID != "" })
	clone.open()
	if clone.cluster.ID() != original.cluster.ID() {
		t.Fatal("the copy has an ID of its own")
	}
	until(t, "the copy is told", func() bool { return clone.log.has("in use by two machines") })
	if v := original.cluster.View(); v.Reachable != 3 {
		t.Errorf("the original reaches %d of 3", v.Reachable)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

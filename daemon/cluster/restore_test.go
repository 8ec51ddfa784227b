package cluster_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// restored gives a node an empty disk in another machine, and restores saved there.
func restored(m *member, saved cluster.Saved, state *replica.State) {
	m.t.Helper()
	m.close()
	m.dir, m.machine = m.t.TempDir(), "another"
	m.open()
	if same, err := m.cluster.MayRestore(saved); same || err != nil {
		m.t.Fatalf("an empty node: same %v, %v", same, err)
	}
	m.again(func() error { return m.cluster.Restore(&saved, state) }, nil)
}

// takenBack has the members take a restored node back.
func takenBack(m *member) {
	m.t.Helper()
	until(m.t, m.addr+" is taken back", func() bool { return m.cluster.Return(m.t.Context()) == nil })
	m.again(func() error { return nil }, cluster.Enter)
}

// TestRestored: a member whose disk is lost comes back as itself, on other
// hardware and another address, with the log of the others.
func TestRestored(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	lost := followers[0]
	id, saved := lost.cluster.ID(), lost.cluster.Save()
	lost.close()
	propose(t, followers[1], replica.AddCallBridge("meanwhile", replica.NewSecret()))
	lost.addr = newAddr()
	restored(lost, saved, stale())
	if v := lost.cluster.View(); v.NodeID != id || v.State != cluster.StateNotJoined || !strings.Contains(v.Reason, "restored from a backup") || lost.cluster.Serves() {
		t.Errorf("before it is back: %+v", v)
	}
	takenBack(lost)
	for _, m := range all {
		until(t, m.addr+" sees it vote", func() bool {
			v := m.cluster.View()
			return v.Voters == 3 && v.Reachable == 3 && len(v.Peers) == 3 && v.LeaderID != "" && voting(v)
		})
	}
	if lost.cluster.ID() != id {
		t.Errorf("it has the ID %s, before %s", lost.cluster.ID(), id)
	}
	s := lost.cluster.State()
	if _, ok := s.CallBridge("meanwhile"); !ok {
		t.Error("it does not know what was added meanwhile")
	}
	if _, ok := s.CallBridge("stale"); ok {
		t.Error("the cluster took over what only the backup had")
	}
	lost.close()
	lost.open()
	if lost.cluster.ID() != id || lost.cluster.Mode() != cluster.Joined {
		t.Errorf("started again it is %s, %s", lost.cluster.ID(), lost.cluster.Mode())
	}
}

// stale is a state that the backup has and the cluster has not.
func stale() *replica.State {
	s, err := replica.New().Apply(1, replica.AddCallBridgeSecret("stale", "0123456789abcdefghi"))
	if err != nil {
		panic(err)
	}
	return s
}

// TestRestoredDoesNotVote: an entry is committed by the leader and a member that
// then loses its disk. Restored, that one must not make the third, which lacks the
// entry, a leader: the entry would be lost.
func TestRestoredDoesNotVote(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, followers := leaderOf(t, all)
	behind, lost := followers[0], followers[1]
	behind.close()
	propose(t, leader, replica.AddCallBridge("late", replica.NewSecret()))
	saved := lost.cluster.Save()
	lost.close()
	leader.close()
	behind.open()
	restored(lost, saved, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // twelve elections
	defer cancel()
	if err := lost.cluster.Return(ctx); err == nil {
		t.Fatal("it was taken back without a quorum")
	}
	if v := behind.cluster.View(); v.State == cluster.StateLeader || behind.log.has("leader elected") {
		t.Fatalf("the restored node voted: %+v", v)
	}
	leader.open()
	takenBack(lost)
	until(t, "the restored node has the entry", func() bool { _, ok := lost.cluster.State().CallBridge("late"); return ok })
	until(t, "it votes", func() bool { v := lost.cluster.View(); return v.Voters == 3 && voting(v) })
}

// TestRestoredWhileItRuns: the node of the backup runs; the copy is told so, and
// nothing happens to the node.
func TestRestoredWhileItRuns(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	copied := unopened(t, followers[0].cert)
	copied.open()
	restored(copied, followers[0].cluster.Save(), nil)
	until(t, "the copy is refused as such", func() bool {
		return fault.CodeOf(copied.cluster.Return(t.Context())) == fault.Cloned
	})
	if v := copied.cluster.View(); !strings.Contains(v.Reason, "which is running") {
		t.Errorf("it says %q", v.Reason)
	}
	if v := followers[0].cluster.View(); v.Voters != 3 || !voting(v) {
		t.Errorf("the node that runs sees %+v", v)
	}
	propose(t, followers[0], replica.AddCallBridge("still", replica.NewSecret()))
}

// TestRestoredTooLate: the cluster has removed the node, or is another by now.
func TestRestoredTooLate(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, followers := leaderOf(t, all)
	lost := followers[0]
	saved := lost.cluster.Save()
	lost.close()
	until(t, "its link is down", func() bool { return leader.cluster.View().Reachable == 2 })
	other, roster := saved, *saved.Roster
	roster.ClusterID, other.ClusterID, other.Roster = "another", "another", &roster
	restored(lost, other, nil)
	if err := lost.cluster.Return(t.Context()); fault.CodeOf(err) != fault.WrongState || !strings.Contains(err.Error(), "another cluster") {
		t.Errorf("one of another cluster: %v", err)
	}
	if err := leader.cluster.Evict(t.Context(), saved.NodeID); err != nil {
		t.Fatal(err)
	}
	restored(lost, saved, nil)
	if err := lost.cluster.Return(t.Context()); !strings.Contains(err.Error(), "was removed from the cluster since") {
		t.Errorf("a removed one: %v", err)
	}
	// It can give up, keeps what was restored, and is told from the member it was.
	lost.again(func() error { return lost.cluster.Leave(t.Context(), cluster.Standalone) }, nil)
	if lost.cluster.Returns() || lost.cluster.Mode() != cluster.Standalone {
		t.Errorf("given up it is %s", lost.cluster.Mode())
	}
}

// TestRestoredStandalone: identity and entries of a node in no cluster, each alone.
func TestRestoredStandalone(t *testing.T) {
	t.Parallel()
	m := newMember(t, certificate(t))
	propose(t, m, replica.SetDomain("meet.example"))
	propose(t, m, replica.AddCallBridge("cb1", replica.NewSecret()))
	saved, state := m.cluster.Save(), m.cluster.State().Standalone()
	restored(m, saved, nil)
	if m.cluster.ID() != saved.NodeID || m.cluster.State().Domain != "" {
		t.Errorf("the identity alone: %s, domain %q", m.cluster.ID(), m.cluster.State().Domain)
	}
	if same, err := m.cluster.MayRestore(saved); !same || err != nil {
		t.Errorf("the same again: %v, %v", same, err)
	}
	propose(t, m, replica.AddCallBridge("cb2", replica.NewSecret()))
	m.again(func() error { return m.cluster.Restore(nil, state) }, nil)
	s := m.cluster.State()
	if len(s.CallBridges) != 1 || s.CallBridges["cb1"] != state.CallBridges["cb1"] || s.Domain != "meet.example" || m.cluster.ID() != saved.NodeID {
		t.Errorf("the state alone: %+v", s)
	}
	files, err := os.ReadDir(m.dir)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(files, func(f os.DirEntry) bool { return f.Name() == "restore.json" }) {
		t.Error("what decided the restore still lies there")
	}
}

// TestRestoreFinishedAtStart: a crash behind the decision changes nothing in it.
func TestRestoreFinishedAtStart(t *testing.T) {
	t.Parallel()
	m := newMember(t, certificate(t))
	saved := newMember(t, m.cert).cluster.Save()
	if err := m.cluster.Restore(&saved, nil); err != nil {
		t.Fatal(err)
	}
	decided, err := os.ReadFile(filepath.Join(m.dir, "restore.json"))
	if err != nil {
		t.Fatal(err)
	}
	m.close()
	m.open()
	// Once more, as if the power had failed before its last step.
	m.close()
	if err := os.WriteFile(filepath.Join(m.dir, "restore.json"), decided, 0o600); err != nil {
		t.Fatal(err)
	}
	m.open()
	if m.cluster.ID() != saved.NodeID {
		t.Errorf("it is %s, want %s", m.cluster.ID(), saved.NodeID)
	}
}

func TestMayNotRestore(t *testing.T) {
	t.Parallel()
	all := form(t, 2)
	own := all[0].cluster.Save()
	if same, err := all[0].cluster.MayRestore(own); !same || err != nil {
		t.Errorf("its own identity: %v, %v", same, err)
	}
	_, err := all[0].cluster.MayRestore(all[1].cluster.Save())
	wantFault(t, "another member's identity", err, fault.WrongState)
	wantFault(t, "a cluster's state", all[0].cluster.MayReplaceState(), fault.WrongState)
	own.Key = own.Key[1:]
	_, err = all[0].cluster.MayRestore(own)
	wantFault(t, "half a key", err, fault.Incomplete)
	own = all[0].cluster.Save()
	own.NodeID = all[1].cluster.ID()
	_, err = all[0].cluster.MayRestore(own)
	wantFault(t, "a key of another node", err, fault.Incomplete)
}

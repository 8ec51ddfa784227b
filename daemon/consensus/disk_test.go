package consensus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

func TestRestartFromDisk(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	l.propose(a, replica.SetDomain("meet.example"))
	want := replica.Encode(a.State())
	for id := range l.nodes {
		l.close(id)
	}
	for id := range l.nodes {
		l.open(id, false)
	}
	leader := l.leader("a", "b", "c")
	if err := leader.Barrier(l.ctx()); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(replica.Encode(leader.State()), want) {
		t.Errorf("state after restart = %s", replica.Encode(leader.State()))
	}
}

func TestBootstrapTwiceGoesOn(t *testing.T) {
	l := newLAN(t, slow)
	a := l.form("a")
	l.propose(a, replica.SetDomain("meet.example"))
	l.close("a")
	a = l.open("a", true)
	l.elect(a)
	if err := a.Barrier(l.ctx()); err != nil {
		t.Fatal(err)
	}
	if got := a.State().Domain; got != "meet.example" {
		t.Errorf("domain = %q", got)
	}
}

func TestSnapshot(t *testing.T) {
	l := newLAN(t, slow)
	a := l.form("a", "b")
	l.propose(a, replica.SetDomain("meet.example"))
	keepNothing := a.raft.ReloadableConfig()
	keepNothing.TrailingLogs = 0
	if err := errors.Join(a.raft.ReloadConfig(keepNothing), a.raft.Snapshot().Error()); err != nil {
		t.Fatal(err)
	}
	l.propose(a, replica.AddCallBridge("cb1", "s3cret"))
	want := replica.Encode(a.State())

	t.Run("is sent to a joiner", func(t *testing.T) {
		l.open("c", false)
		l.admit(a, "c")
		l.await("the state on c", func() bool { return bytes.Equal(replica.Encode(l.nodes["c"].State()), want) })
	})
	t.Run("is read at start with the committed configuration", func(t *testing.T) {
		l.close("a")
		a = l.open("a", false)
		if got := a.State().Domain; got != "meet.example" {
			t.Errorf("domain = %q before any contact", got)
		}
		if !a.fsm.committedVoter("b") || a.fsm.committedVoter("c") {
			t.Error("the committed configuration is not that of the snapshot")
		}
	})
}

// member returns a member table entry for a test node's number.
func member(i byte) replica.Member {
	key := bytes.Repeat([]byte{i}, 32)
	sum := sha256.Sum256(key)
	return replica.Member{ID: hex.EncodeToString(sum[:16]), Name: "cb" + string('0'+i), Key: key,
		Addr: "10.0.0.1" + string('0'+i), ClientPort: 5222, MeshPort: 5224, GossipPort: 7946}
}

func TestRecover(t *testing.T) {
	l := newLAN(t, fast)
	m1, m2 := member(1), member(2)
	a := l.form(m1.ID, m2.ID)
	l.propose(a, replica.Initialize("old", m1, bytes.Repeat([]byte{1}, 32), replica.New()))
	l.propose(a, replica.Join(m2, replica.New(), ""))
	for _, c := range []replica.Command{replica.SetDomain("meet.example"), account("alice"), filing(1, 9, 0)} {
		l.propose(a, c)
	}
	l.close(m2.ID)
	l.close(m1.ID)

	newKey := bytes.Repeat([]byte{2}, 32)
	if err := Recover(l.config(m1.ID), replica.Recover("old", m1.ID, newKey)); fault.CodeOf(err) != fault.InvalidArgument {
		t.Fatalf("recovering under the old cluster ID: %v, want the refusal", err)
	}
	if err := Recover(l.config(m1.ID), replica.Recover("new", m1.ID, newKey)); err != nil {
		t.Fatal(err)
	}
	a = l.open(m1.ID, false)
	l.leader(m1.ID)
	l.propose(a, replica.AddCallBridge("cb1", "s3cret"))
	s := a.State()
	_, removed := s.Removed[m2.ID]
	if s.ClusterID != "new" || s.Domain != "meet.example" || len(s.Members) != 1 || !removed || !bytes.Equal(s.GossipKey, newKey) {
		t.Errorf("state = %s", replica.Encode(s))
	}
	if got := filed(a, alice); len(got) != 1 {
		t.Errorf("the archive is %q", got)
	}
}

func TestRecoverNeedsState(t *testing.T) {
	cfg := newLAN(t, fast).config("a")
	if has, err := HasState(cfg); has || err != nil {
		t.Fatalf("HasState = %v, %v", has, err)
	}
	if err := Recover(cfg, replica.Recover("new", "a", nil)); err == nil {
		t.Error("recovered from nothing")
	}
}

func TestOpenRefusesBadTimersAndATakenDirectory(t *testing.T) {
	l := newLAN(t, Config{Heartbeat: time.Second, Election: time.Second, Lease: 2 * time.Second})
	if _, err := Open(l.config("a"), l.listen("a"), true); err == nil {
		t.Error("a lease longer than the heartbeat timeout was accepted")
	}
	l.timers = slow
	l.open("a", true)
	if _, err := Open(l.config("a"), l.listen("a"), true); err == nil {
		t.Error("a directory in use was opened")
	}
	if has, err := HasState(l.config("a")); err == nil {
		t.Errorf("HasState of a directory in use = %v", has)
	}
}

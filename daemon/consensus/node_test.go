package consensus

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/raft"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

func TestProposeReachesEveryNode(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	l.propose(a, replica.SetDomain("meet.example"))
	l.propose(a, replica.AddCallBridge("cb1", "s3cret"))
	want := replica.Encode(a.State())
	l.await("the state everywhere", func() bool {
		return bytes.Equal(replica.Encode(l.nodes["b"].State()), want) && bytes.Equal(replica.Encode(l.nodes["c"].State()), want)
	})
	if got := a.State().CallBridges["cb1"].Secret; got != "s3cret" {
		t.Errorf("secret = %q", got)
	}
}

func TestProposeReturnsTheRefusal(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a")
	err := a.Propose(l.ctx(), replica.AddCallBridge("cb1.meet.example", "s3cret"))
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.InvalidName {
		t.Fatalf("err = %v, want the refusal of the name", err)
	}
	if v := a.State().Version; v != 0 {
		t.Errorf("version = %d after a refusal, want 0", v)
	}
}

func TestOnlyTheLeaderProposes(t *testing.T) {
	l := newLAN(t, fast)
	l.form("a", "b", "c")
	b := l.nodes["b"]
	for name, call := range map[string]func(context.Context) error{
		"Propose":      func(ctx context.Context) error { return b.Propose(ctx, replica.SetDomain("meet.example")) },
		"Barrier":      b.Barrier,
		"VerifyLeader": b.VerifyLeader,
		"Transfer":     b.Transfer,
		"AddNonvoter":  func(ctx context.Context) error { return b.AddNonvoter(ctx, "d") },
		"Promote":      func(ctx context.Context) error { return b.Promote(ctx, "d") },
		"Remove":       func(ctx context.Context) error { return b.Remove(ctx, "c") },
		"CaughtUp":     func(ctx context.Context) error { return b.CaughtUp(ctx, "c") },
	} {
		err := call(l.ctx())
		var not *NotLeaderError
		if !errors.Is(err, ErrNotLeader) || !errors.As(err, &not) || not.Leader != "a" {
			t.Errorf("%s on a follower: %v, want ErrNotLeader naming a", name, err)
		}
	}
}

func TestStatusOfTheLeader(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	ctx := l.ctx()
	l.open("d", false)
	if err := errors.Join(a.AddNonvoter(ctx, "d"), a.CaughtUp(ctx, "b"), a.CaughtUp(ctx, "c"), a.CaughtUp(ctx, "d")); err != nil {
		t.Fatal(err)
	}
	s := a.Status()
	if s.Role != Leader || s.LeaderID != "a" || s.LeaderSince.IsZero() || !s.LastContact.IsZero() {
		t.Errorf("status = %+v", s)
	}
	if d := cmp.Diff([][]string{{"a", "b", "c"}, {"d"}}, [][]string{s.Voters, s.Nonvoters}); d != "" {
		t.Error(d)
	}
	var peers []string
	for _, p := range s.Peers {
		peers = append(peers, p.ID)
		if p.LastContact.IsZero() || p.Lag != 0 || p.Voter != (p.ID != "d") {
			t.Errorf("peer = %+v", p)
		}
	}
	if d := cmp.Diff([]string{"b", "c", "d"}, peers); d != "" {
		t.Error(d)
	}
	if err := errors.Join(a.VerifyLeader(ctx), a.Barrier(ctx)); err != nil {
		t.Error(err)
	}
}

func TestStatusShowsTheLagOfAnAbsentPeer(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	if err := a.CaughtUp(l.ctx(), "c"); err != nil {
		t.Fatal(err)
	}
	l.close("c")
	l.propose(a, replica.SetDomain("meet.example"))
	l.propose(a, replica.SetDomain("other.example"))
	i := slices.IndexFunc(a.Status().Peers, func(p Peer) bool { return p.ID == "c" })
	if lag := a.Status().Peers[i].Lag; lag != 2 {
		t.Errorf("lag of c = %d, want 2", lag)
	}
}

func TestTransferAndShutdownHandOver(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	if err := a.Transfer(l.ctx()); err != nil {
		t.Fatal(err)
	}
	second := l.leader("a", "b", "c")
	if second == a {
		t.Fatal("a still leads")
	}
	start := time.Now()
	if err := second.Shutdown(); err != nil {
		t.Fatal(err)
	}
	rest := slices.DeleteFunc([]string{"a", "b", "c"}, func(id string) bool { return id == second.id })
	l.leader(rest...)
	t.Logf("shutdown of the leader to a new leader: %v", time.Since(start))
	if err := second.Propose(l.ctx(), replica.SetDomain("meet.example")); !errors.Is(err, ErrClosed) {
		t.Errorf("proposing on a closed node: %v", err)
	}
}

func TestTransferNeedsASuccessor(t *testing.T) {
	l := newLAN(t, fast)
	if err := l.form("a").Transfer(l.ctx()); !errors.Is(err, ErrNoSuccessor) {
		t.Errorf("err = %v", err)
	}
}

func TestRemove(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	for range 2 { // the second time it is gone already
		if err := a.Remove(l.ctx(), "c"); err != nil {
			t.Fatal(err)
		}
	}
	if d := cmp.Diff([]string{"a", "b"}, a.Status().Voters); d != "" {
		t.Error(d)
	}
	if err := a.Remove(l.ctx(), "a"); !errors.Is(err, ErrNotLeader) {
		t.Fatalf("a leader removing itself: %v, want leadership handed over first", err)
	}
	b := l.leader("a", "b")
	if b.id != "b" {
		t.Fatalf("%s leads", b.id)
	}
	if err := b.Remove(l.ctx(), "a"); err != nil {
		t.Fatal(err)
	}
	l.propose(b, replica.SetDomain("meet.example"))
}

func TestPromoteIsIdempotentAndNeverDemotes(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	if err := errors.Join(a.Promote(l.ctx(), "b"), a.AddNonvoter(l.ctx(), "b")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, a.Status().Voters); d != "" {
		t.Error(d)
	}
}

func TestWithoutAMajority(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	l.close("b")
	l.close("c")
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	err := a.Propose(ctx, replica.SetDomain("meet.example"))
	if !errors.Is(err, ErrUncertain) && !errors.Is(err, ErrNotLeader) {
		t.Errorf("err = %v, want the loss of leadership", err)
	}
	l.await("no leader", func() bool { s := a.Status(); return s.LeaderID == "" && s.Role != Leader })
	if got := a.State().Domain; got != "" {
		t.Errorf("domain = %q was applied without a majority", got)
	}
}

func TestPreVoteKeepsTheTermOfAHealthyCluster(t *testing.T) {
	var candidacies atomic.Int32
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	l.close("c")
	l.timers.Logger = slog.New(counter{slog.DiscardHandler, "raft: entering candidate state", &candidacies, l.kick})
	c := l.open("c", false)
	l.leader("a", "b", "c")
	before := a.Status()
	l.isolate("c", true)
	l.await("three candidacies of the node cut off", func() bool { return candidacies.Load() >= 3 })
	if got := c.Status().Term; got != before.Term {
		t.Errorf("term of the node cut off = %d, want %d: pre-vote is off", got, before.Term)
	}
	l.isolate("c", false)
	l.await("c following a", func() bool { return c.Status().LeaderID == "a" && c.Status().Role == Follower })
	if after := a.Status(); after.Term != before.Term || after.Role != Leader {
		t.Errorf("leader %+v became %+v", before, after)
	}
}

// counter counts a log message.
type counter struct {
	slog.Handler
	message string
	count   *atomic.Int32
	kick    func()
}

func (c counter) Enabled(context.Context, slog.Level) bool { return true }
func (c counter) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.count.Add(1)
		c.kick()
	}
	return nil
}

func TestOnChangeNeverDelaysRaft(t *testing.T) {
	l := newLAN(t, slow)
	release := make(chan struct{})
	var calls atomic.Int32
	cfg := l.config("a")
	cfg.OnChange = func() { calls.Add(1); l.kick(); <-release }
	a, err := Open(cfg, l.listen("a"), true)
	if err != nil {
		t.Fatal(err)
	}
	l.nodes["a"] = a
	l.await("the first call", func() bool { return calls.Load() == 1 })
	if err := a.trans.inject(&raft.TimeoutNowRequest{RPCHeader: a.header()}, patience); err != nil {
		t.Fatal(err)
	}
	select {
	case <-a.raft.LeaderCh():
	case <-l.ctx().Done():
		t.Fatal("no election while the callback blocks")
	}
	l.propose(a, replica.SetDomain("meet.example"))
	close(release)
	l.await("a call after the changes", func() bool { return calls.Load() >= 2 })
}

// Three nodes, every commit on three disks.
func BenchmarkPropose(b *testing.B) {
	l := newLAN(b, slow)
	a := l.form("a", "b", "c")
	ctx := context.Background()
	domains := []string{"meet.example", "other.example"}
	b.Run("one at a time", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if err := a.Propose(ctx, replica.SetDomain(domains[i%2])); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("64 at a time", func(b *testing.B) {
		b.SetParallelism(32) // times GOMAXPROCS
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if err := a.Propose(ctx, replica.SetDomain(domains[i%2])); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// A node that meets an entry it can not read applies nothing behind it and takes no
// snapshot without it; the next version finds all of it in the log.
func TestUnreadEntry(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a", "b", "c")
	c := l.nodes["c"]
	before := replica.Encode(c.State())
	c.fsm.halted.Store(fault.Mend(fault.Version, "the log entry 7 can not be read", "upgrade this node")) // as Apply does
	l.propose(a, replica.SetDomain("meet.example"))
	stop := l.look() // nothing changes at c, so nobody tells
	l.await("the entry at c", func() bool { return c.Status().AppliedIndex >= a.Status().AppliedIndex })
	stop()
	if !bytes.Equal(replica.Encode(c.State()), before) {
		t.Error("c goes on without what it could not read")
	}
	if _, err := c.fsm.Snapshot(); !errors.Is(err, &fault.Error{Code: fault.Version}) {
		t.Errorf("c takes a snapshot: %v", err)
	}
	if err := c.Halted(); err == nil || a.Halted() != nil {
		t.Errorf("c says %v, a says %v", err, a.Halted())
	}
	l.close("c")
	c = l.open("c", false) // upgraded
	l.await("the whole log at c", func() bool { return bytes.Equal(replica.Encode(c.State()), replica.Encode(a.State())) })
}

// The entry itself ends the applying.
func TestNewerEntryHalts(t *testing.T) {
	l := newLAN(t, fast)
	a := l.form("a")
	if err := a.Propose(l.ctx(), replica.Command{Op: "future"}); !errors.Is(err, &fault.Error{Code: fault.Version}) {
		t.Errorf("an unknown command is answered %v", err)
	}
	if err := a.Propose(l.ctx(), replica.SetDomain("meet.example")); !errors.Is(err, &fault.Error{Code: fault.Version}) || a.State().Domain != "" {
		t.Errorf("behind it %q is the domain, and the answer %v", a.State().Domain, err)
	}
}

package consensus

import (
	"errors"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestTransportKeepsPreVote(t *testing.T) {
	l := newLAN(t, slow)
	a := l.open("a", true)
	if _, ok := any(a.trans).(raft.WithPreVote); !ok {
		t.Error("raft does not see that the transport can pre-vote")
	}
}

// The timers are so slow that only Stand can elect.
func TestStandReplacesACrashedLeader(t *testing.T) {
	l := newLAN(t, slow)
	l.form("a", "b", "c")
	b, c := l.nodes["b"], l.nodes["c"]
	lost := b.Status()
	l.close("a")
	start := time.Now()
	if err := b.Stand(lost.Term, lost.LeaderID); err != nil {
		t.Fatal(err)
	}
	if leader := l.leader("b", "c"); leader != b {
		t.Fatalf("%s leads", leader.id)
	}
	took := time.Since(start)
	t.Logf("stand to a leader both know: %v", took)
	if took > slow.Heartbeat {
		t.Errorf("standing took %v", took)
	}
	if err := c.Stand(lost.Term, lost.LeaderID); !errors.Is(err, ErrMayNotStand) {
		t.Errorf("standing again after the election: %v", err)
	}
}

func TestStandAgainstALivingLeaderCostsATermOnly(t *testing.T) {
	l := newLAN(t, fast)
	l.form("a", "b", "c")
	s := l.nodes["b"].Status()
	if err := l.nodes["b"].Stand(s.Term, "a"); err != nil {
		t.Fatal(err)
	}
	l.await("a new term", func() bool { return l.nodes["c"].Status().Term > s.Term })
	l.leader("a", "b", "c")
}

func TestStandRefuses(t *testing.T) {
	l := newLAN(t, slow)
	a := l.form("a", "b", "c")
	if err := a.AddNonvoter(l.ctx(), "d"); err != nil {
		t.Fatal(err)
	}
	d := l.open("d", false)
	if err := a.CaughtUp(l.ctx(), "d"); err != nil {
		t.Fatal(err)
	}
	l.await("d following a", func() bool { return d.Status().LeaderID == "a" })
	alone := l.open("e", false)
	term := a.Status().Term
	stood := l.nodes["c"]
	stood.stood = term
	for _, c := range []struct {
		name   string
		node   *Node
		term   uint64
		leader string
	}{
		{"the leader", a, term, "a"},
		{"a non-voter", d, term, "a"},
		{"a node of no cluster", alone, 0, ""},
		{"for an older term", l.nodes["b"], term - 1, "a"},
		{"for a newer term", l.nodes["b"], term + 1, "a"},
		{"against another leader", l.nodes["b"], term, "c"},
		{"against no leader", l.nodes["b"], term, ""},
		{"twice in a term", stood, term, "a"},
	} {
		if err := c.node.Stand(c.term, c.leader); !errors.Is(err, ErrMayNotStand) {
			t.Errorf("%s: %v, want ErrMayNotStand", c.name, err)
		}
	}
	if s := a.Status(); s.Term != term || s.Role != Leader {
		t.Errorf("the refusals changed the leader: %+v", s)
	}
}

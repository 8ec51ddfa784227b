package cluster_test

import (
	"bytes"
	"testing"

	"quorate.org/daemon/fault"
)

// alive reports whether a member sees so many by gossip.
func (m *member) alive(n int) bool {
	for _, p := range m.cluster.View().Peers {
		if p.Gossip == "alive" {
			n--
		}
	}
	return n == 0
}

// A new gossip key comes to all, cuts nobody off, and reaches a member that was
// off meanwhile when it is back.
func TestRotateGossipKey(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	old := leader.cluster.State().GossipKey
	for _, m := range all {
		until(t, m.addr+" sees three by gossip", func() bool { return m.alive(3) })
	}
	off, on := others[0], others[1]
	off.close()
	until(t, "it is gone", func() bool { return on.cluster.View().Reachable == 2 && on.alive(2) })
	if err := on.cluster.RotateGossipKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	fresh := on.cluster.State().GossipKey
	if len(fresh) != 32 || bytes.Equal(fresh, old) {
		t.Fatalf("the key is %x, before it was %x", fresh, old)
	}
	for _, m := range []*member{leader, on} {
		until(t, m.addr+" uses it", func() bool { return m.cluster.GossipKeys(fresh) })
		if !m.alive(2) {
			t.Errorf("%s was cut off: %+v", m.addr, m.cluster.View().Peers)
		}
		m.cluster.RetireNow()
		if m.cluster.GossipReads(old) {
			t.Errorf("%s still reads the old key", m.addr)
		}
	}
	off.open()
	until(t, "the one that was off uses it", func() bool { return off.cluster.GossipKeys(fresh) })
	for _, m := range all {
		until(t, m.addr+" sees three by gossip again", func() bool { return m.alive(3) })
	}
}

func TestRotateRefusals(t *testing.T) {
	t.Parallel()
	all := form(t, 2)
	stranger := newMember(t, all[0].cert)
	wantFault(t, "on a standalone node", stranger.cluster.RotateGossipKey(t.Context()), fault.WrongState)
	key := all[0].cluster.State().GossipKey
	all[1].close()
	until(t, "the quorum is gone", func() bool { return all[0].cluster.View().LeaderID == "" })
	wantFault(t, "without a quorum", all[0].cluster.RotateGossipKey(t.Context()), fault.NoQuorum)
	if !bytes.Equal(all[0].cluster.State().GossipKey, key) || !all[0].cluster.GossipKeys(key) {
		t.Error("a refused rotation changed the key")
	}
}

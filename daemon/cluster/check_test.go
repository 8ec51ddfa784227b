package cluster_test

import (
	"context"
	"crypto/x509"
	"slices"
	"testing"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

func (m *member) holdings() []cluster.Holding {
	ctx, cancel := context.WithTimeout(m.t.Context(), patience)
	defer cancel()
	return m.cluster.Holdings(ctx)
}

// Every member holds the same call bridges, and no two checks have the same digests.
func TestHoldings(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	propose(t, all[1], replica.AddCallBridgeSecret("twin", all[1].cluster.State().CallBridges["cb1"].Secret))
	leader, others := leaderOf(t, all)
	first := others[0].holdings()
	if len(first) != 3 || !first[0].Self || first[0].Node != others[0].addr {
		t.Fatalf("holdings %+v", first)
	}
	seen := map[string]bool{}
	for _, h := range first {
		if h.Err != nil || len(h.Held) != 4 || !slices.Equal(h.Held, first[0].Held) || h.Version != first[0].Version {
			t.Errorf("%s holds %+v, %v", h.Node, h.Held, h.Err)
		}
		if h.Leader != (h.Node == leader.addr) {
			t.Errorf("%s leads: %v", h.Node, h.Leader)
		}
	}
	for _, h := range append(first[0].Held, others[0].holdings()[0].Held...) {
		if len(h.Digest) != 16 || seen[h.Digest] {
			t.Errorf("digest %q of %s", h.Digest, h.Name)
		}
		seen[h.Digest] = true
	}
	others[1].close()
	until(t, "its process is proved gone", func() bool { return leader.cluster.View().Reachable == 2 })
	for _, h := range leader.holdings() {
		if (h.Err != nil) != (h.Node == others[1].addr) {
			t.Errorf("with one off, %s answers with %v", h.Node, h.Err)
		}
	}
}

// What a node's own settings say is told as a digest, too.
func TestHoldingOfSettings(t *testing.T) {
	t.Parallel()
	m := newMember(t, certificate(t))
	propose(t, m, replica.SetDomain("meet.example"))
	propose(t, m, replica.AddCallBridgeSecret("cb1", "AAAAAAAAAAAAAAAAAAA"))
	m.entries = []cluster.Entry{
		{CallBridge: replica.CallBridge{Name: "CB1", Secret: "AAAAAAAAAAAAAAAAAAA"}, Setting: "callbridge.secret"},
		{CallBridge: replica.CallBridge{Name: "cb1", Secret: "other"}, Setting: "xmpp.callbridge"},
	}
	held := m.holdings()[0].Held
	if len(held) != 3 || held[0].Digest != held[1].Digest || held[2].Digest == held[0].Digest || held[1].Setting != "callbridge.secret" || held[0].Setting != "" {
		t.Errorf("held: %+v", held)
	}
}

// Each member answers by its own trust; one that is off is not asked.
func TestWouldAccept(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leaf, err := x509.ParseCertificate(certificate(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	ask := func() map[string]cluster.Verdict {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		verdicts := map[string]cluster.Verdict{}
		for _, v := range all[0].cluster.WouldAccept(ctx, []*x509.Certificate{leaf}) {
			verdicts[v.Node] = v
		}
		return verdicts
	}
	one, other := all[1], all[2]
	one.judge.Store(leaf)
	got := ask()
	if v := got[one.addr]; len(got) != 2 || v.Err != nil || v.Refused == nil || v.Refused.Code != fault.Trust || v.Refused.Message != "not that one" {
		t.Errorf("who does not trust it says %+v", v)
	}
	if v := got[other.addr]; v.Err != nil || v.Refused != nil {
		t.Errorf("who trusts it says %+v", v)
	}
	other.close()
	if v := ask()[other.addr]; v.Err == nil {
		t.Errorf("who is off says %+v", v)
	}
	stranger := newMember(t, all[0].cert)
	if v := stranger.cluster.WouldAccept(t.Context(), []*x509.Certificate{leaf}); len(v) > 0 {
		t.Errorf("a node in no cluster asked %+v", v)
	}
}

// The certificate of a link that stands may leave the trust: then the link ends.
func TestRejudge(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	leader.cluster.Rejudge()
	if v := leader.cluster.View(); v.Reachable != 3 {
		t.Errorf("%d of 3 are reachable though the trust is as it was", v.Reachable)
	}
	others[0].trust.Store(false)
	others[0].cluster.Rejudge()
	until(t, "it has no link", func() bool { return others[0].cluster.View().Reachable == 1 })
	if v := leader.cluster.View(); v.State != cluster.StateLeader {
		t.Errorf("the leader is %s", v.State)
	}
	others[0].trust.Store(true)
	until(t, "it is back", func() bool { v := others[0].cluster.View(); return v.Reachable == 3 && v.LeaderID != "" })
}

package node

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/settings"
)

// TestCompare judges members that hold this and that.
func TestCompare(t *testing.T) {
	held := func(pairs ...string) (list []cluster.Held) {
		for _, p := range pairs {
			name, digest, _ := strings.Cut(p, "=")
			digest, setting, _ := strings.Cut(digest, " ")
			list = append(list, cluster.Held{Name: name, Digest: digest, Setting: setting})
		}
		return list
	}
	ok := func(node, bridge, digest string) bus.CheckedBridge {
		return bus.CheckedBridge{Node: node, Bridge: bridge, Digest: digest, OK: true}
	}
	const rejoin, lag = ": xmpp cluster remove, then join again", "see xmpp cluster status; the node catches up by itself once it follows the leader"
	me := func(h ...string) cluster.Holding {
		return cluster.Holding{Node: "cb1", Self: true, Version: 9, Held: held(h...)}
	}
	leader := func(h ...string) cluster.Holding {
		return cluster.Holding{Node: "cb2", Leader: true, Version: 9, Held: held(h...)}
	}
	for name, c := range map[string]struct {
		all  []cluster.Holding
		want []bus.CheckedBridge
	}{
		"nothing": {[]cluster.Holding{me(), leader()}, nil},
		"all the same, in any case": {[]cluster.Holding{me("cb1=a"), leader("CB1=a")},
			[]bus.CheckedBridge{ok("cb1", "CB1", "a"), ok("cb2", "CB1", "a")}},
		"the leader is the measure": {[]cluster.Holding{me("cb1=x", "cb9=y"), leader("cb1=a", "cb2=b")}, []bus.CheckedBridge{
			{Node: "cb1", Bridge: "cb1", Digest: "x", Text: "another secret than on cb2", Remedy: "on cb1" + rejoin},
			{Node: "cb1", Bridge: "cb2", Text: "missing here", Remedy: "on cb1" + rejoin},
			{Node: "cb1", Bridge: "cb9", Digest: "y", Text: "on this node only, cb2 does not have it", Remedy: "on cb1" + rejoin},
			ok("cb2", "cb1", "a"), ok("cb2", "cb2", "b")}},
		"without a leader this node is": {[]cluster.Holding{me("cb1=x"), {Node: "cb2", Version: 7}}, []bus.CheckedBridge{
			ok("cb1", "cb1", "x"),
			{Node: "cb2", Bridge: "cb1", Text: "missing here; the node lags: it has the changes up to log entry 7, cb1 those up to 9", Remedy: lag}}},
		"a silent member, and a silent leader": {[]cluster.Holding{me("cb1=x"),
			{Node: "cb2", Leader: true, Err: fault.Mend(fault.TCP, "10.0.0.2:5224 does not answer", "do this")}, {Node: "cb3", Err: errors.New("odd")}},
			[]bus.CheckedBridge{ok("cb1", "cb1", "x"),
				{Node: "cb2", Text: "does not answer: 10.0.0.2:5224 does not answer", Remedy: "do this"},
				{Node: "cb3", Text: "does not answer: odd", Remedy: "xmpp cluster status tells how the node is"}}},
		"settings": {[]cluster.Holding{me("cb1=a", "cb1=a callbridge.secret", "CB1=x xmpp.callbridge", "cb7=y xmpp.callbridge"), leader("cb1=a", "cb1=z callbridge.secret")},
			[]bus.CheckedBridge{ok("cb1", "cb1", "a"),
				{Node: "cb1", Bridge: "CB1", Digest: "x", Text: "xmpp.callbridge of cb1 is not the cluster's secret",
					Remedy: "on cb1: correct or remove the entry in the configuration files; xmpp callbridge list shows the secret"},
				{Node: "cb1", Bridge: "cb7", Digest: "y", Text: "xmpp.callbridge of cb1 names a call bridge the cluster does not have",
					Remedy: "add it to the cluster: xmpp callbridge add-secret cb7, or correct the setting"},
				ok("cb2", "cb1", "a"),
				{Node: "cb2", Bridge: "cb1", Digest: "z", Text: "callbridge.secret of cb2 is not the cluster's secret",
					Remedy: "on cb2: callbridge secret; xmpp callbridge list shows the secret"}}},
	} {
		if diff := cmp.Diff(c.want, compare(c.all)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct {
		v    cluster.Verdict
		want bus.Step
	}{
		"yes":      {cluster.Verdict{Node: "cb2"}, bus.Step{Name: "cb2", OK: true, Text: "accepts it"}},
		"no":       {cluster.Verdict{Node: "cb2", Refused: fault.Mend(fault.Trust, "not in it", "add it")}, bus.Step{Name: "cb2", Code: "Trust", Text: "would refuse it: not in it", Remedy: "on cb2: add it"}},
		"silence":  {cluster.Verdict{Node: "cb2", Err: fault.New(fault.TCP, "no")}, bus.Step{Name: "cb2", OK: true, Code: "TCP", Text: "does not answer; not asked"}},
		"too late": {cluster.Verdict{Node: "cb2", Err: fault.New(fault.Timeout, "no")}, bus.Step{Name: "cb2", OK: true, Code: "Timeout", Text: "does not answer; not asked"}},
		"an older version": {cluster.Verdict{Node: "cb2", Err: fault.New(fault.Version, "does not know it")},
			bus.Step{Name: "cb2", OK: true, Code: "Version", Text: "not asked: does not know it"}},
	} {
		if diff := cmp.Diff(c.want, verdict(c.v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A Call Bridge of another domain has a secret of another cluster.
func TestEntries(t *testing.T) {
	n := New(Config{Log: quiet}, nil)
	for linkDomain, want := range map[string]int{"": 2, "Meet.example": 2, "far.example": 1} {
		n.values.Store(&settings.Values{XMPP: settings.XMPP{CallBridges: []settings.CallBridge{{Name: "cb1", Secret: "a"}}},
			CallBridge: settings.BridgeLink{Name: "cb1", Domain: linkDomain, Secret: "b"}})
		if got := n.entries(domain); len(got) != want {
			t.Errorf("with a Call Bridge of %q: %+v", linkDomain, got)
		}
	}
}

// The questions over the bus, of a node and its partner in a cluster of two.
func TestTwoMembers(t *testing.T) {
	r := newRigOf(t, "[callbridge]\nname = \"cb1\"\nsecret = \"BBBBBBBBBBBBBBBBBBB\"\n", paired)
	cert := r.upload("xmpp")
	other := r.upload("other")
	r.must(r.xmpp.SetDomain(r.ctx, domain))
	r.must(r.xmpp.CallBridgeAddSecret(r.ctx, "cb1", "AAAAAAAAAAAAAAAAAAA"))
	r.store("trust.pem", append(cert.PEM(), other.PEM()...))
	r.store("less.pem", other.PEM())
	r.set(map[string]any{"xmpp.enabled": true, "xmpp.listen": []string{r.addr}, "xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "cluster.trust": "trust.pem"})
	if steps, err := r.xmpp.WouldAccept(r.ctx, other.PEM()); err != nil || len(steps) > 0 {
		t.Errorf("a standalone node asked %+v, %v", steps, err)
	}
	r.wantFault("rotating a standalone node's key", r.xmpp.RotateGossipKey(r.ctx), fault.WrongState, "not a member")
	r.must(r.xmpp.ClusterEnable(r.ctx))
	r.must(r.xmpp.ClusterInitialize(r.ctx))
	p := newPartner(r, cert)
	p.join()

	var list []bus.CheckedBridge
	r.until("both hold the same", func() bool {
		var err error
		list, err = r.xmpp.CallBridgeCheck(r.ctx)
		return err == nil && len(list) == 3 && list[0].OK && list[2].OK && list[0].Digest == list[2].Digest
	})
	linked := func(want ...string) func() bool {
		return func() bool { p, err := r.xmpp.Properties(r.ctx); return err == nil && slices.Equal(p.Linked, want) }
	}
	r.until("the bus tells of the link", linked("cb2"))
	if list[1].OK || list[1].Text != "callbridge.secret of cb1 is not the cluster's secret" || list[2].Node != "cb2" {
		t.Errorf("the check says %+v", list)
	}

	steps, err := r.xmpp.WouldAccept(r.ctx, other.PEM())
	if want := []bus.Step{{Name: "cb2", OK: true, Text: "accepts it"}}; err != nil || cmp.Diff(want, steps) != "" {
		t.Errorf("the partner says %+v, %v", steps, err)
	}
	p.refuse.Store(true)
	steps, err = r.xmpp.WouldAccept(r.ctx, other.PEM())
	if err != nil || len(steps) != 1 || steps[0].OK || steps[0].Text != "would refuse it: not yours" {
		t.Errorf("the partner says %+v, %v", steps, err)
	}
	p.refuse.Store(false)
	r.must(r.xmpp.RotateGossipKey(r.ctx))

	// A renewal touches no link; a trust without the partner ends its link.
	r.upload("xmpp")
	r.until("the renewed certificate is in use", func() bool { return r.shown() != string(cert.Cert.Raw) })
	if strings.Contains(r.log.String(), "no longer trusted") {
		t.Errorf("a renewal cost a link\n%s", r.log)
	}
	r.set(map[string]any{"cluster.trust": "less.pem"})
	r.until("the partner is out", func() bool {
		return r.cluster().Reachable == 1 && strings.Contains(r.log.String(), "no longer trusted")
	})
	r.set(map[string]any{"cluster.trust": "trust.pem"})
	r.until("the partner is back", func() bool { s := r.cluster(); return s.Reachable == 2 && s.Leader != "" })

	r.until("the bus tells of the link again", linked("cb2"))

	// Alone behind a restart the node knows no entry, and says so.
	p.close()
	r.until("the bus tells that the partner is lost", linked())
	r.restart()
	_, err = r.xmpp.CallBridges(r.ctx)
	r.wantFault("the list of a member that heard nobody", err, fault.NoQuorum, "has not heard a leader since it was started")
	_, err = r.xmpp.Users(r.ctx)
	r.wantFault("the users of a member that heard nobody", err, fault.NoQuorum, "has not heard a leader")
	_, err = r.xmpp.CallBridgeCheck(r.ctx)
	r.wantFault("the check of a member that heard nobody", err, fault.NoQuorum, "has not heard a leader")
}

// A component that is turned away is a fault of the node until it is let in.
func TestTurnedAway(t *testing.T) {
	r, _ := enabled(t)
	c := r.handshake()
	if _, err := c.Write([]byte("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb9.meet.example'>")); err != nil {
		t.Fatal(err)
	}
	want := bus.Fault{Code: "UnknownComponent", Text: "call bridge cb9 is unknown, from 127.0.0.1",
		Remedy: "correct the name on the call bridge, or add it here: xmpp callbridge add <name>"}
	r.until("the fault is there", func() bool { return len(r.status().Faults) > 0 })
	if diff := cmp.Diff([]bus.Fault{want}, r.status().Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

// With a CA as trust, a node without a domain can not tell who is of its cluster.
func TestNoDomainNoName(t *testing.T) {
	r := newRig(t, "")
	ca, leaf := caAndLeaf(t)
	r.store("ca.pem", ca)
	r.set(map[string]any{"cluster.trust": "ca.pem"})
	err := r.node.trust(r.node.inst.Load().cluster, leaf)
	r.wantFault("without a domain", err, fault.CertificateName, "no domain is set on this node")
	r.must(r.xmpp.SetDomain(r.ctx, domain))
	r.until("the domain is known", func() bool { return r.node.trust(r.node.inst.Load().cluster, leaf) == nil })
}

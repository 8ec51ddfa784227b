package local

import (
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

func TestM2_8_WrongSecret(t *testing.T) {
	refusesComponent(t, "cb1."+lab.Domain, "AAAAAAAAAAAAAAAAAAA", "<not-authorized")
}

func TestM2_8_UnknownComponent(t *testing.T) {
	refusesComponent(t, "nobody."+lab.Domain, "AAAAAAAAAAAAAAAAAAA", "<host-unknown")
}

// refusesComponent signs in at a follower and wants the stream error.
func refusesComponent(t *testing.T, jid, secret, condition string) {
	t.Helper()
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	unchanged(t, l.Members(), func() {
		_, err := flow.Component(t.Context(), l.Dial, others[0].Addr()+":5223", labtest.TLS(l), jid, secret)
		must(t, wantf(err != nil && strings.Contains(err.Error(), condition), "want %s, got %v", condition, err))
		t.Logf("M2.8 %v", err)
	})
}

func TestM2_8_UntrustedPeer(t *testing.T) {
	l, n := joiner(t, false)
	member, err := l.Node("cb1").Get(t.Context(), "xmpp.cer")
	must(t, err)
	typed(t, n, "pki selfsigned own CN:"+lab.Domain)
	must(t, n.Put(t.Context(), "members.pem", member))
	ready(t, n, lab.Domain, "own.key own.cer", "members.pem")
	refusesJoin(t, l, n, "cb1."+lab.Domain, "trust")
}

func TestM2_8_OtherDomain(t *testing.T) {
	l, n := joiner(t, true)
	// The shared certificate names this one too, so nothing but the join can refuse.
	other := "cb1." + lab.Domain
	ready(t, n, other, "xmpp.key xmpp.cer ca.cer", "xmpp.cer")
	refusesJoin(t, l, n, "cb1."+lab.Domain, lab.Domain, other)
}

func TestM2_8_ConflictingSecret(t *testing.T) {
	l, n := joiner(t, true)
	ready(t, n, lab.Domain, "xmpp.key xmpp.cer ca.cer", "xmpp.cer")
	typed(t, n, "xmpp callbridge add cb2")
	refusesJoin(t, l, n, "cb1."+lab.Domain, "cb2", "secret")
}

func TestM2_8_UnreachableHost(t *testing.T) {
	l, n := joiner(t, true)
	ready(t, n, lab.Domain, "xmpp.key xmpp.cer ca.cer", "xmpp.cer")
	refusesJoin(t, l, n, "10.77.0.99", "10.77.0.99")
}

func TestM2_8_UnresolvableHost(t *testing.T) {
	l, n := joiner(t, true)
	ready(t, n, lab.Domain, "xmpp.key xmpp.cer ca.cer", "xmpp.cer")
	refusesJoin(t, l, n, "nowhere."+lab.Domain, "nowhere."+lab.Domain)
}

// joiner returns the cluster and its spare node, new; furnished has the shared
// certificate.
func joiner(t *testing.T, furnished bool) (*lab.Lab, *lab.Node) {
	t.Helper()
	l := labtest.Cluster(t)
	n := l.Node("cb4")
	must(t, n.Kill(t.Context()))
	must(t, n.Wipe(t.Context()))
	must(t, n.Start(t.Context()))
	if furnished {
		must(t, l.Furnish(t.Context(), n))
	}
	return l, n
}

// ready types everything a joiner needs before the join.
func ready(t *testing.T, n *lab.Node, domain, certs, trust string) {
	t.Helper()
	for _, line := range []string{
		"xmpp domain " + domain, "xmpp listen a", "xmpp certs " + certs, "xmpp cluster trust " + trust,
		"xmpp disable", "xmpp cluster enable", "xmpp enable",
	} {
		typed(t, n, line)
	}
}

// refusesJoin types the join, which must fail within 30 s, say every word, and
// change nothing on either side.
func refusesJoin(t *testing.T, l *lab.Lab, n *lab.Node, host string, words ...string) {
	t.Helper()
	unchanged(t, append(l.Members(), n), func() {
		began := time.Now()
		line := refused(t, n, "xmpp cluster join "+host, words...)
		if took := time.Since(began); took > 32*time.Second {
			t.Errorf("the refusal took %v", took)
		}
		t.Logf("M2.8 %s", line)
	})
	s, err := n.ClusterStatus(t.Context())
	must(t, err)
	must(t, wantf(s.State == "NOT JOINED", "the refused node says %s", s.State))
}

func TestM2_8_AddSecretDiffers(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Node("cb2")
	unchanged(t, l.Members(), func() {
		out, err := n.Exec(t.Context(), "xmpp callbridge add-secret cb1", "BBBBBBBBBBBBBBBBBBB")
		must(t, wantf(lab.Failed(err) && strings.Contains(out, "FAILURE: ") && strings.Contains(out, "cb1") && strings.Contains(out, "another secret"),
			"want a refusal that names the difference, got %q, %v", out, err))
		t.Logf("M2.8 %s", firstLine(out, "FAILURE"))
	})
}

// The three refusals of `xmpp certs`, each with its own message.
func TestM2_8_KeyDoesNotMatch(t *testing.T) {
	_, n := joiner(t, true)
	issue(t, n, "other", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), lab.Domain)
	refusesCerts(t, n, "xmpp certs other.key xmpp.cer ca.cer", "does not")
}

func TestM2_8_ExpiredCertificate(t *testing.T) {
	_, n := joiner(t, true)
	issue(t, n, "old", time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour), lab.Domain)
	refusesCerts(t, n, "xmpp certs old.key old.cer ca.cer", "expired")
}

func TestM2_8_NameMissing(t *testing.T) {
	_, n := joiner(t, true)
	issue(t, n, "elsewhere", time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "elsewhere.example")
	refusesCerts(t, n, "xmpp certs elsewhere.key elsewhere.cer ca.cer", lab.Domain)
}

// issue uploads a fresh key pair of the lab's CA as name.key and name.cer.
func issue(t *testing.T, n *lab.Node, name string, from, to time.Time, san string) {
	t.Helper()
	cert, key, err := n.Lab().CA.Issue(from, to, san)
	must(t, err)
	must(t, n.Put(t.Context(), name+".key", key))
	must(t, n.Put(t.Context(), name+".cer", cert))
}

func refusesCerts(t *testing.T, n *lab.Node, command string, words ...string) {
	t.Helper()
	typed(t, n, "xmpp domain "+lab.Domain)
	typed(t, n, "xmpp certs xmpp.key xmpp.cer ca.cer")
	unchanged(t, []*lab.Node{n}, func() { t.Logf("M2.8 %s", refused(t, n, command, words...)) })
}

func TestM2_8_WriteWithoutQuorum(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	before := state(t, leader)
	for _, n := range others {
		must(t, n.Signal(t.Context(), "xmppd", syscall.SIGKILL))
	}
	must(t, lab.Wait(t.Context(), 10*time.Second, "the leader to step down", func() error {
		s, err := leader.ClusterStatus(t.Context())
		return wantf(err == nil && s.State == "NO LEADER", "it says %s, %v", s.State, err)
	}))
	t.Logf("M2.8 %s", refused(t, leader, "xmpp callbridge add late", "no quorum: 1 of 3 voters reachable, 2 needed"))
	for _, n := range others {
		must(t, n.Revive(t.Context(), "xmppd"))
	}
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	if diff := cmp.Diff(before.Bridges, state(t, leader).Bridges); diff != "" {
		t.Errorf("the refused write changed something (-before +after):\n%s", diff)
	}
}

// A copy of a running member's disk is refused and told to reset; the member
// stays where it was.
func TestM2_8_ClonedNode(t *testing.T) {
	l, clone := joiner(t, false)
	_, others := leaderOf(t, l)
	must(t, clone.Kill(t.Context()))
	must(t, clone.CloneFrom(t.Context(), others[0]))
	unchanged(t, l.Members(), func() {
		must(t, clone.Start(t.Context()))
		must(t, lab.Wait(t.Context(), 20*time.Second, "the clone to be refused", func() error {
			s, err := clone.ClusterStatus(t.Context())
			return wantf(err == nil && s.State != "LEADER" && s.State != "FOLLOWER" && strings.Contains(s.Reason, "reset"),
				"it says %+v, %v", s, err)
		}))
		s, err := clone.ClusterStatus(t.Context())
		must(t, err)
		t.Logf("M2.8 the clone says %s: %s", s.State, s.Reason)
	})
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	must(t, clone.Kill(t.Context()))
	must(t, clone.Wipe(t.Context()))
	must(t, clone.Start(t.Context()))
}

// nodeState is what a refusal must leave as it was.
type nodeState struct {
	State, ClusterID, NodeID, Domain string
	Enabled, Clustered, Running      bool
	Key, Certificate, Bundle, Trust  string
	Peers                            []string
	Bridges                          map[string]string
	Config                           string
}

func state(t *testing.T, n *lab.Node) nodeState {
	t.Helper()
	cluster, err := n.ClusterStatus(t.Context())
	must(t, err)
	var x bus.XmppStatus
	must(t, json.Unmarshal([]byte(typed(t, n, "xmpp status --json")), &x))
	s := nodeState{
		State: cluster.State, ClusterID: cluster.ClusterID, NodeID: cluster.NodeID, Domain: x.Domain,
		Enabled: x.Enabled, Clustered: x.Clustered, Running: x.Running,
		Key: x.Key, Certificate: x.Certificate, Bundle: x.Bundle, Trust: x.Trust,
		Config: typed(t, n, "config show"),
	}
	for _, p := range cluster.Peers {
		s.Peers = append(s.Peers, fmt.Sprintf("%s %s %s voter %v %s", p.ID, p.Name, p.Address, p.Voter, p.Gossip))
	}
	s.Bridges, err = n.Secrets(t.Context())
	must(t, err)
	return s
}

// unchanged runs act and compares the nodes' state before and after.
func unchanged(t *testing.T, nodes []*lab.Node, act func()) {
	t.Helper()
	before := map[string]nodeState{}
	for _, n := range nodes {
		before[n.Name()] = state(t, n)
	}
	act()
	for _, n := range nodes {
		if diff := cmp.Diff(before[n.Name()], state(t, n)); diff != "" {
			t.Errorf("%s changed (-before +after):\n%s", n.Name(), diff)
		}
	}
}

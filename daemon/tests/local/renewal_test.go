package local

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// Each of three nodes with a certificate of its own, the leader among them,
// renews it with the same key, which the others' trust file pins: nobody is
// asked to do anything on another node, and nobody notices.
func TestM3_3_RenewalSameKey(t *testing.T) {
	l := labtest.Form(t, lab.Three)
	leader, others := leaderOf(t, l)
	sent := 0
	for i, n := range []*lab.Node{leader, others[0], others[1]} {
		away := others[0]
		if n == others[0] {
			away = others[1]
		}
		r := beginRenewal(t, l, n, away)
		day := time.Now().AddDate(0, 0, 200+i)
		must(t, n.Put(t.Context(), "xmpp.cer", resigned(t, l, n, n.Name()+"."+lab.Domain, day)))
		r.shown(t, day)
		sent += r.end(t)
	}
	relink(t, l, leader, others[0])
	relink(t, l, others[0], others[1])
	t.Logf("M3.3 same key: the leader and both followers renewed by SFTP in %d messages at %d/s: none lost, doubled or reordered, no stream or link dropped, term and leader kept, new handshakes and new links have it", sent, trafficRate)
}

// A new key, which no trust file pins, is refused until the way out that the
// refusal names was gone; and nothing drops, before or after.
func TestM3_3_RenewalNewKey(t *testing.T) {
	l := labtest.Form(t, lab.Three)
	leader, others := leaderOf(t, l)
	r := beginRenewal(t, l, leader, others[0])
	old := serial(t, l, leader)
	day := time.Now().AddDate(0, 0, 300)
	cert, key, err := l.CA.Issue(time.Now().Add(-time.Hour), day, lab.Domain, leader.Name()+"."+lab.Domain)
	must(t, err)
	must(t, leader.Put(t.Context(), "xmpp.key", key))
	must(t, leader.Put(t.Context(), "xmpp.cer", cert))
	refusal := rejected(t, leader, "xmpp.cer")
	for _, word := range []string{others[0].Name(), others[1].Name(), "would refuse it", "is kept", "every node", "xmpp cluster trust <bundle>"} {
		must(t, wantf(strings.Contains(refusal, word), "the refusal %q does not say %q", refusal, word))
	}
	must(t, wantf(serial(t, l, leader) == old && clusterSerial(t, l, leader) == old, "the refused certificate is in use"))
	r.traffic.Await(trafficRate / 4) // a second of it

	trust := append(trusted(t, l), cert...)
	for _, n := range l.Members() {
		must(t, n.Put(t.Context(), "both.pem", trust))
		listed(t, n, "both.pem", "ready")
		typed(t, n, "xmpp cluster trust both.pem")
	}
	// The upload lies there still, and is looked at again by itself.
	r.shown(t, day)
	sent := r.end(t)
	relink(t, l, leader, others[0])
	relink(t, l, leader, others[1])
	t.Logf("M3.3 new key: %s; with it in every trust file it is in use; %d messages, none lost, doubled or reordered, no stream or link dropped, term and leader kept", refusal, sent)
}

// One certificate shared by all is renewed node by node with the same key; it is
// also what the nodes trust.
func TestM3_3_RenewalShared(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	day := time.Now().AddDate(0, 0, 250)
	cert := resigned(t, l, leader, "cb1.meet.example,cb2.meet.example,cb3.meet.example", day)
	r := beginRenewal(t, l, others[0], others[1])
	for _, n := range []*lab.Node{others[0], leader, others[1]} {
		must(t, n.Put(t.Context(), "xmpp.cer", cert))
		r.node = n
		r.shown(t, day)
		r.traffic.Await(trafficRate / 8)
	}
	sent := r.end(t)
	relink(t, l, leader, others[0])
	relink(t, l, others[0], others[1])
	t.Logf("M3.3 shared certificate: renewed on three nodes by SFTP in %d messages, none lost, doubled or reordered, no stream or link dropped, term and leader kept, new handshakes and new links have it", sent)
}

// renewal is a cluster under traffic while a node's certificate is renewed, and
// what it was before.
type renewal struct {
	lab      *lab.Lab
	node     *lab.Node
	traffic  *labtest.Traffic
	reigns   []string
	journals []string
	serials  []string // in use before
}

// beginRenewal starts traffic between the node that is to be renewed and another.
func beginRenewal(t *testing.T, l *lab.Lab, n, away *lab.Node) *renewal {
	t.Helper()
	r := &renewal{lab: l, node: n, reigns: reigns(t, l), traffic: labtest.StartTraffic(t, l, n, away, trafficRate)}
	r.journals = journals(t, l.Members())
	for _, m := range l.Members() {
		r.serials = append(r.serials, serial(t, l, m))
	}
	r.traffic.Await(trafficRate / 8)
	return r
}

// shown waits until both ports of the node show another certificate than before,
// and checks that pki list has the one that ends on that day.
func (r *renewal) shown(t *testing.T, day time.Time) {
	t.Helper()
	before := r.serials[slices.Index(r.lab.Members(), r.node)]
	must(t, lab.Wait(t.Context(), 30*time.Second, "the renewed certificate in a handshake", func() error {
		at5223, at5224 := serial(t, r.lab, r.node), clusterSerial(t, r.lab, r.node)
		return wantf(at5223 != before && at5224 == at5223, "5223 shows %s, 5224 shows %s, before it was %s", at5223, at5224, before)
	}))
	list := typed(t, r.node, "pki list")
	must(t, wantf(strings.Contains(line(list, "xmpp.cer"), day.UTC().Format(time.DateOnly)) && !strings.Contains(list, " rejected "),
		"%s does not list the certificate until %s as the one in use:\n%s", r.node.Name(), day.UTC().Format(time.DateOnly), list))
}

// end stops the traffic and checks that nothing but the certificate has changed.
func (r *renewal) end(t *testing.T) (sent int) {
	t.Helper()
	r.traffic.Await(trafficRate / 4)
	_, sent = r.traffic.Stop()
	for i, text := range journals(t, r.lab.Members()) {
		for _, event := range []string{"link is down", "link is up", "routing as leader", "no longer trusted", "starting anew", "is closed"} {
			must(t, wantf(!strings.Contains(text[len(r.journals[i]):], event), "%s logged %q during the renewal:\n%s", r.lab.Members()[i].Name(), event, text[len(r.journals[i]):]))
		}
	}
	after := reigns(t, r.lab)
	must(t, wantf(slices.Equal(after, r.reigns), "the reigns were %v and are %v", r.reigns, after))
	return sent
}

// reigns is term and leader as each node has it.
func reigns(t *testing.T, l *lab.Lab) (list []string) {
	t.Helper()
	for _, n := range l.Members() {
		s, err := n.ClusterStatus(t.Context())
		must(t, err)
		list = append(list, fmt.Sprintf("%s: term %d under %s", n.Name(), s.Term, s.Leader))
	}
	return list
}

// resigned has a new request of the node's key signed until a day.
func resigned(t *testing.T, l *lab.Lab, n *lab.Node, names string, day time.Time) []byte {
	t.Helper()
	typed(t, n, "pki csr xmpp CN:"+lab.Domain+" subjectAltName:"+names)
	csr, err := n.Get(t.Context(), "xmpp.csr")
	must(t, err)
	cert, err := l.CA.SignAt(csr, time.Now().Add(-time.Hour), day)
	must(t, err)
	return cert
}

// trusted is what the trust file of the cluster holds: the certificate of each node.
func trusted(t *testing.T, l *lab.Lab) (bundle []byte) {
	t.Helper()
	for _, n := range l.Members() {
		leaf := clusterLeaf(t, l, n)
		bundle = append(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})...)
	}
	return bundle
}

// rejected waits until pki list has the file as rejected, and returns why.
func rejected(t *testing.T, n *lab.Node, file string) (why string) {
	t.Helper()
	must(t, lab.Wait(t.Context(), 15*time.Second, file+" to be rejected", func() error {
		list, err := n.Exec(t.Context(), "pki list")
		why = line(list, file+":")
		return wantf(err == nil && strings.Contains(list, " rejected ") && why != "", "pki list says %s, %v", list, err)
	}))
	return why
}

func clusterSerial(t *testing.T, l *lab.Lab, n *lab.Node) string {
	t.Helper()
	return fmt.Sprintf("%x", clusterLeaf(t, l, n).SerialNumber)
}

// clusterLeaf returns the certificate that the node shows to its peers. Its
// handshake ends there: we are none.
func clusterLeaf(t *testing.T, l *lab.Lab, n *lab.Node) *x509.Certificate {
	t.Helper()
	raw, err := l.Dial(t.Context(), "tcp", n.Addr()+":5224")
	must(t, err)
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"control/1"}})
	defer conn.Close()
	must(t, conn.HandshakeContext(t.Context()))
	return conn.ConnectionState().PeerCertificates[0]
}

// relink cuts the link of two nodes and waits until they have accepted each
// other anew.
func relink(t *testing.T, l *lab.Lab, a, b *lab.Node) {
	t.Helper()
	pair := []*lab.Node{a, b}
	before := journals(t, pair)
	must(t, l.ResetLinks(t.Context(), a, b))
	must(t, lab.Wait(t.Context(), 15*time.Second, "the link of "+a.Name()+" and "+b.Name(), func() error {
		for i, text := range journals(t, pair) {
			if !strings.Contains(text[len(before[i]):], "link is up") {
				return fmt.Errorf("%s logged since: %s", pair[i].Name(), text[len(before[i]):])
			}
		}
		return nil
	}))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
}

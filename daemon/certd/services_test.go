package certd

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// findings are the checks of one service in short: file, OK or code, days when
// it is a matter of time, text.
func (r *rig) findings(service string) []string {
	r.t.Helper()
	list, err := r.certs.Services(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, c := range list {
		if c.Service != service {
			continue
		}
		state, days := "ok", ""
		if !c.OK {
			state = c.Code
		}
		if c.When != "" {
			days = fmt.Sprintf(" %d", c.Days)
		}
		if !c.OK && c.Remedy == "" {
			r.t.Errorf("no remedy: %+v", c)
		}
		out = append(out, fmt.Sprintf("%s %s%s: %s", c.File, state, days, c.Text))
	}
	return out
}

func (r *rig) wantFindings(service string, want ...string) {
	r.t.Helper()
	if diff := cmp.Diff(want, r.findings(service)); diff != "" {
		r.t.Errorf("%s (-want +got):\n%s", service, diff)
	}
}

// lasting is valid from a year before for so many days more.
func lasting(days int) pkitest.Option {
	return pkitest.Valid(pkitest.Now.AddDate(-1, 0, 0), pkitest.Now.AddDate(0, 0, days))
}

func TestServicesWithNothingSet(t *testing.T) {
	r := newRig(t)
	r.wantFindings("xmpp", " ok: XMPP is off and has no certificate")
	r.wantFindings("cluster", " ok: no trust file is set: this node is in no cluster of several nodes")
	r.wantFindings("web", " ok: Web Admin makes itself a certificate: browsers ask whether to trust it")
	r.wantFindings("callbridge", " ok: this node runs no Call Bridge")
	r.config.set(t, map[string]any{"xmpp.enabled": true, "callbridge.name": "cb1", "callbridge.domain": "meet.example"})
	r.wantFindings("xmpp", " NotFound: clients and Call Bridges can not connect: no key and certificate are set")
	r.wantFindings("callbridge", " ok: the Call Bridge trusts xmpp.bundle, cluster.trust and the public CAs")
}

func TestServicesInOrder(t *testing.T) {
	r := newRig(t)
	sub := publicCA(t).Sub(t, "World Sub CA")
	leaf := sub.Leaf(t, "meet.example")
	r.upload("xmpp.key", leaf.KeyPEM(t))
	r.upload("xmpp.cer", leaf.PEM())
	r.upload("ca.cer", sub.PEM())
	r.find("xmpp.cer", "ready")
	r.members(accepts, silent)
	r.config.set(t, map[string]any{"xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "xmpp.bundle": "ca.cer", "cluster.trust": "xmpp.cer",
		"web.key": "xmpp.key", "web.certificate": "xmpp.cer", "web.bundle": "ca.cer",
		"callbridge.trust": "xmpp.cer", "callbridge.name": "cb1", "callbridge.domain": "meet.example"})
	chain := []string{
		"xmpp.cer ok: the chain leads to a public CA: clients accept it as it is",
		"xmpp.cer ok 365: the certificate of CN=meet.example in xmpp.cer is valid until 2027-11-20",
		"ca.cer ok 365: the intermediate certificate of CN=World Sub CA in ca.cer is valid until 2027-11-20",
	}
	pinned := "xmpp.cer ok 365: the certificate of CN=meet.example in xmpp.cer is valid until 2027-11-20, and nothing ends with it: its key is what counts"
	pair := "xmpp.cer ok: xmpp.key belongs to xmpp.cer, which names meet.example"
	r.wantFindings("xmpp", append([]string{pair}, chain...)...)
	r.wantFindings("web", append([]string{pair}, chain...)...)
	r.wantFindings("cluster", pinned, "xmpp.cer ok: cb2 would accept this node's certificate; cb3 did not answer")
	r.wantFindings("callbridge", pinned)
}

// Every certificate on the way tells what ends with it, for the clients and for
// the cluster, and a trusted CA that ends too.
func TestServicesTellWhatBreaks(t *testing.T) {
	r := newRig(t)
	root := pkitest.NewCA(t, "Lab Root", lasting(20))
	sub := root.Sub(t, "Lab Sub", lasting(-2))
	leaf := sub.Leaf(t, "else.example", lasting(50))
	for name, data := range map[string][]byte{"xmpp.key": leaf.KeyPEM(t), "xmpp.cer": leaf.PEM(), "ca.cer": pkitest.Bundle(sub, root), "trust.cer": root.PEM()} {
		r.upload(name, data)
	}
	r.find("xmpp.cer", "ready")
	third := bus.Step{Name: "cb3", Text: refuses.Text}
	r.members(refuses, third)
	r.config.set(t, map[string]any{"xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "xmpp.bundle": "ca.cer", "cluster.trust": "trust.cer",
		"callbridge.trust": "trust.cer", "callbridge.name": "cb1", "callbridge.domain": "meet.example"})
	r.wantFindings("xmpp",
		"xmpp.cer CertificateName: clients and Call Bridges can not connect: the certificate does not name meet.example: it names else.example only",
		"xmpp.cer ok: the chain leads to CN=Lab Root, which is no public CA: clients need it among their trusted roots",
		"xmpp.cer Expired 50: clients and Call Bridges will refuse to connect from 2027-01-09 on: the certificate of CN=else.example in xmpp.cer expires in 50 days",
		"ca.cer Expired -2: clients and Call Bridges can not connect: the intermediate certificate of CN=Lab Sub in ca.cer expired on 2026-11-18",
		"ca.cer Expired 20: clients and Call Bridges will refuse to connect from 2026-12-10 on: the root certificate of CN=Lab Root in ca.cer expires in 20 days",
	)
	r.wantFindings("cluster",
		"trust.cer Expired 20: nodes that it vouches for will be refused as peers from 2026-12-10 on: the CA certificate of CN=Lab Root in trust.cer expires in 20 days",
		"xmpp.cer Trust: this node is parted from its cluster: cb2 and cb3 would refuse it: its key is not in the trust file",
		"ca.cer Expired -2: cb2 and cb3 refuse this node as a peer: the intermediate certificate of CN=Lab Sub in ca.cer expired on 2026-11-18",
	)
	r.wantFindings("callbridge",
		"trust.cer Expired 20: the Call Bridge will refuse servers that it vouches for from 2026-12-10 on: the CA certificate of CN=Lab Root in trust.cer expires in 20 days",
		"trust.cer Trust: the Call Bridge refuses this node's XMPP service: trust.cer holds neither the certificate in xmpp.cer nor its CA",
	)
}

// Without an answer of the members all else is told.
func TestServicesWithoutAnAnswer(t *testing.T) {
	leaf := pkitest.SelfSigned(t, "meet.example")
	r := inUse(t, leaf, map[string]any{"cluster.trust": "xmpp.cer"})
	pinned := "xmpp.cer ok 365: the certificate of CN=meet.example in xmpp.cer is valid until 2027-11-20, and nothing ends with it: its key is what counts"
	r.wantFindings("cluster", pinned)
	r.members().say(fault.New(fault.Timeout, "no answer"))
	r.wantFindings("cluster", pinned, "xmpp.cer ok: it is not known now whether the other nodes accept this one: not all of them answer in time")
}

// What is wrong with the files themselves.
func TestServicesTellBadFiles(t *testing.T) {
	root := pkitest.NewCA(t, "Lab Root")
	leaf, other := root.Leaf(t, "meet.example"), pkitest.SelfSigned(t, "meet.example")
	weak := root.Sub(t, "Weak Sub", pkitest.Signature(x509.ECDSAWithSHA1))
	weakLeaf := weak.Leaf(t, "meet.example")
	early := root.Leaf(t, "meet.example", pkitest.Valid(pkitest.Now.AddDate(0, 0, 3), pkitest.Now.AddDate(1, 0, 0)))
	short := pkitest.SelfSigned(t, "meet.example", pkitest.Valid(pkitest.Now.AddDate(0, 0, -20), pkitest.Now.AddDate(0, 0, 30)))
	for name, c := range map[string]struct {
		files map[string][]byte
		want  string // one of the findings of xmpp
	}{
		"another key": {map[string][]byte{"xmpp.key": other.KeyPEM(t), "xmpp.cer": leaf.PEM()},
			"xmpp.cer KeyMismatch: clients and Call Bridges can not connect: the private key does not belong to the certificate of CN=meet.example"},
		"no key":         {map[string][]byte{"xmpp.cer": leaf.PEM()}, "xmpp.key NotFound: clients and Call Bridges can not connect: there is no file xmpp.key"},
		"no certificate": {map[string][]byte{"xmpp.key": leaf.KeyPEM(t)}, "xmpp.cer NotFound: clients and Call Bridges can not connect: there is no file xmpp.cer"},
		"weak signature": {map[string][]byte{"xmpp.key": weakLeaf.KeyPEM(t), "xmpp.cer": pkitest.Bundle(weakLeaf, weak, root)},
			"xmpp.cer WeakKey: clients and Call Bridges can not connect: the intermediate certificate of CN=Weak Sub is signed with SHA-1"},
		"issuer missing": {map[string][]byte{"xmpp.key": leaf.KeyPEM(t), "xmpp.cer": leaf.PEM()},
			"xmpp.cer Incomplete: who does not hold that issuer refuses the certificate: the chain ends at CN=meet.example, whose issuer CN=Lab Root is missing"},
		"self-signed": {map[string][]byte{"xmpp.key": other.KeyPEM(t), "xmpp.cer": other.PEM()},
			"xmpp.cer ok: the certificate of CN=meet.example is self-signed, not for production: who does not trust it in particular refuses it"},
		"not yet valid": {map[string][]byte{"xmpp.key": early.KeyPEM(t), "xmpp.cer": pkitest.Bundle(early, root)},
			"xmpp.cer NotYetValid 3: clients and Call Bridges can not connect: the certificate of CN=meet.example in xmpp.cer is not valid before 2026-11-23"},
		"a short life": {map[string][]byte{"xmpp.key": short.KeyPEM(t), "xmpp.cer": short.PEM()},
			"xmpp.cer ok 30: the certificate of CN=meet.example in xmpp.cer is valid until 2026-12-20"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			for file, data := range c.files {
				r.upload(file, data)
			}
			values := map[string]any{"xmpp.key": "xmpp.key", "xmpp.certificate": "xmpp.cer", "xmpp.domain": "meet.example"}
			if err := r.certs.Scan(r.ctx); err != nil {
				t.Fatal(err)
			}
			r.config.set(t, values)
			if got := strings.Join(r.findings("xmpp"), "\n"); !strings.Contains(got+"\n", c.want+"\n") {
				t.Errorf("want %s in\n%s", c.want, got)
			}
		})
	}
}

// The trust of a cluster may be a public CA by mistake, or no certificate at all.
func TestServicesTellBadTrust(t *testing.T) {
	r := newRig(t)
	r.upload("world.cer", publicCA(t).PEM())
	r.find("world.cer", "ready")
	r.config.set(t, map[string]any{"cluster.trust": "world.cer", "callbridge.trust": "none.cer"})
	if got := r.findings("cluster"); len(got) != 1 || !strings.HasPrefix(got[0], "world.cer Trust: no other node can be a peer: CN=World CA is a public CA") {
		t.Errorf("%q", got)
	}
	if got := r.findings("callbridge"); len(got) != 1 || got[0] != "none.cer NotFound: the Call Bridge can not connect: there is no file none.cer" {
		t.Errorf("%q", got)
	}
}

func TestTimeToRenew(t *testing.T) {
	const day = 24 * time.Hour
	for life, want := range map[time.Duration]time.Duration{397 * day: 60 * day, 90 * day: 30 * day, 6 * day: 2 * day} {
		c := &x509.Certificate{NotBefore: pkitest.Now, NotAfter: pkitest.Now.Add(life)}
		if got := timeToRenew(c); got != want {
			t.Errorf("a life of %v: %v, want %v", life, got, want)
		}
	}
}

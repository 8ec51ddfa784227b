package edge

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/pki/pkitest"
)

// TestExternal signs in by a certificate, on both ports (RFC 6120 §6.3.4,
// XEP-0178 §2), and ends the stream when the certificate does (§13.7.2.3). One
// that proves nothing here does not keep a client from its password.
func TestExternal(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	from, client := time.Now().Add(-time.Hour), pkitest.Usage(x509.ExtKeyUsageClientAuth)
	valid := func(d time.Duration) pkitest.Option { return pkitest.Valid(from, time.Now().Add(d)) }
	ca, other := pkitest.NewCA(t, "ca", valid(24*time.Hour)), pkitest.NewCA(t, "other", valid(24*time.Hour))
	juliet := pkitest.Addresses("juliet@meet.example")
	r.cfg.ClientCAs = x509.NewCertPool()
	r.cfg.ClientCAs.AddCert(ca.Cert)
	if err := r.edge.Apply(r.cfg); err != nil {
		t.Fatal(err)
	}
	for _, direct := range []bool{true, false} {
		p := r.dialAs(direct, ca.Leaf(t, "x", client, juliet, valid(time.Hour)))
		p.send(clientOpen)
		if got := p.until("</stream:features>"); strings.Count(got, "<mechanism>EXTERNAL</mechanism>") != 2 {
			t.Fatalf("EXTERNAL is not on offer: %s", got)
		}
		p.send("<auth xmlns='" + nsSASL + "' mechanism='EXTERNAL'>=</auth>")
		p.until("<success xmlns='" + nsSASL + "'></success>")
		p.bind("x")
		r.edge.sweep(time.Now())
		p.send("<message to='juliet@meet.example/x'/>")
		p.until("<message [^>]*/>")
		r.edge.sweep(time.Now().Add(2 * time.Hour))
		p.fails("reset")
	}
	for name, shown := range map[string]*pkitest.Issued{
		"none": nil, "of another CA": other.Leaf(t, "x", client, juliet, valid(time.Hour)),
		"of nobody here": ca.Leaf(t, "x", client, pkitest.Addresses("juliet@second.example", "ghost@meet.example"), valid(time.Hour)),
	} {
		p := r.dialAs(true, shown)
		p.send(clientOpen)
		if got := p.until("</stream:features>"); strings.Contains(got, "EXTERNAL") {
			t.Errorf("%s: EXTERNAL is on offer", name)
		}
		p.send("<auth xmlns='" + nsSASL + "' mechanism='EXTERNAL'>=</auth>")
		p.until("<invalid-mechanism/></failure>")
		if got := p.signInHere(login{user: "juliet", password: "pencil"}); !strings.Contains(got, "<success") {
			t.Errorf("%s: no sign-in by password: %s", name, got)
		}
	}
	p := r.dialAs(true, ca.Leaf(t, "x", client, juliet, valid(time.Hour)))
	if got := p.signIn(login{user: "romeo", password: "pencil"}); !strings.Contains(got, "<success") {
		t.Fatalf("by password: %s", got)
	}
	p.bind("x")
	r.edge.sweep(time.Now().Add(2 * time.Hour))
	p.send("<message to='romeo@meet.example/x'/>")
	p.until("<message [^>]*/>") // the certificate has no part in it
}

// dialAs connects with a client's certificate, to where TLS is up.
func (r *rig) dialAs(direct bool, shown *pkitest.Issued) *peer {
	r.t.Helper()
	c, err := net.Dial("tcp", r.address(direct))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	p := &peer{t: r.t, conn: c, tls: clientTLS.Clone()}
	if shown != nil {
		p.tls.Certificates = []tls.Certificate{{Certificate: [][]byte{shown.Cert.Raw}, PrivateKey: shown.Key}}
	}
	if direct {
		p.secure()
	} else {
		p.startTLS()
	}
	return p
}

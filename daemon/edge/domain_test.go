package edge

import (
	"crypto/tls"
	"strings"
	"sync/atomic"
	"testing"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
)

// two is a directory of two domains, the second of which may be gone.
type two struct {
	shrinking
}

const second = "second.example"

func (d two) Serves(domain string) bool {
	return d.directory.Serves(domain) || domain == second && d.has(second)
}

func (d two) Credentials(account jid.JID) (sasl.Credentials, bool) {
	if account.Domain() == second && account.Local() == "romeo" {
		return sasl.Credentials{}, false // he has an account in the first domain only
	}
	return d.directory.Credentials(account)
}

// TestDomains serves two domains: each with its certificate, by SNI and, where the
// client sends none, by the header before STARTTLS; each with its accounts. The
// streams of one that is served no longer end with <host-gone/> (RFC 6120
// §4.9.3.5).
func TestDomains(t *testing.T) {
	t.Parallel()
	dir := two{shrinking{meet(), &atomic.Pointer[string]{}}}
	r := newRigOf(t, Limits{}, dir)
	other := selfSigned(t)
	r.cfg.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName == second {
			return other, nil
		}
		return r.cert.Load(), nil
	}
	if err := r.edge.Apply(r.cfg); err != nil {
		t.Fatal(err)
	}
	open := strings.Replace(clientOpen, "meet.example", second, 1)
	shows := func(p *peer, want *tls.Certificate) {
		t.Helper()
		if got := p.conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw; string(got) != string(want.Certificate[0]) {
			t.Error("another certificate is shown")
		}
	}
	for _, c := range []struct {
		header, sni string
		want        *tls.Certificate
	}{{clientOpen, "", r.cert.Load()}, {open, "", other}, {open, second, other}, {open, "meet.example", other}} {
		p := r.dial(false)
		p.tls = &tls.Config{InsecureSkipVerify: true, ServerName: c.sni}
		p.send(c.header)
		p.until("</stream:features>")
		p.send("<starttls xmlns='" + nsTLS + "'/>")
		p.until("<proceed [^>]*/>")
		p.secure()
		shows(p, c.want)
	}

	p := r.dial(false)
	p.tls = clientTLS.Clone()
	p.tls.ServerName = second
	p.send(open)
	p.until("from='second.example'[^>]*>.*</stream:features>")
	p.send("<starttls xmlns='" + nsTLS + "'/>")
	p.until("<proceed [^>]*/>")
	p.secure()
	p.send(open)
	p.until("</stream:features>")
	if got := p.signInHere(login{user: "romeo", password: "pencil"}); !strings.Contains(got, "<not-authorized/>") {
		t.Errorf("an account of the other domain: %s", got)
	}
	if got := p.signInHere(login{user: "juliet", password: "pencil", binding: sasl.EndPoint}); !strings.Contains(got, "<success") {
		t.Fatalf("not signed in: %s", got)
	}
	p.send(clientOpen) // not the domain signed in to
	p.fails("host-unknown")

	kept, gone := r.client("juliet", "x"), r.dial(true)
	gone.send(open)
	gone.until("</stream:features>")
	gone.signInHere(login{user: "juliet", password: "pencil"})
	gone.send(open)
	gone.until("</stream:features>")
	gone.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
	gone.until("<jid>juliet@second.example/x</jid></bind></iq>")
	name := second
	dir.gone.Store(&name)
	r.edge.Revoke()
	gone.fails("host-gone")
	kept.send("<message to='juliet@meet.example/x'/>")
	kept.until("<message [^>]*/>")
}

package web

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/settings"
)

// presents returns the certificate that the port shows.
func (r *rig) presents() *x509.Certificate {
	r.t.Helper()
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		r.t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func TestPlainHTTPIsToldOfHTTPS(t *testing.T) {
	r := newRig(t)
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	got := exchange(t, c, "GET / HTTP/1.1\r\nHost: cb1\r\n\r\n")
	if !strings.Contains(got, " 400 ") || !strings.Contains(got, "HTTPS") {
		t.Errorf("answered %q", got)
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	r := newRig(t)
	c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	if err == nil {
		c.Close()
		t.Error("TLS 1.1 was taken")
	}
}

func TestHTTP2(t *testing.T) {
	r := newRig(t)
	resp, err := r.browser().http.Get("https://" + r.addr + "/signin")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.ProtoMajor != 2 {
		t.Errorf("spoke %s", resp.Proto)
	}
}

func TestSelfMadeCertificateIsShownAndKept(t *testing.T) {
	r := newRig(t)
	first := r.presents()
	if first.Subject.CommonName != "cb1" || first.VerifyHostname("cb1") != nil || first.VerifyHostname("127.0.0.1") != nil {
		t.Errorf("it names %v %v", first.DNSNames, first.IPAddresses)
	}
	mark := pki.Fingerprint(first.Raw)
	want(t, r.browser().get("/signin"), http.StatusOK, mark)
	if !strings.Contains(r.log.String(), mark) {
		t.Error("the journal does not have the fingerprint")
	}
	if info, err := os.Stat(filepath.Join(r.state, "self.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kept as %v, %v", info, err)
	}
	now := time.Now()
	for _, c := range []struct {
		host string
		at   time.Time
		same bool
	}{{"cb1", now, true}, {"cb1", now.AddDate(1, 0, 0), true}, {"cb2", now, false}, {"cb2", now, true}, {"cb2", now.AddDate(2, 0, -20), false}} {
		i := newIdentity(r.state, r.server.log)
		before, err := os.ReadFile(filepath.Join(r.state, "self.pem"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := i.selfMade(c.host, c.at); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(filepath.Join(r.state, "self.pem"))
		if err != nil || (string(before) == string(after)) != c.same {
			t.Errorf("%s at %v: the same is %v, want %v (%v)", c.host, c.at, !c.same, c.same, err)
		}
	}
}

// setPair gives the store a pair and announces it.
func (r *rig) setPair(name string) *pkitest.Issued {
	r.t.Helper()
	made := pkitest.SelfSigned(r.t, name, pkitest.Valid(time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)))
	r.certs.mu.Lock()
	r.certs.pair, r.certs.key = made, made.KeyPEM(r.t)
	r.certs.mu.Unlock()
	if err := r.certsObject.Changed([]string{"web.cer"}); err != nil {
		r.t.Fatal(err)
	}
	return made
}

func (r *rig) set(values map[string]any) {
	r.t.Helper()
	if _, err := r.config.Set(r.t.Context(), values); err != nil {
		r.t.Fatal(err)
	}
}

func TestCertificateIsSwappedLive(t *testing.T) {
	r := newRig(t)
	own := pki.Fingerprint(r.presents().Raw)
	open, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	r.set(map[string]any{"web.key": "web.key", "web.certificate": "web.cer"})
	r.until("the journal says what is wrong", func() bool { return strings.Contains(r.log.String(), "there is no web.cer") })
	if got := pki.Fingerprint(r.presents().Raw); got != own {
		t.Error("without the file another certificate is presented")
	}
	for _, name := range []string{"first.example", "second.example"} {
		r.setPair(name)
		r.until(name+" is presented", func() bool { return r.presents().Subject.CommonName == name })
	}
	if strings.Contains(r.browser().get("/signin").body, own) {
		t.Error("the self-made fingerprint is shown though another certificate is in use")
	}
	if got := exchange(t, open, "GET /signin HTTP/1.1\r\nHost: cb1\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("the connection of before: %.40q", got)
	}
}

// A certificate in use outlives a certificate service that does not answer.
func TestCertificateStaysWithoutItsService(t *testing.T) {
	r := newRig(t)
	r.setPair("first.example")
	r.set(map[string]any{"web.key": "web.key", "web.certificate": "web.cer"})
	r.until("it is presented", func() bool { return r.presents().Subject.CommonName == "first.example" })
	r.certs.mu.Lock()
	r.certs.pair = nil
	r.certs.mu.Unlock()
	if err := r.certsObject.Changed(nil); err != nil {
		t.Fatal(err)
	}
	r.until("the journal says it", func() bool { return strings.Contains(r.log.String(), "there is no web.cer") })
	if got := r.presents().Subject.CommonName; got != "first.example" {
		t.Errorf("%s is presented", got)
	}
}

func (r *rig) answers(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// portOf is the port of an address as a setting.
func portOf(addr string) int64 { return int64(netip.MustParseAddrPort(addr).Port()) }

func TestPortFollowsTheSettings(t *testing.T) {
	r := newRig(t)
	b, moved := r.signedIn("admin"), freeAddr(t)
	r.set(map[string]any{"web.port": portOf(moved)})
	r.until("the new port is open", func() bool { return r.answers(moved) })
	r.until("the old port is closed", func() bool { return !r.answers(r.addr) })
	r.set(map[string]any{"web.enabled": false})
	r.until("Web Admin is off", func() bool { return !r.answers(moved) })
	r.until("every sign-in has ended", func() bool { return r.server.sessions.find(b.cookie(), time.Now(), time.Hour) == nil })
	r.set(map[string]any{"web.enabled": true})
	r.until("Web Admin is on", func() bool { return r.answers(moved) })
}

// A port that is taken is told once and opened when it is free.
func TestPortInUse(t *testing.T) {
	r := newRig(t)
	taken, err := net.Listen("tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	r.set(map[string]any{"web.port": portOf(taken.Addr().String())})
	r.until("it is told", func() bool { return strings.Contains(r.log.String(), "can not listen") })
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	r.until("the port is open", func() bool { return r.server.doors.summary() == "serving "+taken.Addr().String() })
	if n := strings.Count(r.log.String(), "can not listen"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestWanted(t *testing.T) {
	s := &Server{doors: newDoors(newRig(t).server.log)}
	for _, c := range []struct {
		web  settings.Web
		want string
	}{
		{settings.Web{Port: 445}, ""},
		{settings.Web{Enabled: true, Port: 445}, ":445"},
		{settings.Web{Enabled: true, Port: 445, Listen: []string{"127.0.0.1", "127.0.0.2"}}, "127.0.0.1:445 127.0.0.2:445"},
		{settings.Web{Enabled: true, Port: 445, Listen: []string{"192.0.2.1"}}, ""},
	} {
		got := strings.Join(s.wanted(&facts{settings: settings.Values{Web: c.web}, known: true}), " ")
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.web, got, c.want)
		}
	}
}

func TestTooManyConnections(t *testing.T) {
	c := newCrowd()
	at := placeOf("[2001:db8::1]:1")
	if at != placeOf("[2001:db8::ffff:2]:9") || at == placeOf("[2001:db8:0:1::1]:1") || placeOf("[::ffff:10.0.0.1]:1") != placeOf("10.0.0.1:2") {
		t.Error("a /64 is one place, and a mapped address the IPv4 one")
	}
	for i := range maxConnsOfPlace + 1 {
		if ok := c.enter(at); ok != (i < maxConnsOfPlace) {
			t.Fatalf("connection %d: %v", i, ok)
		}
	}
	if !c.enter(placeOf("10.0.0.1:1")) {
		t.Error("another place pays for it")
	}
	c.leave(at)
	if !c.enter(at) {
		t.Error("what left still counts")
	}
}

func TestTooManyConnectionsOverTheWire(t *testing.T) {
	r := newRig(t)
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConnsOfPlace {
		c, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	r.until("all are counted", func() bool {
		r.server.doors.crowd.mu.Lock()
		defer r.server.doors.crowd.mu.Unlock()
		return r.server.doors.crowd.all == maxConnsOfPlace
	})
	if c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true}); err == nil {
		c.Close()
		t.Error("one more was let in")
	}
	open[0].Close()
	r.until("there is room again", func() bool {
		c, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

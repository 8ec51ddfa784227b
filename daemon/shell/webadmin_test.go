package shell

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/pki/pkitest"
)

// webPort is a port that presents a certificate, as Web Admin's does.
func webPort(t *testing.T) (host string, port int, fingerprint string) {
	t.Helper()
	made := pkitest.SelfSigned(t, "cb1", pkitest.Valid(time.Now().Add(-time.Hour), time.Now().Add(time.Hour)))
	pair, err := tls.X509KeyPair(made.PEM(), made.KeyPEM(t))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			c.Close()
		}
	}()
	sum := sha256.Sum256(pair.Certificate[0])
	at := l.Addr().(*net.TCPAddr)
	return at.IP.String(), at.Port, strings.ToUpper(hex.EncodeToString(sum[:]))
}

func TestWebAdminStatus(t *testing.T) {
	n := startNode(t)
	host, port, fingerprint := webPort(t)
	n.set(func() {
		n.values["web.enabled"], n.values["web.listen"], n.values["web.port"] = true, []string{host}, int64(port)
	})
	out, code := run1(t, "webadmin", "")
	for _, want := range []string{"Enabled                 : true\n", "TLS listening interface : 127.0.0.1\n", "TLS listening port      : ",
		"Key file                : none\n", "Certificate file        : none (made by Web Admin itself)\n", "STATUS                  : webadmin running\n"} {
		if !strings.Contains(out, want) || code != 0 {
			t.Errorf("exit status %d, %q is missing in\n%s", code, want, out)
		}
	}
	if !strings.Contains(strings.ReplaceAll(out, ":", ""), fingerprint) {
		t.Errorf("the fingerprint %s is missing in\n%s", fingerprint, out)
	}
	// What the port presents is not what is set.
	n.set(func() { n.values["web.key"], n.values["web.certificate"] = "web.key", "web.cer" })
	if out, _ := run1(t, "webadmin status", ""); !strings.Contains(out, "Fault                   : ") {
		t.Errorf("another certificate is not told of:\n%s", out)
	}
	n.set(func() { n.values["web.enabled"] = false })
	if out, _ := run1(t, "webadmin", ""); !strings.Contains(out, "STATUS                  : webadmin not running\n") || strings.Contains(out, "Fault") {
		t.Errorf("disabled:\n%s", out)
	}
}

func TestWebAdminDoesNotAnswer(t *testing.T) {
	n := startNode(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	n.set(func() {
		n.values["web.listen"], n.values["web.port"] = []string{"127.0.0.1"}, int64(l.Addr().(*net.TCPAddr).Port)
	})
	out, code := run1(t, "webadmin", "")
	if !strings.Contains(out, "does not answer") || !strings.Contains(out, "STATUS                  : webadmin enabled, not running\n") || code != 0 {
		t.Errorf("exit status %d\n%s", code, out)
	}
}

func TestWebAdminChanges(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.values["web.enabled"] = false }) // nothing to wait for
	for _, tc := range []struct {
		line, want string
		code       int
		changes    []string
	}{
		{"webadmin listen a", "SUCCESS: Web Admin listens on a\n", 0, []string{"set web.listen=[a]"}},
		{"webadmin listen A b 8443", "SUCCESS: Web Admin listens on a b port 8443\n", 0, []string{"set web.listen=[a b]", "set web.port=8443"}},
		{"webadmin listen 445", "SUCCESS: Web Admin listens on port 445\n", 0, []string{"set web.port=445"}},
		{"webadmin listen all", "SUCCESS: Web Admin listens on all interfaces\n", 0, []string{"set web.listen=[]"}},
		{"webadmin listen a 99999", "FAILURE: \"99999\" is not a port\nREMEDY: give a number from 1 to 65535\n", 1, nil},
		{"webadmin certs web.key web.cer", "SUCCESS: Key and certificate pair match\nSUCCESS: Web Admin certificate set\n", 0,
			[]string{`check web.key web.cer "" ""`, "set web.bundle=", "set web.certificate=web.cer", "set web.key=web.key"}},
		{"webadmin certs none", "SUCCESS: Web Admin uses a certificate of its own making\n", 0, []string{"set web.bundle=", "set web.certificate=", "set web.key="}},
		{"webadmin disable", "SUCCESS: Web Admin disabled\n", 0, []string{"set web.enabled=false"}},
	} {
		out, code := run1(t, tc.line, "")
		if out != tc.want || code != tc.code {
			t.Errorf("%s: exit status %d, printed %q", tc.line, code, out)
		}
		if diff := cmp.Diff(tc.changes, n.changes()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.line, diff)
		}
	}
}

package vm

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// slow are the limits of emulated machines that share the builder's processors;
// the local tests hold the product's own.
var slow = labtest.Limits{Connect: 30 * time.Second, FailOver: 10 * time.Second, Return: 2 * time.Minute}

// typeBridge configures the Call Bridge of a node over SSH.
func typeBridge(t *testing.T, n *lab.Node) {
	t.Helper()
	secrets, err := n.Secrets(t.Context())
	must(t, err)
	secret := secrets[n.Name()]
	for _, line := range [][]string{
		{"callbridge name " + n.Name()}, {"callbridge domain " + lab.Domain}, {"callbridge secret", secret, secret},
	} {
		_, err := n.Exec(t.Context(), line[0], line[1:]...)
		must(t, err)
	}
	must(t, lab.Wait(t.Context(), slow.Connect, "the Call Bridge of "+n.Name(), func() error { return n.Linked(t.Context()) }))
}

// signIns checks that a wrong password is refused, and that the journal tells
// of it and of the sign-in that the browser made.
func signIns(t *testing.T, n *lab.Node) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return n.Lab().Dial(ctx, network, net.JoinHostPort(n.Addr(), "445"))
		},
		TLSClientConfig: &tls.Config{RootCAs: n.Lab().CA.Pool()},
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: slow.Connect}
	answer, err := client.PostForm(n.WebURL()+"/signin", url.Values{"user": {"admin"}, "password": {"correct horse 2"}})
	must(t, err)
	must(t, answer.Body.Close())
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong password is answered with %s", answer.Status)
	}
	out := root(t, n, "journalctl --boot --no-pager --output=cat --identifier=signin")
	for _, want := range []string{"admin signed in from 10.77.0.1 as administrator", "admin did not sign in from 10.77.0.1"} {
		if !strings.Contains(out, want) {
			t.Errorf("the journal has no %q:\n%s", want, out)
		}
	}
}

// nothingFailed checks that no unit failed, that our own log no errors, and that
// neither the bus nor a sandbox denied them anything.
func nothingFailed(t *testing.T, l *lab.Lab) {
	t.Helper()
	for _, n := range l.Members() {
		for what, command := range map[string]string{
			"failed units":         "systemctl --failed --no-legend --plain",
			"errors of ours":       "journalctl --boot --no-pager --quiet --priority=err --unit='quorate-[!x]*'", // xmppd tells of members that are slow
			"denied by the bus":    "journalctl --boot --no-pager --quiet --unit=dbus-broker --grep='denied'",
			"denied by a sandbox":  "journalctl --boot --no-pager --quiet --unit='quorate*' --grep='operation not permitted|seccomp'",
			"denied by the kernel": "journalctl --boot --no-pager --quiet --dmesg --grep='seccomp|apparmor=\"DENIED\"|segfault'",
		} {
			if got := root(t, n, command+" || true"); got != "" { // journalctl --grep fails when it finds nothing
				t.Errorf("%s, %s:\n%s", n.Name(), what, got)
			}
		}
	}
}

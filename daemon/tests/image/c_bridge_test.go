package image

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

// Limits of emulated machines that share the builder's processors; the local
// tests hold the product's own.
const (
	slowLink     = time.Minute
	slowFailOver = 20 * time.Second
)

// typeBridge configures the Call Bridge of a node over SSH.
func typeBridge(t *testing.T, n *lab.Node) {
	t.Helper()
	secret := secretOf(t, n)
	for _, line := range [][]string{
		{"callbridge name " + n.Name()}, {"callbridge domain " + lab.Domain}, {"callbridge secret", secret, secret},
	} {
		_, err := n.Exec(t.Context(), line[0], line[1:]...)
		must(t, err)
	}
	linked(t, n)
}

// enterBridge configures the Call Bridge of a node in Web Admin, whose Status
// page tells of the link.
func enterBridge(t *testing.T, n *lab.Node) {
	t.Helper()
	site, secret := labtest.Web(t, n, "admin"), secretOf(t, n)
	said := labtest.Plain(site.Post("/configuration/general", url.Values{
		"action": {"save"}, "name": {n.Name()}, "domain": {lab.Domain}, "secret": {secret}, "confirm": {secret},
	}))
	if !strings.Contains(said, "Done:") || strings.Contains(said, secret) {
		t.Errorf("the saved form is answered with: %s", said)
	}
	linked(t, n)
	s, err := n.Link(t.Context())
	must(t, err)
	if said := labtest.Section(site.Get("/status"), "bridge"); !strings.Contains(said, s.Text) {
		t.Errorf("the Status page says %q of the link, the prompt %q", said, s.Text)
	}
}

func secretOf(t *testing.T, n *lab.Node) string {
	t.Helper()
	secrets, err := n.Secrets(t.Context())
	must(t, err)
	return secrets[n.Name()]
}

// linked waits until the Call Bridges of the nodes are connected.
func linked(t *testing.T, nodes ...*lab.Node) {
	t.Helper()
	for _, n := range nodes {
		must(t, lab.Wait(t.Context(), slowLink, "the Call Bridge of "+n.Name(), func() error { return n.Linked(t.Context()) }))
	}
}

// signIns checks that a wrong password is refused, and that the journal tells
// of it and of the right one before it.
func signIns(t *testing.T, n *lab.Node) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return n.Lab().Dial(ctx, network, net.JoinHostPort(n.Addr(), "445"))
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // labtest.Web has compared it
	}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: slowLink}
	answer, err := client.PostForm(n.WebURL()+"/signin", url.Values{"user": {"admin"}, "password": {"correct horse 2"}})
	must(t, err)
	must(t, answer.Body.Close())
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("a wrong password is answered with %s", answer.Status)
	}
	out := rooted(t, n, "journalctl --boot --no-pager --output=cat --identifier=signin")
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
			if got := rooted(t, n, command+" || true"); got != "" { // journalctl --grep fails when it finds nothing
				t.Errorf("%s, %s:\n%s", n.Name(), what, got)
			}
		}
	}
}

// loseServer cuts the power of the leader's machine while the Call Bridge of
// another is connected there, and returns where that one is connected then and
// how long it took, to the half second that asking takes.
func loseServer(t *testing.T, l *lab.Lab) (dead *lab.Node, to string, took time.Duration) {
	t.Helper()
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	mover := others[0]
	for mover.Linked(t.Context(), leader) != nil { // the SRV records are alike: one in three
		_, err := mover.Exec(t.Context(), "callbridge restart")
		must(t, err)
		linked(t, mover)
	}
	began := time.Now()
	must(t, leader.Kill(t.Context()))
	must(t, lab.Wait(t.Context(), slowLink, "another link", func() error { return mover.Linked(t.Context(), others...) }))
	if took = time.Since(began); took > slowFailOver {
		t.Errorf("the Call Bridge was on its way for %v, want %v at most", took, slowFailOver)
	}
	s, err := mover.Link(t.Context())
	must(t, err)
	to, _, _ = strings.Cut(s.Server, ".")
	return leader, to, took
}

package local

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
	"quorate.org/daemon/pki/pkitest"
)

// Clients that others have written, which know nothing of us, with certificates
// verified. slixmpp is in slixmpp_test.go.

// xmpp.js signs in by SASL2 and binds by Bind 2 in one go (XEP-0388, XEP-0386),
// through two followers, one of them by direct TLS.
func TestM5_1_XMPPjs(t *testing.T) {
	const count = 50
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "alice")
	labtest.Account(t, l, "bob")
	in, err := json.Marshal(map[string]any{
		"domain": lab.Domain, "password": labtest.Password, "count": count,
		"a": "alice", "a_host": others[0].Name() + "." + lab.Domain, "b": "bob", "b_host": others[1].Name() + "." + lab.Domain,
	})
	must(t, err)
	out, err := l.Run(t.Context(), in, node(t, l, "two.mjs")...)
	must(t, err)
	type side struct {
		JID          string
		Bodies, Sent []string
	}
	var got struct {
		A, B     side
		Failures []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	must(t, wantf(len(got.Failures) == 0, "xmpp.js says %q", got.Failures))
	var want []string
	for i := range count {
		want = append(want, fmt.Sprint(i))
	}
	for who, s := range map[string]side{"alice": got.A, "bob": got.B} {
		must(t, wantf(slices.Equal(s.Bodies, want), "%s received %q", who, s.Bodies))
		must(t, wantf(strings.HasPrefix(s.JID, who+"@"+lab.Domain+"/xmppjs/"), "%s is bound as %q", who, s.JID))
		must(t, wantf(slices.Contains(s.Sent, "authenticate") && !slices.Contains(s.Sent, "auth"), "%s sent %q: no sign-in by SASL2", who, s.Sent))
	}
	t.Logf("M5.1 xmpp.js: signed in by SASL2 and Bind 2 as %s and %s, %d messages each way in order", got.A.JID, got.B.JID, count)
}

// node is the command that runs a script of xmpp.js.
func node(t *testing.T, l *lab.Lab, name string) []string {
	t.Helper()
	script := filepath.Join(labtest.Root(), ".build/xmppjs", name) // modules are looked for from where it lies
	source, err := os.ReadFile("xmppjs/" + name)
	must(t, err)
	must(t, os.WriteFile(script, source, 0o644))
	return []string{"env", "NODE_EXTRA_CA_CERTS=" + filepath.Join(l.Dir(), "ca.cer"), "node", script}
}

// xmpp.js's node is killed; it resumes its session at another, inline in SASL2, where
// what was written meanwhile comes once and in order.
func TestM5_1_XMPPjsResumes(t *testing.T) {
	const count = 20
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	labtest.Account(t, l, "heidi")
	bob := labtest.Client(t, l, "bob", leader)
	folder := t.TempDir()
	in, err := json.Marshal(map[string]any{"domain": lab.Domain, "user": "heidi", "password": labtest.Password, "count": count, "folder": folder,
		"host": others[0].Name() + "." + lab.Domain, "other": others[1].Name() + "." + lab.Domain})
	must(t, err)
	written := make(chan error, 1)
	go func() {
		err := killWhen(t.Context(), others[0], folder)
		var who []byte
		if err == nil {
			who, err = os.ReadFile(filepath.Join(folder, "ready"))
		}
		for i := 0; i < count && err == nil; i++ {
			err = bob.Send(fmt.Appendf(nil, "<message type='chat' to='%s'><body>%d</body></message>", who, i))
		}
		written <- err
	}()
	out, err := l.Run(t.Context(), in, node(t, l, "resume.mjs")...)
	must(t, err)
	must(t, <-written)
	revive(t, l, others[0])
	var got struct {
		JID, Resumed, Failure string
		Bodies, Failures      []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	must(t, wantf(got.Failure == "" && got.JID != "" && got.Resumed == got.JID, "it says %s", out))
	for i, body := range got.Bodies {
		must(t, wantf(body == fmt.Sprint(i), "message %d is %q", i, body))
	}
	must(t, wantf(len(got.Bodies) == count, "received %q", got.Bodies))
	t.Logf("M5.1 xmpp.js: resumed as %s at another node behind a kill, %d messages in between, each once", got.Resumed, count)
}

// echo answers each chat message that p gets with its body.
func echo(p *flow.Peer) { p.Handle(echoing(p)) }

func echoing(p *flow.Peer) func(elem []byte) {
	from, body := regexp.MustCompile(`^<message[^>]* from='([^']*)'`), regexp.MustCompile(`<body>[^<]*</body>`)
	return func(elem []byte) {
		if m, b := from.FindSubmatch(elem), body.Find(elem); m != nil && b != nil {
			_ = p.Send(fmt.Appendf(nil, "<message type='chat' to='%s'>%s</message>", m[1], b)) // what is missing is missed
		}
	}
}

// compiled builds a client of libstrophe.
func compiled(t *testing.T, name string) string {
	t.Helper()
	to := filepath.Join(labtest.Root(), ".build/strophe-"+name)
	out, err := exec.CommandContext(t.Context(), "gcc", "-O1", "-Wall", "-Werror", "-o", to, "strophe/"+name+".c", "-lstrophe").CombinedOutput()
	must(t, wantf(err == nil, "compiling: %v: %s", err, out))
	return to
}

// strophe signs alice in by libstrophe at a node, lets her write to bob at another,
// and returns the address she was bound as and the mechanism.
func strophe(t *testing.T, l *lab.Lab, at, other *lab.Node, password string, more ...string) (bound, mechanism string) {
	t.Helper()
	const count = 50
	bob := labtest.Client(t, l, "bob", other)
	echo(bob)
	argv := append([]string{compiled(t, "client"), "alice@" + lab.Domain, password, at.Name() + "." + lab.Domain,
		filepath.Join(l.Dir(), "ca.cer"), bob.JID, fmt.Sprint(count)}, more...)
	out, err := l.Run(t.Context(), nil, argv...)
	must(t, wantf(err == nil, "%v: %s", err, out))
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	must(t, wantf(len(lines) == count+2, "printed %q", lines))
	mechanism, _ = strings.CutPrefix(lines[0], "mechanism ")
	bound, _ = strings.CutPrefix(lines[1], "bound ")
	for i, line := range lines[2:] {
		must(t, wantf(line == fmt.Sprint(i), "message %d is %q", i, line))
	}
	return bound, mechanism
}

// libstrophe shows a certificate with the account's address, and needs no password
// (XEP-0178); one that a stranger's CA signed proves nothing.
func TestM5_1_ClientCertificate(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "alice")
	at := others[0]
	valid := pkitest.Valid(time.Now().Add(-time.Hour), time.Now().AddDate(0, 1, 0))
	ca := pkitest.NewCA(t, "users", valid)
	must(t, at.Put(t.Context(), "users-ca.cer", ca.PEM()))
	listed(t, at, "users-ca.cer", "ready")
	typed(t, at, "config set xmpp.client_trust users-ca.cer")
	t.Cleanup(func() {
		if _, err := at.Exec(context.Background(), "config unset xmpp.client_trust"); err != nil {
			t.Error(err)
		}
	})
	files := func(ca *pkitest.Issued) []string {
		leaf := ca.Leaf(t, "alice", valid, pkitest.Usage(x509.ExtKeyUsageClientAuth), pkitest.Addresses("alice@"+lab.Domain))
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "cert"), leaf.PEM(), 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "key"), leaf.KeyPEM(t), 0o600))
		return []string{filepath.Join(dir, "cert"), filepath.Join(dir, "key")}
	}
	bound, mechanism := strophe(t, l, at, others[1], "", files(ca)...)
	must(t, wantf(mechanism == "EXTERNAL" && strings.HasPrefix(bound, "alice@"+lab.Domain+"/"), "bound as %q by %q", bound, mechanism))
	_, mechanism = strophe(t, l, at, others[1], labtest.Password, files(pkitest.NewCA(t, "stranger", valid))...)
	must(t, wantf(strings.HasPrefix(mechanism, "SCRAM-"), "a stranger's certificate signs in by %q", mechanism))
	t.Log("M5.1 client certificate: libstrophe signed in by EXTERNAL without a password, and by password where its certificate proved nothing")
}

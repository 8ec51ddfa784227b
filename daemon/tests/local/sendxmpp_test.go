package local

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// libstrophe signs in by SCRAM through a follower and, when the leader is killed,
// through the other.
func TestM5_1_Libstrophe(t *testing.T) {
	l := labtest.Cluster(t)
	labtest.Account(t, l, "alice")
	leader, others := leaderOf(t, l)
	for _, at := range others {
		bound, mechanism := strophe(t, l, at, others[0], labtest.Password)
		must(t, wantf(strings.HasPrefix(mechanism, "SCRAM-SHA-256") && strings.HasPrefix(bound, "alice@"+lab.Domain+"/"), "bound as %q by %q", bound, mechanism))
		t.Logf("M5.1 libstrophe: signed in by %s on a follower, 50 messages there and back in order", mechanism)
		if at == others[0] {
			kill(t, leader) // the next sign-in waits for a new leader
		}
	}
	revive(t, l, leader)
	t.Log("M5.1 libstrophe: the second time behind a leader that was killed")
}

// libstrophe's node is killed; it resumes its stream at another, where what was
// written meanwhile comes once and in order.
func TestM5_1_LibstropheResumes(t *testing.T) {
	const count = 20
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	labtest.Account(t, l, "grace")
	bob := labtest.Client(t, l, "bob", leader)
	folder, who := t.TempDir(), "grace@"+lab.Domain+"/strophe"
	written := make(chan error, 1)
	go func() {
		err := killWhen(t.Context(), others[0], folder)
		for i := 0; i < count && err == nil; i++ {
			err = bob.Send(fmt.Appendf(nil, "<message type='chat' to='%s'><body>%d</body></message>", who, i))
		}
		written <- err
	}()
	out, err := l.Run(t.Context(), nil, compiled(t, "resume"), who, labtest.Password, others[0].Name()+"."+lab.Domain, leader.Name()+"."+lab.Domain,
		filepath.Join(l.Dir(), "ca.cer"), folder, fmt.Sprint(count))
	must(t, wantf(err == nil, "%v: %s", err, out))
	must(t, <-written)
	revive(t, l, others[0])
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	must(t, wantf(len(lines) == count+1 && slices.Contains(lines, "resumed "+who), "printed %q", lines))
	for i, line := range slices.DeleteFunc(lines, func(s string) bool { return strings.HasPrefix(s, "resumed") }) {
		must(t, wantf(line == fmt.Sprint(i), "message %d is %q", i, line))
	}
	t.Logf("M5.1 libstrophe: resumed at another node behind a kill, %d messages in between, each once", count)
}

// go-sendxmpp writes to a client on another node, by STARTTLS and by direct TLS,
// each time with a sign-in that is bound to the TLS channel. It is Debian 13's;
// that of Debian 12 knows no SCRAM.
func TestM5_1_GoSendxmpp(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	labtest.Account(t, l, "alice")
	bob := labtest.Client(t, l, "bob", others[1])
	got := make(chan string, 4)
	bob.Handle(func(elem []byte) {
		if _, rest, ok := strings.Cut(string(elem), "<body>"); ok {
			body, _, _ := strings.Cut(rest, "</body>")
			got <- body
		}
	})
	program := filepath.Join(labtest.Root(), ".build/go-sendxmpp/usr/bin/go-sendxmpp")
	for port, more := range map[string][]string{"5222": nil, "5223": {"-t"}} {
		argv := append([]string{"env", "HOME=" + t.TempDir(), "SSL_CERT_FILE=" + filepath.Join(l.Dir(), "ca.cer"), program,
			"--scram-mech-pinning=SCRAM-SHA-256-PLUS", "-u", "alice@" + lab.Domain, "-p", labtest.Password,
			"-j", others[0].Name() + "." + lab.Domain + ":" + port}, append(more, bob.JID)...)
		_, err := l.Run(t.Context(), []byte("hello by "+port), argv...)
		must(t, err)
		select {
		case body := <-got:
			must(t, wantf(strings.TrimSpace(body) == "hello by "+port, "bob received %q", body))
		case <-time.After(patience):
			t.Fatalf("nothing came by port %s", port)
		}
	}
	t.Log("M5.1 go-sendxmpp: signed in by SCRAM-SHA-256-PLUS, by STARTTLS and by direct TLS, and wrote from a follower to the other")
}

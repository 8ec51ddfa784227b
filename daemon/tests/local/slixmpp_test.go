package local

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

func TestM2_2_Slixmpp(t *testing.T) { labtest.Slixmpp(t, labtest.Cluster(t)) }

// slixmpp has a copy of what another resource gets and sends, finds both in the
// archive, and when its node is killed resumes its stream at another, where it gets
// what was written meanwhile once and in order.
func TestM5_1_Slixmpp(t *testing.T) {
	const count = 20
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	labtest.Account(t, l, "erin")
	labtest.Account(t, l, "frank")
	folder := t.TempDir()
	in, err := json.Marshal(map[string]any{
		"domain": lab.Domain, "ca": filepath.Join(l.Dir(), "ca.cer"), "password": labtest.Password, "count": count, "folder": folder,
		"user": "erin", "contact": "frank", "host": others[0].Name() + "." + lab.Domain, "other_host": leader.Name() + "." + lab.Domain,
	})
	must(t, err)
	killed := make(chan error, 1)
	go func() { killed <- killWhen(t.Context(), others[0], folder) }()
	out, err := l.Run(t.Context(), in, "/usr/bin/python3", "-W", "ignore", "slixmpp/im.py")
	must(t, err)
	var got struct{ Received, Sent, Archive, Bodies, Failures []string }
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	must(t, wantf(len(got.Failures) == 0, "slixmpp says %q", got.Failures))
	must(t, <-killed)
	revive(t, l, others[0])
	must(t, wantf(slices.Equal(got.Received, []string{"to two"}) && slices.Equal(got.Sent, []string{"from two"}), "carbons are %q and %q", got.Received, got.Sent))
	must(t, wantf(slices.Equal(got.Archive, []string{"to two", "from two"}), "the archive has %q", got.Archive))
	for i := range count {
		must(t, wantf(len(got.Bodies) == count && got.Bodies[i] == fmt.Sprint(i), "behind the kill came %q", got.Bodies))
	}
	t.Logf("M5.1 slixmpp: carbons of both kinds, the archive, and resumption at another node behind a kill with %d messages in between, each once", count)
}

// killWhen kills a node's xmppd when a client says in its folder that it is ready, and
// says there that it is done.
func killWhen(ctx context.Context, n *lab.Node, folder string) error {
	err := lab.Wait(ctx, time.Minute, "the client to be ready", func() error {
		_, err := os.Stat(filepath.Join(folder, "ready"))
		return err
	})
	if err != nil {
		return err
	}
	if err := n.Signal(ctx, "xmppd", syscall.SIGKILL); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "killed"), nil, 0o600)
}

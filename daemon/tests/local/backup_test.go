package local

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

const passphrase = "correct horse battery"

// backedUp makes a backup of a node and fetches it by SFTP.
func backedUp(t *testing.T, n *lab.Node, name string) []byte {
	t.Helper()
	out := typed(t, n, "backup snapshot "+name, passphrase, passphrase)
	must(t, wantf(strings.Contains(out, "SUCCESS: "+name+".quorate-backup is ready for download"), "%s", out))
	data, err := n.Get(t.Context(), name+".quorate-backup")
	must(t, err)
	must(t, wantf(strings.Contains(typed(t, n, "backup list"), name+".quorate-backup"), "it is not listed"))
	return data
}

// refusedWith runs a command that asks for a passphrase and must be refused.
func refusedWith(t *testing.T, n *lab.Node, command, answer, word string) {
	t.Helper()
	out, err := n.Exec(t.Context(), command, answer)
	must(t, wantf(lab.Failed(err) && strings.Contains(out, "FAILURE: ") && strings.Contains(out, word), "%s> %s: %q, %v", n.Name(), command, out, err))
}

// renewed gives a node an empty disk.
func renewed(t *testing.T, n *lab.Node) {
	t.Helper()
	must(t, n.Kill(t.Context()))
	must(t, n.Wipe(t.Context()))
	must(t, n.Start(t.Context()))
}

// A node is lost with its disk. Its backup, restored on a new one, brings it
// back as itself, while traffic flows between the others.
func TestM4_4_RestoredNodeRejoins(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n, witnesses := others[0], []*lab.Node{}
	for _, m := range l.Members() {
		if m != n {
			witnesses = append(witnesses, m)
		}
	}
	id, settings, certificate := nodeID(t, n), typed(t, n, "config show"), serial(t, l, n)
	secrets, err := n.Secrets(t.Context())
	must(t, err)
	data := backedUp(t, n, "safe")

	traffic := labtest.StartTraffic(t, l, witnesses[0], witnesses[1], 200)
	renewed(t, n)
	must(t, wantf(nodeID(t, n) != id, "the wiped node has its ID still"))
	must(t, n.Put(t.Context(), "safe.quorate-backup", data))
	must(t, n.Put(t.Context(), "torn.quorate-backup", data[:len(data)-7]))
	refusedWith(t, n, "backup rollback safe", "wrong horse battery", "the passphrase does not open the backup")
	refusedWith(t, n, "backup rollback torn", passphrase, "the backup is damaged")
	refusedWith(t, n, "backup rollback nothing", passphrase, "there is no backup")
	preview := typed(t, n, "backup rollback safe --preview", passphrase)
	for _, word := range []string{"of " + n.Name(), "xmpp.key", "cluster.trust", "the node ID", id, "taken back into the cluster", "call bridges that come: cb1 cb2 cb3"} {
		must(t, wantf(strings.Contains(preview, word), "the preview does not say %q: %s", word, preview))
	}
	for _, secret := range secrets {
		must(t, wantf(!strings.Contains(preview, secret), "the preview shows a secret: %s", preview))
	}
	must(t, wantf(nodeID(t, n) != id, "the preview changed the node"))

	began := time.Now()
	out := typed(t, n, "backup rollback safe", passphrase)
	must(t, wantf(strings.Contains(out, "SUCCESS: safe is restored"), "%s", out))
	must(t, l.WaitHealthy(t.Context(), 30*time.Second))
	took := time.Since(began)
	longest, sent := traffic.Stop()
	must(t, wantf(nodeID(t, n) == id, "the node ID is %s, want %s", nodeID(t, n), id))
	must(t, wantf(serial(t, l, n) == certificate, "it shows another certificate"))
	if diff := cmp.Diff(settings, typed(t, n, "config show")); diff != "" {
		t.Errorf("settings (-before +after):\n%s", diff)
	}
	after, err := n.Secrets(t.Context())
	must(t, err)
	for name, secret := range secrets { // the traffic may have come with call bridges of its own
		must(t, wantf(after[name] == secret, "the secret of call bridge %s is %q, was %q", name, after[name], secret))
	}
	labtest.Component(t, l, "cb1", n) // it serves
	text, err := n.JournalText(t.Context(), "--identifier=xmppd", "--grep=has taken this node back", "--output=cat")
	must(t, wantf(err == nil && text != "", "the journal does not tell: %q, %v", text, err))
	must(t, wantf(!strings.Contains(typed(t, n, "backup list"), "before-rollback"), "what was kept for the rollback stays"))
	t.Logf("M4.4 restored on an empty disk: the same node ID, three peers, each once, after %.1f s; %d messages between the others, longest gap %v",
		took.Seconds(), sent, longest.Round(time.Millisecond))
}

// Parts are restored one by one, and a member's own log and the cluster's data
// are never touched.
func TestM4_4_SelectiveRestore(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n := others[0]
	id := nodeID(t, n)
	backedUp(t, n, "parts")
	typed(t, n, "config set xmpp.max_depth 77")
	typed(t, n, "xmpp callbridge add later")
	typed(t, n, "pki selfsigned extra")
	typed(t, n, "backup rollback parts certificates", passphrase)
	must(t, wantf(strings.Contains(typed(t, n, "config show xmpp.max_depth"), "77"), "the settings were restored too"))
	refusedWith(t, n, "backup rollback parts state", passphrase, "the data are the cluster's")
	out := typed(t, n, "backup rollback parts", passphrase)
	must(t, wantf(strings.Contains(out, "the same: node ID "+id) && strings.Contains(out, "not restored"), "%s", out))
	must(t, wantf(!strings.Contains(typed(t, n, "config show xmpp.max_depth"), "77"), "the settings were not restored"))
	must(t, wantf(strings.Contains(typed(t, n, "xmpp callbridge list"), "later"), "the cluster's data were changed"))
	must(t, wantf(strings.Contains(typed(t, n, "pki list"), "extra.key"), "a file that is not in the backup was removed"))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	typed(t, n, "xmpp callbridge del later")
	for _, file := range []string{"extra.cer", "extra.key"} {
		typed(t, n, "pki remove "+file)
	}
	t.Logf("M4.4 selective restore: certificates alone, then all that is this node's; the cluster's data stay")
}

// A factory reset leaves nothing secret, and the others a cluster of two.
func TestM4_4_FactoryResetLeavesNothing(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others := leaderOf(t, l)
	n := others[0]
	labtest.Account(t, l, "carol")
	backedUp(t, n, "gone")
	secrets := known(t, n)
	must(t, wantf(len(secrets) >= 6, "only %d secrets are known", len(secrets)))
	for name, secret := range secrets {
		must(t, wantf(len(found(t, n, secret)) > 0 || name == "passphrase", "the secret %s is not found before the reset", name))
	}
	out := typed(t, n, "factory_reset app --yes")
	must(t, wantf(strings.Contains(out, "SUCCESS: private keys, certificates and the exchange folder removed"), "%s", out))
	for name, secret := range secrets {
		must(t, wantf(len(found(t, n, secret)) == 0, "the secret %s is still in %v", name, found(t, n, secret)))
	}
	files, err := n.SFTP(t.Context(), "ls")
	must(t, wantf(err == nil && !strings.Contains(files, "quorate-backup"), "the exchange folder holds %q, %v", files, err))
	must(t, lab.Wait(t.Context(), 10*time.Second, "two peers", func() error { return l.Healthy(t.Context(), leader, others[1]) }))

	must(t, n.Kill(t.Context()))
	must(t, n.Start(t.Context()))
	for name, secret := range secrets {
		must(t, wantf(len(found(t, n, secret)) == 0, "the secret %s came back in %v", name, found(t, n, secret)))
	}
	must(t, l.Furnish(t.Context(), n))
	must(t, l.Join(t.Context(), n, leader))
	must(t, l.WaitHealthy(t.Context(), 20*time.Second))
	t.Logf("M4.4 factory_reset app: none of %d secrets is left on disk, and the node joins anew", len(secrets))
}

// known reads the secrets of a local node where they lie.
func known(t *testing.T, n *lab.Node) map[string][]byte {
	t.Helper()
	secrets := map[string][]byte{"passphrase": []byte(passphrase)}
	bridges, err := n.Secrets(t.Context())
	must(t, err)
	for name, secret := range bridges {
		secrets["call bridge "+name] = []byte(secret)
	}
	key, err := os.ReadFile(filepath.Join(n.Dir(), "state", "xmppd", "node.key"))
	must(t, err)
	secrets["node key"] = key
	blobs, err := filepath.Glob(filepath.Join(n.Dir(), "state", "certd", "blobs", "*"))
	must(t, err)
	for _, blob := range blobs {
		data, err := os.ReadFile(blob)
		must(t, err)
		if _, rest, ok := bytes.Cut(data, []byte("PRIVATE KEY-----\n")); ok {
			secrets["private key "+filepath.Base(blob)[:8]] = rest[:60]
		}
	}
	record, err := os.ReadFile(filepath.Join(n.Dir(), "state", "xmppd", "membership.json"))
	must(t, err)
	if _, rest, ok := bytes.Cut(record, []byte(`"gossipKey": "`)); ok {
		secrets["gossip key"], _, _ = bytes.Cut(rest, []byte(`"`))
	}
	return secrets
}

// found lists the files of a local node that hold a secret.
func found(t *testing.T, n *lab.Node, secret []byte) (files []string) {
	t.Helper()
	for _, dir := range []string{"etc", "exchange", "state", "home"} {
		must(t, filepath.WalkDir(filepath.Join(n.Dir(), dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			data, err := os.ReadFile(path)
			if bytes.Contains(data, secret) {
				files = append(files, path)
			}
			return err
		}))
	}
	return files
}

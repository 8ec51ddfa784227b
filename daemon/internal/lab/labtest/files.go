package labtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

const handWritten = `# Written by hand; this comment stays.
[xmpp]
enabled = true
domain = "meet.example"
listen = ["a"]
key = "xmpp.key"
certificate = "xmpp.cer"
bundle = "ca.cer"

[[xmpp.callbridge]]
name = "byhand"
secret = "0123456789abcdefghi"
`

// handSpoiled has one mistake on line 5 and one on line 6.
const handSpoiled = `# Written by hand; this comment stays.
[xmpp]
enabled = true
domain = "meet.example"
client_port = "many"
lisen = ["a"]
`

// FilesOnly configures a new node with the shared certificate by editing
// quorate.toml and reloading, watches it with busctl and the journal, and
// spoils the file, which must change nothing.
func FilesOnly(t *testing.T, l *lab.Lab, n *lab.Node) {
	t.Helper()
	ctx := t.Context()
	fatal(t, n.WriteConfig(ctx, "quorate.toml", handWritten))
	if out, err := n.Reload(ctx); err != nil {
		t.Fatal(out, err)
	}
	var stream *flow.Peer
	conf := &tls.Config{RootCAs: l.CA.Pool(), ServerName: lab.Domain}
	fatal(t, lab.Wait(ctx, 15*time.Second, "the call bridge of the file to sign in", func() (err error) {
		stream, err = flow.Component(ctx, l.Dial, n.Addr()+":5223", conf, "byhand."+lab.Domain, "0123456789abcdefghi")
		return err
	}))
	defer stream.Close()
	wantProperty(t, n, "Enabled", "b true")
	wantProperty(t, n, "Domain", `s "meet.example"`)
	generation, err := n.Busctl(ctx, getProperty("Config1", "Generation"))
	fatal(t, err)

	fatal(t, n.WriteConfig(ctx, "quorate.toml", handSpoiled))
	if _, err := n.Reload(ctx); err == nil {
		t.Fatal("a spoiled file was taken")
	}
	journal := waitJournal(ctx, t, n, "quorate.toml:5")
	for _, want := range []string{"quorate.toml:5", "xmpp.client_port", "quorate.toml:6", "lisen"} {
		if !strings.Contains(journal, want) {
			t.Errorf("the journal does not say %q: %s", want, journal)
		}
	}
	after, err := n.Busctl(ctx, getProperty("Config1", "Generation"))
	fatal(t, err)
	if after != generation {
		t.Errorf("the generation went from %s to %s", generation, after)
	}
	wantProperty(t, n, "Enabled", "b true")
	select {
	case <-stream.Done():
		t.Errorf("the open stream ended: %v", stream.Err())
	default:
	}
	kept, err := n.ReadConfig(ctx, "quorate.toml")
	fatal(t, err)
	if kept != handSpoiled {
		t.Errorf("the person's file was changed: %s", kept)
	}
	t.Logf("M2.9 by files alone: enabled, call bridge signed in; a bad edit is refused: %s", lineWith(journal, "quorate.toml:5"))
}

func getProperty(iface, name string) string {
	return fmt.Sprintf("get-property org.quorate.%[1]s /org/quorate/%[1]s org.quorate.%[1]s %[2]s", iface, name)
}

func wantProperty(t *testing.T, n *lab.Node, name, want string) {
	t.Helper()
	got, err := n.Busctl(t.Context(), getProperty("Xmpp1", name))
	if err != nil || strings.TrimSpace(got) != want {
		t.Errorf("busctl says %s is %q, %v; want %s", name, got, err, want)
	}
}

func waitJournal(ctx context.Context, t *testing.T, n *lab.Node, word string) (text string) {
	t.Helper()
	fatal(t, lab.Wait(ctx, 10*time.Second, "the journal to tell", func() (err error) {
		if text, err = n.Journal(ctx, "confd"); err == nil && !strings.Contains(text, word) {
			err = fmt.Errorf("it has no %q", word)
		}
		return err
	}))
	return text
}

func lineWith(text, word string) string {
	for _, line := range strings.Split(text, "\n") {
		if strings.Contains(line, word) {
			return line
		}
	}
	return ""
}

func fatal(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

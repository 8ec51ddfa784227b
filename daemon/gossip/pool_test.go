package gossip

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/memberlist"
)

const patience = time.Minute

var (
	firstKey  = bytes.Repeat([]byte{1}, 32)
	secondKey = bytes.Repeat([]byte{2}, 32)
	thirdKey  = bytes.Repeat([]byte{3}, 32)
)

// wire holds pools on 127.0.0.x and waits for their changes.
type wire struct {
	t       *testing.T
	changed chan struct{}
}

func newWire(t *testing.T) *wire { return &wire{t, make(chan struct{}, 1)} }

func (w *wire) config(i int, key []byte) Config {
	return Config{ID: fmt.Sprintf("node%d", i), Name: fmt.Sprintf("cb%d", i), BindAddr: fmt.Sprintf("127.0.0.%d", i), Port: 27946,
		Key: key, Tags: map[string]string{"version": "1.0"}, Logger: slog.New(slog.DiscardHandler), OnChange: w.kick}
}

func (w *wire) kick() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// quick is the LAN's timing, some ten times faster.
func quick() *memberlist.Config {
	c := memberlist.DefaultLocalConfig()
	c.ProbeInterval, c.ProbeTimeout = 100*time.Millisecond, 50*time.Millisecond
	c.GossipInterval, c.SuspicionMult = 20*time.Millisecond, 1
	return c
}

func (w *wire) open(i int, key []byte) *Pool {
	w.t.Helper()
	p, err := open(w.config(i, key), quick())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { p.Shutdown() })
	return p
}

// three returns three pools that know each other.
func (w *wire) three() []*Pool {
	w.t.Helper()
	pools := []*Pool{w.open(1, firstKey), w.open(2, firstKey), w.open(3, firstKey)}
	for _, p := range pools[1:] {
		if n, err := p.Join([]string{"127.0.0.1:27946"}); n != 1 || err != nil {
			w.t.Fatalf("joining: %d, %v", n, err)
		}
	}
	for _, p := range pools {
		w.await("three alive", p, "node1 alive, node2 alive, node3 alive")
	}
	return pools
}

// await waits until a pool sees exactly these nodes in these statuses.
func (w *wire) await(what string, p *Pool, want string) {
	w.t.Helper()
	deadline := time.After(patience)
	for {
		got := view(p)
		if got == want {
			return
		}
		select {
		case <-w.changed:
		case <-deadline:
			w.t.Fatalf("%s: %s, want %s", what, got, want)
		}
	}
}

func view(p *Pool) string {
	var list []string
	for _, m := range p.Members() {
		list = append(list, m.ID+" "+string(m.Status))
	}
	return strings.Join(list, ", ")
}

func TestMembers(t *testing.T) {
	w := newWire(t)
	before := time.Now()
	pools := w.three()
	want := Member{ID: "node2", Name: "cb2", Addr: "127.0.0.2", Port: 27946, Status: Alive, Tags: map[string]string{"version": "1.0"}}
	got := pools[0].Members()[1]
	if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Member{}, "LastSeen")); d != "" {
		t.Error(d)
	}
	if got.LastSeen.Before(before) {
		t.Errorf("last seen %v", got.LastSeen)
	}
	got.Tags["version"] = "changed by the caller"
	if pools[0].Members()[1].Tags["version"] != "1.0" {
		t.Error("a caller can change the published list")
	}
}

func TestShutdownIsSeenAsFailedAndPruneForgets(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	if err := pools[2].Shutdown(); err != nil {
		t.Fatal(err)
	}
	for _, p := range pools[:2] {
		w.await("failure", p, "node1 alive, node2 alive, node3 failed")
	}
	failed := pools[0].Members()[2].LastSeen
	if again := pools[0].Members()[2].LastSeen; !again.Equal(failed) || time.Since(failed) > patience {
		t.Errorf("last seen of a failed node is %v, then %v", failed, again)
	}
	if err := pools[0].Prune("node3"); err != nil {
		t.Fatal(err)
	}
	for _, p := range pools[:2] {
		w.await("pruning", p, "node1 alive, node2 alive")
	}
}

func TestFailedNodeComesBack(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	pools[2].Shutdown()
	w.await("failure", pools[0], "node1 alive, node2 alive, node3 failed")
	if _, err := w.open(3, firstKey).Join([]string{"127.0.0.1:27946", "127.0.0.2:27946"}); err != nil {
		t.Fatal(err)
	}
	w.await("return", pools[0], "node1 alive, node2 alive, node3 alive")
}

func TestLeave(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	if err := pools[2].Leave(); err != nil {
		t.Fatal(err)
	}
	w.await("leaving", pools[0], "node1 alive, node2 alive, node3 left")
}

func TestSetTags(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	if err := pools[0].SetTags(map[string]string{"version": "1.1", tagName: "not this"}); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(patience)
	for pools[1].Members()[0].Tags["version"] != "1.1" {
		select {
		case <-w.changed:
		case <-deadline:
			t.Fatal("the tags did not arrive")
		}
	}
	if name := pools[1].Members()[0].Name; name != "cb1" {
		t.Errorf("name = %q", name)
	}
	if err := pools[0].SetTags(map[string]string{"long": strings.Repeat("x", MaxTags)}); err == nil {
		t.Error("tags longer than the limit were accepted")
	}
}

func TestAnotherKeyIsNotHeard(t *testing.T) {
	w := newWire(t)
	insider, stranger := w.open(1, firstKey), w.open(2, secondKey)
	if n, err := stranger.Join([]string{"127.0.0.1:27946"}); n != 0 || err == nil {
		t.Errorf("joined with another key: %d, %v", n, err)
	}
	if got := view(insider); got != "node1 alive" {
		t.Errorf("insider sees %s", got)
	}
}

func TestSetKeyOneNodeAfterTheOther(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	for i, p := range pools {
		if err := p.SetKey(secondKey); err != nil {
			t.Fatalf("node %d: %v", i+1, err)
		}
	}
	if _, err := w.open(4, secondKey).Join([]string{"127.0.0.1:27946"}); err != nil {
		t.Fatalf("joining with the new key: %v", err)
	}
	w.await("the joiner", pools[2], "node1 alive, node2 alive, node3 alive, node4 alive")

	for _, p := range pools {
		if err := p.SetKey(thirdKey); err != nil {
			t.Fatal(err)
		}
		if n := len(p.keyring.GetKeys()); n != 2 {
			t.Errorf("%d keys kept, want the new one and the one before", n)
		}
	}
	if err := pools[0].SetKey(thirdKey); err != nil || len(pools[0].keyring.GetKeys()) != 2 {
		t.Errorf("the same key again: %v, %d keys", err, len(pools[0].keyring.GetKeys()))
	}
	if err := pools[0].SetKey([]byte("short")); err == nil {
		t.Error("a short key was accepted")
	}
}

// A key that every node has installed is taken into use without a moment in
// which one does not read the other, and the one before is forgotten in time.
func TestInstallSetRetire(t *testing.T) {
	w := newWire(t)
	pools := w.three()
	for _, p := range pools {
		if err := p.Install(secondKey); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(pools[0].keyring.GetPrimaryKey(), firstKey) {
		t.Error("an installed key is in use")
	}
	if err := pools[0].SetKey(secondKey); err != nil {
		t.Fatal(err)
	}
	// Node 1 uses the new key, node 2 still the old one: each reads the other.
	if err := pools[0].SetTags(map[string]string{"version": "2"}); err != nil {
		t.Fatal(err)
	}
	if n, err := pools[1].Join([]string{"127.0.0.1:27946"}); n != 1 || err != nil {
		t.Errorf("with the old key to one that uses the new: %d, %v", n, err)
	}
	if n, err := pools[0].Join([]string{"127.0.0.2:27946"}); n != 1 || err != nil {
		t.Errorf("with the new key to one that uses the old: %d, %v", n, err)
	}
	for _, p := range pools {
		if err := p.SetKey(secondKey); err != nil {
			t.Fatal(err)
		}
		if err := p.Retire(time.Hour); err != nil || len(p.keyring.GetKeys()) != 2 {
			t.Errorf("%d keys before the time, %v", len(p.keyring.GetKeys()), err)
		}
		if err := p.Retire(0); err != nil || len(p.keyring.GetKeys()) != 1 {
			t.Errorf("%d keys behind it, %v", len(p.keyring.GetKeys()), err)
		}
	}
	if _, err := w.open(4, firstKey).Join([]string{"127.0.0.1:27946"}); err == nil {
		t.Error("the old key is still read")
	}
	if err := pools[0].Install([]byte("short")); err == nil {
		t.Error("a short key was installed")
	}
}

func TestOpenFails(t *testing.T) {
	w := newWire(t)
	w.open(1, firstKey)
	if _, err := open(w.config(1, firstKey), quick()); err == nil || !strings.Contains(err.Error(), "127.0.0.1:27946") {
		t.Errorf("opening a port in use: %v", err)
	}
	if _, err := open(w.config(2, []byte("short")), quick()); err == nil {
		t.Error("a short key was accepted")
	}
}

func TestABlockedCallbackDoesNotDelayGossip(t *testing.T) {
	w := newWire(t)
	release := make(chan struct{})
	cfg := w.config(1, firstKey)
	cfg.OnChange = func() { w.kick(); <-release }
	p, err := open(cfg, quick())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Shutdown() })
	t.Cleanup(func() { close(release) })
	other := w.open(2, firstKey)
	if _, err := other.Join([]string{"127.0.0.1:27946"}); err != nil {
		t.Fatal(err)
	}
	w.await("the other side", other, "node1 alive, node2 alive")
	deadline := time.After(patience)
	for view(p) != "node1 alive, node2 alive" {
		select {
		case <-p.table.changes: // which nobody else takes while the callback blocks
		case <-deadline:
			t.Fatalf("behind the callback: %s", view(p))
		}
	}
}

func TestLogLevels(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	for line, want := range map[string]string{
		"[ERR] memberlist: failed":   `level=WARN msg="memberlist: failed"`,
		"[WARN] serf: shutdown":      `level=INFO msg="serf: shutdown"`,
		"[INFO] serf: joined":        `level=DEBUG msg="serf: joined"`,
		"[DEBUG] memberlist: stream": `level=DEBUG msg="memberlist: stream"`,
		"a line of no level\n":       `level=INFO msg="a line of no level"`,
	} {
		out.Reset()
		l.Print(line)
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q became %q", line, out.String())
		}
	}
}

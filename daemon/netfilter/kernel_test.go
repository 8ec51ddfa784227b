package netfilter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/firewall"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// config is a configuration service whose values a test sets.
type config struct {
	bus.ConfigServer
	object *bus.ConfigObject

	mu         sync.Mutex
	raw        settings.Raw // guarded by mu
	generation uint64       // guarded by mu
}

func serveConfig(t *testing.T) *config {
	t.Helper()
	bustest.Start(t)
	c := &config{raw: settings.Raw{}}
	var err error
	if c.object, err = dial(t).ServeConfig(c, bus.ConfigProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	return c
}

// Values implements org.quorate.Config1.
func (c *config) Values(context.Context, bus.Caller) (map[string]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return settings.Encode(c.raw, c.generation, true), nil
}

func (c *config) set(t *testing.T, key string, value any) {
	t.Helper()
	c.mu.Lock()
	c.raw[key] = value
	c.generation++
	generation := c.generation
	c.mu.Unlock()
	if err := c.object.Changed(generation, []string{key}); err != nil {
		t.Fatal(err)
	}
}

func dial(t *testing.T) *bus.Conn {
	t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// rig is the service on one of two hosts.
type rig struct {
	*config
	t          *testing.T
	node, peer *host
	client     *bus.Firewall
	changed    <-chan struct{}
	broken     atomic.Bool // nothing can be loaded
}

// up loads the base table on the node, as the boot does, and starts the service.
func up(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, config: serveConfig(t)}
	r.node, r.peer = pair(t)
	if err := r.load(firewall.Base()); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) load(ruleset string) (err error) {
	r.node.do(func() { err = Load(r.t.Context(), ruleset) })
	return err
}

func (r *rig) start() {
	r.t.Helper()
	var err error
	r.client = dial(r.t).Firewall()
	if r.changed, err = r.client.Watch(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	s := NewService(Config{Log: slog.New(slog.DiscardHandler), Load: func(ctx context.Context, ruleset string) (err error) {
		if r.broken.Load() {
			return fault.Mend(fault.Firewall, "no kernel", "boot one")
		}
		r.node.do(func() { err = Load(ctx, ruleset) })
		return err
	}}, dial(r.t))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, slog.New(slog.DiscardHandler), nil, s.Run)
	}()
	r.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			r.t.Error(err)
		}
	})
}

// await waits for a state in words, or their beginning.
func (r *rig) await(state, text string) {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		p, err := r.client.Properties(r.t.Context())
		if err == nil && p.State == state && strings.HasPrefix(p.Text, text) {
			return
		}
		select {
		case <-r.changed:
		case <-limit:
			r.t.Fatalf("not %s: %s, but %+v, %v", state, text, p, err)
		}
	}
}

// want checks what the peer meets at ports of the node.
func (r *rig) want(what string, ports map[int]string) {
	r.t.Helper()
	for port, want := range ports {
		for _, host := range []string{"10.9.0.1", "fd09::1"} {
			address := net.JoinHostPort(host, fmt.Sprint(port))
			if got := r.peer.call(address); got != want {
				r.t.Errorf("%s: %s is %s, want %s", what, address, got, want)
			}
		}
	}
}

// TestRealPackets: on two hosts and one cable, what is open follows the settings,
// all else is dropped, and a stream outlives every change.
func TestRealPackets(t *testing.T) {
	r := up(t)
	for _, port := range []int{22, 5222, 6222, 9999} {
		r.node.echo(port)
	}
	r.want("before the settings were read", map[int]string{22: "open", 5222: "dropped", 5224: "dropped", 9999: "dropped"})
	r.start()
	r.await("in force", "in force, 5 ports are open")
	r.want("service off", map[int]string{22: "open", 5222: "refused", 6222: "dropped", 9999: "dropped",
		5224: "refused"}) // open, and nothing listens: a member that died must refuse
	r.set(t, "xmpp.enabled", true)
	r.await("in force", "in force, 7 ports are open")
	r.want("service on", map[int]string{22: "open", 5222: "open", 6222: "dropped", 9999: "dropped"})
	stream, err := r.peer.dial("10.9.0.1:5222")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	speak(t, stream)

	r.set(t, "xmpp.listen", []string{"10.9.0.1", "a"}) // no card is called a here
	r.set(t, "xmpp.client_port", int64(6222))
	r.set(t, "web.enabled", false)
	r.await("in force", "in force, 6 ports are open")
	speak(t, stream)
	r.set(t, "web.enabled", true)
	r.await("in force", "in force, 7 ports are open")
	for address, want := range map[string]string{"10.9.0.1:6222": "open", "10.9.0.1:5222": "dropped", "[fd09::1]:6222": "dropped"} {
		if got := r.peer.call(address); got != want {
			t.Errorf("port and address changed: %s is %s, want %s", address, got, want)
		}
	}
	speak(t, stream)
	r.set(t, "xmpp.enabled", false)
	r.await("in force", "in force, 5 ports are open")
	speak(t, stream)
	if got := r.peer.call("10.9.0.1:6222"); got != "refused" {
		t.Errorf("switched off: port 6222 is %s", got)
	}
	ports, err := r.client.Ports(t.Context())
	if err != nil || len(ports) != 7 || ports[1].Port != 6222 || ports[1].Open || ports[1].Setting != "xmpp.client_port" {
		t.Errorf("listed: %+v, %v", ports, err)
	}
}

// speak sends a word over a stream and hears it again.
func speak(t *testing.T, c net.Conn) {
	t.Helper()
	b := make([]byte, 4)
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("word")); err != nil {
		t.Fatalf("the stream is gone: %v", err)
	}
	if _, err := c.Read(b); err != nil || string(b) != "word" {
		t.Fatalf("the stream is gone: %q, %v", b, err)
	}
}

// TestLocalRules: an administrator's rules count, and those that nft refuses are
// left out and told of, with the services as open as before.
func TestLocalRules(t *testing.T) {
	r := up(t)
	for _, port := range []int{22, 9999} {
		r.node.echo(port)
	}
	write := func(text string) {
		r.node.do(func() {
			if err := os.MkdirAll(firewall.LocalRules, 0o755); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(filepath.Join(firewall.LocalRules, "own.nft"), []byte(text), 0o644); err != nil {
				t.Error(err)
			}
		})
	}
	write("tcp dport 9999 accept\n")
	r.start()
	r.await("in force", "in force")
	r.want("own rule", map[int]string{22: "open", 9999: "open"})
	write("tcp dport 9999 acept\n")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.await("in force", "the rules in /etc/quorate/firewall.d are left out: the rules can not be loaded: ")
	r.want("a slip of the pen", map[int]string{22: "open", 9999: "dropped"})
	p, err := r.client.Properties(t.Context())
	if err != nil || p.Code != string(fault.Firewall) || !strings.Contains(p.Text, "own.nft:1") {
		t.Errorf("told %+v, %v", p, err)
	}
	write("")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	r.await("in force", "in force")
}

// TestNothingLoads: what was in force stays, is listed as before, and the failure
// is told until it is over.
func TestNothingLoads(t *testing.T) {
	r := up(t)
	r.start()
	r.await("in force", "in force, 5 ports are open")
	r.broken.Store(true)
	r.set(t, "xmpp.enabled", true)
	r.await("failed", "no kernel")
	if ports, err := r.client.Ports(t.Context()); err != nil || len(ports) != 7 || ports[1].Open {
		t.Errorf("listed: %+v, %v", ports, err)
	}
	r.want("nothing loads", map[int]string{5222: "refused"})
	r.broken.Store(false)
	r.await("in force", "in force, 7 ports are open") // tried again by itself
}

// TestFlood: a crowd behind one address gets in, and who hammers SSH does not.
func TestFlood(t *testing.T) {
	r := up(t)
	v, problems := settings.Validate(settings.Raw{"xmpp.enabled": true})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if err := r.load(firewall.Ruleset(firewall.Ports(v), nil, false)); err != nil {
		t.Fatal(err)
	}
	for _, port := range []int{22, 5222} {
		r.node.echo(port)
	}
	for i := range 2000 {
		if got := r.peer.call("10.9.0.1:5222"); got != "open" {
			t.Fatalf("sign-in %d is %s", i, got)
		}
	}
	for i := range 2000 {
		if r.peer.call("10.9.0.1:22") == "open" {
			continue
		}
		if i < 100 {
			t.Errorf("SSH is shut after %d calls, want 100 at least", i)
		}
		return
	}
	t.Error("2,000 calls of SSH at once were taken")
}

// TestMachineStartedAnew: a machine that lost its memory with the power tells the
// other end of a stream it had opened at once that the stream is gone.
func TestMachineStartedAnew(t *testing.T) {
	node, peer := pair(t)
	var l net.Listener
	var err error
	peer.do(func() { l, err = net.Listen("tcp", "10.9.0.2:7000") })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	out, err := node.dial("10.9.0.2:7000")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	in, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()

	node.ip("link delete lan")
	again := newHost(t)
	cable(again, peer)
	again.do(func() { err = Load(t.Context(), firewall.Base()) })
	if err != nil {
		t.Fatal(err)
	}
	if err := in.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte("word")); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the stream is not reset: %v", err)
	}
}

// TestEveryRulesetParses: nft takes whatever the settings can say.
func TestEveryRulesetParses(t *testing.T) {
	h := newHost(t)
	port := rapid.IntRange(1, 65535)
	listen := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "d", "10.0.0.1", "::1", "fe80::1%lan", "::ffff:10.0.0.1", "2001:db8::7"}), 0, 4)
	rapid.Check(t, func(rt *rapid.T) {
		v := settings.Values{
			XMPP: settings.XMPP{Enabled: rapid.Bool().Draw(rt, "xmpp"), ClientPort: port.Draw(rt, "client"), ComponentPort: port.Draw(rt, "component"),
				Listen: listen.Draw(rt, "at")},
			Cluster: settings.ClusterValues{Port: port.Draw(rt, "cluster")},
			Gossip:  settings.Gossip{Port: port.Draw(rt, "gossip")},
			Web:     settings.Web{Enabled: rapid.Bool().Draw(rt, "web"), Port: port.Draw(rt, "port"), Listen: listen.Draw(rt, "web at")},
		}
		cards := map[string]string{"a": rapid.StringMatching(`[a-z0-9][a-z0-9@:._-]{0,14}`).Draw(rt, "card"), "d": "eth0.7"}
		ruleset := firewall.Ruleset(firewall.Ports(v), cards, rapid.Bool().Draw(rt, "local"))
		var err error
		h.do(func() { err = Load(t.Context(), ruleset) })
		if err != nil {
			rt.Fatalf("%v\n%s", err, ruleset)
		}
	})
}

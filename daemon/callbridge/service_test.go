package callbridge

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// node is the rest of the node: the configuration and certificate services.
type node struct {
	bus.ConfigServer
	bus.CertificatesServer

	mu         sync.Mutex // guards what follows
	generation uint64
	raw        settings.Raw
	files      map[string][]byte
	reads      int // of files
}

func (n *node) Values(context.Context, bus.Caller) (map[string]any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return settings.Encode(n.raw, n.generation, false), nil
}

func (n *node) Get(_ context.Context, file string) ([]byte, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reads++
	if pem, ok := n.files[file]; ok {
		return pem, nil
	}
	return nil, fault.Mend(fault.NotFound, "there is no file "+file, "pki list")
}

func dial(t *testing.T) *bus.Conn {
	t.Helper()
	c, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A configuration service that is down is told of once, and again the next time.
func TestOutageIsToldOnce(t *testing.T) {
	bustest.Start(t)
	text := &logText{}
	s := NewService(Config{Resolver: newRig(t).bridge.resolver, PublicRoots: filepath.Join(t.TempDir(), "none"),
		Log: slog.New(journal.NewHandler(text, "callbridged", slog.LevelInfo))}, dial(t))
	for outage := range 2 {
		s.readSettings(t.Context())
		s.readSettings(t.Context())
		if got := s.bridge.Status(); outage == 0 && (got.State != Failed || got.Text != "the configuration service is not running" || got.Remedy == "") {
			t.Errorf("told is %+v", got)
		}
		if n := strings.Count(text.String(), "MESSAGE=reading the settings"); n != outage+1 {
			t.Errorf("told %d times in outage %d:\n%s", n, outage+1, text.String())
		}
		there := dial(t)
		if _, err := there.ServeConfig(&node{raw: settings.Raw{}}, bus.ConfigProperties{}, nil); err != nil {
			t.Fatal(err)
		}
		s.readSettings(t.Context())
		if !s.read {
			t.Error("the settings were not read")
		}
		there.Close()
	}
}

// The service follows settings and certificates as they change, and tells the
// state over the bus.
func TestService(t *testing.T) {
	bustest.Start(t)
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.names.component(60, a)
	n := &node{raw: settings.Raw{}, files: map[string][]byte{"ca.cer": pkitest.NewCA(t, "another").PEM()}}
	config, err := dial(t).ServeConfig(n, bus.ConfigProperties{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := dial(t).ServeCertificates(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := NewService(Config{Version: "0.1.0", Resolver: r.bridge.resolver, PublicRoots: filepath.Join(t.TempDir(), "none"),
		Log: slog.New(slog.DiscardHandler)}, dial(t))
	s.bridge.now = r.bridge.now
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- service.Run(ctx, slog.New(slog.DiscardHandler), nil, func(ctx context.Context, n *service.Notifier) error { return s.Run(ctx, n) })
	}()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
	}()

	client := dial(t).Bridge()
	ticks, err := client.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	await := func(what, text string) bus.CallBridgeStatus {
		t.Helper()
		limit := time.After(20 * time.Second)
		for {
			status, err := client.Status(t.Context())
			if err == nil && status.Text == text {
				return status
			}
			select {
			case <-ticks:
			case <-limit:
				t.Fatalf("%s: %v, told %q, want %q", what, err, status.Text, text)
			}
		}
	}
	set := func(key string, value any) {
		t.Helper()
		n.mu.Lock()
		n.raw[key] = value
		n.generation++
		generation := n.generation
		n.mu.Unlock()
		if err := config.Changed(generation, []string{key}); err != nil {
			t.Fatal(err)
		}
	}

	await("at first", "not configured: the name, the domain and the shared secret are missing")
	set("callbridge.name", "cb1")
	set("callbridge.domain", domain)
	await("half", "not configured: the shared secret is missing")
	set("callbridge.trust", "nothere.cer")
	set("callbridge.secret", secret)
	await("without its trust file", `connection to "meet.example" failed (not found): the trusted certificates in nothere.cer can not be read: there is no file nothere.cer`)
	set("callbridge.trust", "ca.cer")
	await("by another CA", fmt.Sprintf(`connection to "meet.example" failed (certificate not trusted): the certificate of CN=meet.example at %s is issued by CN=CA of the tests, which is not trusted`,
		target{host: a.host, port: a.port}))
	n.mu.Lock()
	n.files["ca.cer"] = r.ca.PEM()
	n.mu.Unlock()
	if err := certificates.Changed([]string{"ca.cer"}); err != nil {
		t.Fatal(err)
	}
	connected := fmt.Sprintf("connected to %s (secure)", target{host: a.host, port: a.port})
	await("by the right CA", connected)

	set("callbridge.trust", "")
	await("by public CAs alone", fmt.Sprintf(`connection to "meet.example" failed (certificate not trusted): the certificate of CN=meet.example at %s is issued by CN=CA of the tests, which is not trusted`,
		target{host: a.host, port: a.port}))
	n.mu.Lock()
	n.files["bundle.pem"] = r.ca.PEM()
	n.mu.Unlock()
	set("xmpp.bundle", "bundle.pem")
	first := await("by the bundle of the XMPP service", connected)

	set("xmpp.client_port", int64(5333)) // no matter of the link's
	before := a.opened()
	if err := client.Reconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := a.hears(); got != "</stream:stream>" {
		t.Errorf("the old link ends with %q", got)
	}
	for over := time.Now().Add(10 * time.Second); a.opened() == before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(over) {
			t.Fatal("no other stream was opened")
		}
	}
	await("anew", connected)
	p, err := client.Properties(t.Context())
	if want := (bus.BridgeProperties{State: Connected, Server: first.Server, Text: connected}); err != nil || p != want {
		t.Errorf("properties %+v, %v", p, err)
	}

	// A member of the cluster that is lost may be the machine at the other end.
	xmpp, err := dial(t).ServeXmpp(struct{ bus.XmppServer }{}, bus.XmppProperties{Leader: "cb2", Linked: []string{"cb1", "cb3"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	asked := func(what string) {
		t.Helper()
		got := a.hears()
		for got == "</stream:stream>" { // of the links before
			got = a.hears()
		}
		if !strings.Contains(got, "id='ping'") {
			t.Errorf("%s: heard %s", what, got)
		}
		a.send("<iq type='get' id='q' from='meet.example' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>")
		if got := a.hears(); !strings.Contains(got, "id='q'") {
			t.Errorf("%s: asked twice, or the answer is %s", what, got)
		}
	}
	asked("the XMPP service is there")
	for _, linked := range [][]string{{"cb3"}, {"cb1"}, nil} {
		if err := xmpp.Publish(bus.XmppProperties{Leader: "cb2", Linked: linked}); err != nil {
			t.Fatal(err)
		}
		asked(fmt.Sprintf("linked to %q", linked))
	}
}

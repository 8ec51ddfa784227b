package certd

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/journal/journaltest"
	"quorate.org/daemon/pki/pkitest"
)

// patience bounds every wait; nothing waits so long unless it is broken.
const patience = time.Minute

// rig is a running service on a bus of its own, with a client and a
// configuration service that answers what the test says.
type rig struct {
	t        *testing.T
	ctx      context.Context
	exchange string
	certs    *bus.Certificates
	service  *Service
	config   *fakeConfig
	manager  *fakeManager
	log      *journaltest.Text
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigIn(t, t.TempDir())
}

func newRigIn(t *testing.T, dir string) *rig {
	t.Helper()
	bustest.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, exchange: filepath.Join(dir, "exchange"), config: &fakeConfig{values: map[string]any{}},
		manager: &fakeManager{ready: make(chan struct{}), reloads: make(chan struct{})}, log: &journaltest.Text{}}
	r.config.serve(t, r.dial())
	roots := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(roots, publicCA(t).PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	conn := r.dial()
	s, err := New(Config{State: filepath.Join(dir, "cert"), Exchange: r.exchange, PublicRoots: roots,
		Now: func() time.Time { return pkitest.Now }, Log: slog.New(journal.Text(r.log, slog.LevelDebug))}, conn)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(running, r.manager) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
		conn.Close()
	})
	select {
	case <-r.manager.ready:
	case <-ctx.Done():
		t.Fatal("the service does not get ready")
	}
	r.certs, r.service = r.dial().Certificates(), s
	return r
}

// publicCA is the one CA of the rig's list of public roots.
var publicCA = func() func(t testing.TB) *pkitest.Issued {
	var once sync.Once
	var ca *pkitest.Issued
	return func(t testing.TB) *pkitest.Issued {
		once.Do(func() { ca = pkitest.NewCA(t, "World CA") })
		return ca
	}
}()

func (r *rig) dial() *bus.Conn {
	r.t.Helper()
	c, err := bus.Dial()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

func (r *rig) upload(name string, data []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.exchange, name), data, 0o640); err != nil {
		r.t.Fatal(err)
	}
}

// find returns the line of a file, and of those in a state if one is given.
func (r *rig) find(name, state string) bus.Certificate {
	r.t.Helper()
	list, err := r.certs.List(r.ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, c := range list {
		if c.File == name && (state == "" || c.State == state) {
			return c
		}
	}
	r.t.Errorf("%s %s is not in the list %+v", name, state, list)
	return bus.Certificate{}
}

func (r *rig) wantFault(err error, code fault.Code, text string) {
	r.t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		r.t.Errorf("got %s %v, want %s …%s…", fault.CodeOf(err), err, code, text)
	}
}

// fakeConfig answers Values only; the service calls nothing else.
type fakeConfig struct {
	bus.ConfigServer
	conn   *bus.Conn
	object *bus.ConfigObject

	mu     sync.Mutex
	values map[string]any // guarded by mu
}

func (f *fakeConfig) serve(t *testing.T, conn *bus.Conn) {
	t.Helper()
	var err error
	if f.object, err = conn.ServeConfig(f, bus.ConfigProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	f.conn = conn
}

func (f *fakeConfig) Values(context.Context, bus.Caller) (map[string]any, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.values, nil
}

// set replaces the configuration and signals it.
func (f *fakeConfig) set(t *testing.T, values map[string]any) {
	t.Helper()
	f.mu.Lock()
	f.values = values
	f.mu.Unlock()
	if err := f.object.Changed(1, nil); err != nil {
		t.Fatal(err)
	}
}

// use configures and waits until the service has seen it: name is used by then.
func (r *rig) use(name string, values map[string]any) {
	r.t.Helper()
	r.config.set(r.t, values)
	for len(r.service.knownUses().Files[name]) == 0 {
		if r.ctx.Err() != nil {
			r.t.Fatal("the configuration is not seen")
		}
		runtime.Gosched()
	}
}

// fakeXmpp is the XMPP service of a node whose members say what the test says.
// Like the real one it calls the certificate service back.
type fakeXmpp struct {
	bus.XmppServer
	certs *bus.Certificates

	mu    sync.Mutex
	steps []bus.Step // guarded by mu
	err   error      // guarded by mu
	asked []string   // guarded by mu: the chains
}

// members starts it.
func (r *rig) members(steps ...bus.Step) *fakeXmpp {
	r.t.Helper()
	f := &fakeXmpp{certs: r.dial().Certificates(), steps: steps}
	if _, err := r.dial().ServeXmpp(f, bus.XmppProperties{}, nil); err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (f *fakeXmpp) say(err error, steps ...bus.Step) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps, f.err = steps, err
}

func (f *fakeXmpp) Status(context.Context) (bus.XmppStatus, error) {
	return bus.XmppStatus{Domain: "meet.example"}, nil
}

func (f *fakeXmpp) WouldAccept(ctx context.Context, pem []byte) ([]bus.Step, error) {
	if _, err := f.certs.Get(ctx, "xmpp.cer"); err != nil {
		return nil, err
	}
	if err := f.certs.Match(ctx, "xmpp.key", "xmpp.cer"); err != nil { // looks at the exchange folder
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, string(pem))
	return f.steps, f.err
}

type fakeManager struct {
	ready   chan struct{}
	reloads chan struct{}
}

func (m *fakeManager) Ready(string) error                   { close(m.ready); return nil }
func (m *fakeManager) Reloads() <-chan struct{}             { return m.reloads }
func (m *fakeManager) Reloading(reload func() string) error { reload(); return nil }

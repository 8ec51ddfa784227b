package confd_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/journal/journaltest"
)

// rig is a configuration service on a private bus, and a client of it.
type rig struct {
	t          *testing.T
	dir, state string
	exchange   string
	report     string
	keys       string
	keymaps    string
	certs      *fakeKeeper
	xmpp       *fakeKeeper
	log        *journaltest.Text
	machine    *fakeMachine
	service    *confd.Service
	server     *bus.Conn
	*bus.Config
}

func newRig(t *testing.T) *rig {
	t.Helper()
	bustest.Start(t)
	r := &rig{t: t, dir: t.TempDir(), state: t.TempDir(), exchange: t.TempDir(), report: filepath.Join(t.TempDir(), "report.json"), keys: filepath.Join(t.TempDir(), "keys.pem"), keymaps: t.TempDir(), log: &journaltest.Text{}, machine: &fakeMachine{},
		certs: &fakeKeeper{parts: `{"certificates":["old"]}`}, xmpp: &fakeKeeper{parts: `{"identity":{"host":"cb2","node_id":"aa","cluster_id":"cc","version":"1"},"state":{"s":1}}`}}
	r.start()
	return r
}

// rigOn is a rig whose state, or whose files, are on a disk.
func rigOn(t *testing.T, disk, what string) *rig {
	t.Helper()
	r := newRig(t)
	if what == "state" {
		r.state = disk
	} else {
		r.dir = disk
	}
	r.restart()
	return r
}

// start starts the service as cmd/confd does.
func (r *rig) start() {
	r.t.Helper()
	log := slog.New(journal.Text(r.log, slog.LevelInfo))
	s, err := confd.Open(confd.Config{Dir: r.dir, State: r.state, Exchange: r.exchange, Recovery: r.recovery(), Unlocked: r.unlocked(), Report: r.report, UpdateKeys: r.keys, Keymaps: r.keymaps, Work: 10, Machine: r.machine,
		Others: confd.Others{Certificates: r.certs, Xmpp: r.xmpp}, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	r.service, r.server = s, r.dial()
	object, err := r.server.ServeConfig(s, bus.ConfigProperties{Generation: s.Generation()}, bus.LogTo(log))
	if err != nil {
		r.t.Fatal(err)
	}
	if err := s.Announce(s.Generation(), object.Changed); err != nil {
		r.t.Fatal(err)
	}
	if err := s.Lament(object.Refused); err != nil {
		r.t.Fatal(err)
	}
	r.Config = r.dial().Config()
}

func (r *rig) recovery() string { return filepath.Join(r.state, "recovery-key") }

func (r *rig) unlocked() string { return filepath.Join(r.state, "unlocked") }

// restart ends the service and starts it on the same folders.
func (r *rig) restart() {
	r.t.Helper()
	if err := r.server.Close(); err != nil {
		r.t.Fatal(err)
	}
	r.start()
}

func (r *rig) dial() *bus.Conn {
	r.t.Helper()
	c, err := bus.Dial()
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	return c
}

// edit is what a person does with an editor.
func (r *rig) edit(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) text(name string) string {
	b, err := os.ReadFile(filepath.Join(r.dir, name))
	if err != nil {
		return ""
	}
	return string(b)
}

// value is one effective value as the daemons see it.
func (r *rig) value(key string) any {
	r.t.Helper()
	values, err := r.Values(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	return values[key]
}

// shown is one effective setting as people see it.
func (r *rig) shown(key string) (value, source string) {
	r.t.Helper()
	list, err := r.Settings(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, s := range list {
		if s.Key == key {
			return s.Value, s.Source
		}
	}
	r.t.Fatalf("no setting %s", key)
	return "", ""
}

var quiet = slog.New(slog.DiscardHandler)

// fakeMachine records what the system was asked.
type fakeMachine struct {
	mu    sync.Mutex
	asked []string
	busy  bool
}

func (m *fakeMachine) note(s string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, s)
	return nil
}

func (m *fakeMachine) asks() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.asked)
}

func (m *fakeMachine) UnitAction(_ context.Context, unit, action string) error {
	return m.note(action + " " + unit)
}
func (m *fakeMachine) Units(_ context.Context, patterns []string) ([]bus.Unit, error) {
	return []bus.Unit{{Name: "quorate-xmpp.service", Active: "active", Description: patterns[0]}}, nil
}
func (m *fakeMachine) Power(_ context.Context, act string) error { return m.note(act) }
func (m *fakeMachine) SetHostname(_ context.Context, name string) error {
	return m.note("hostname " + name)
}
func (m *fakeMachine) SetTimezone(_ context.Context, zone string) error {
	return m.note("zone " + zone)
}
func (m *fakeMachine) Timezone(context.Context) (string, error)    { return "Etc/UTC", nil }
func (m *fakeMachine) Forget(_ context.Context, unit string) error { return m.note("forget " + unit) }
func (m *fakeMachine) Begin(_ context.Context, unit string) error  { return m.note("begin " + unit) }
func (m *fakeMachine) Busy(context.Context, string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.busy, nil
}

// set says whether an upgrade goes on.
func (m *fakeMachine) set(busy bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.busy = busy
}

func (m *fakeMachine) Hostname(context.Context) (string, error) { return "cb1", nil }

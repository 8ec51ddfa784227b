package change

import (
	"context"
	"maps"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// node is both services: settings in the service's own file or in a person's,
// and an XMPP service that says what a test wants to hear.
type node struct {
	mu      sync.Mutex
	own     map[string]any // guarded by mu
	person  map[string]any
	hidden  string // the key of a secret
	faults  []bus.Fault
	applied []bus.Step
	down    bool
}

// What a test does not ask is not there: the interfaces are empty.
type configOf struct {
	bus.ConfigServer
	*node
}

type xmppOf struct {
	bus.XmppServer
	*node
}

func (n configOf) Settings(context.Context, bus.Caller) ([]bus.Setting, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []bus.Setting
	for _, key := range []string{"a", "b", "secret"} {
		source := "default"
		if _, there := n.person[key]; there {
			source = "quorate.toml:1"
		}
		if _, there := n.own[key]; there {
			source = ownFile + ":3"
		}
		list = append(list, bus.Setting{Key: key, Source: source})
	}
	return list, nil
}

func (n configOf) Values(context.Context, bus.Caller) (map[string]any, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	values := map[string]any{"a": int64(0), "b": int64(0), "secret": ""}
	maps.Copy(values, n.person)
	maps.Copy(values, n.own)
	delete(values, n.hidden)
	return values, nil
}

func (n configOf) Set(_ context.Context, _ bus.Caller, values map[string]any) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.Copy(n.own, values)
	return 1, nil
}

func (n configOf) Unset(_ context.Context, _ bus.Caller, keys []string) (uint64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, key := range keys {
		delete(n.own, key)
	}
	return 1, nil
}

func (n xmppOf) Status(context.Context) (bus.XmppStatus, error) {
	return bus.XmppStatus{Faults: n.faults}, nil
}

func (n xmppOf) Applied(context.Context, uint64) ([]bus.Step, error) {
	if n.down {
		return nil, fault.New(fault.Unavailable, "not there")
	}
	return n.applied, nil
}

// up puts both services on a bus.
func (n *node) up(t *testing.T) *bus.Conn {
	t.Helper()
	bustest.Start(t)
	server, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	if _, err := server.ServeConfig(configOf{node: n}, bus.ConfigProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := server.ServeXmpp(xmppOf{node: n}, bus.XmppProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestSet(t *testing.T) {
	busy := bus.Step{Name: "listen", Text: "port 1 is in use", Remedy: "choose another"}
	fine := bus.Step{Name: "tls", OK: true}
	for _, c := range []struct {
		name   string
		node   *node
		values map[string]any
		want   Outcome
		own    map[string]any // afterwards
	}{
		{"taken over", &node{applied: []bus.Step{fine}}, map[string]any{"a": int64(1)},
			Outcome{Steps: []bus.Step{fine}}, map[string]any{"a": int64(1)}},
		{"the service does not run", &node{down: true}, map[string]any{"a": int64(1)},
			Outcome{Waiting: true}, map[string]any{"a": int64(1)}},
		{"known before", &node{applied: []bus.Step{busy, fine}, faults: []bus.Fault{{Text: busy.Text}}}, map[string]any{"a": int64(1)},
			Outcome{Old: []bus.Step{busy}, Steps: []bus.Step{fine}}, map[string]any{"a": int64(1)}},
		{"a value set before comes back, a person's own stays", &node{applied: []bus.Step{busy}, own: map[string]any{"a": int64(7)}, person: map[string]any{"b": int64(8)}},
			map[string]any{"a": int64(1), "b": int64(1)},
			Outcome{Steps: []bus.Step{busy}, TakenBack: true}, map[string]any{"a": int64(7)}},
		{"a secret that is not shown can not come back, and then nothing does",
			&node{applied: []bus.Step{busy}, own: map[string]any{"a": int64(7), "secret": "old"}, hidden: "secret"},
			map[string]any{"a": int64(1), "secret": "new"},
			Outcome{Steps: []bus.Step{busy}}, map[string]any{"a": int64(1), "secret": "new"}},
		{"a secret that was not set goes", &node{applied: []bus.Step{busy}, hidden: "secret"}, map[string]any{"secret": "new"},
			Outcome{Steps: []bus.Step{busy}, TakenBack: true}, map[string]any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.node.own == nil {
				c.node.own = map[string]any{}
			}
			conn := c.node.up(t)
			got, err := Set(t.Context(), conn, Look(t.Context(), conn), c.values)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Error(d)
			}
			c.node.mu.Lock()
			defer c.node.mu.Unlock()
			if d := cmp.Diff(c.own, c.node.own); d != "" {
				t.Error(d)
			}
		})
	}
}

package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/replica"
)

// patience bounds every wait of these tests.
const patience = time.Minute

// lan is a network of nodes in this process over loopback TCP. Links can be cut.
type lan struct {
	t       testing.TB
	timers  Config // Heartbeat, Election, Lease
	changed chan struct{}
	nodes   map[string]*Node
	dirs    map[string]string

	mu    sync.Mutex // guards all below
	ports map[string]*port
	cut   map[string]bool // isolated nodes
}

// port is one node's Transport.
type port struct {
	net.Listener
	lan   *lan
	id    string
	mu    sync.Mutex // guards conns
	conns []pair
}

type pair struct {
	peer string
	conn net.Conn
}

// fast are timers for tests that wait for them, slow for those where they must not matter.
var (
	fast = Config{Heartbeat: 300 * time.Millisecond, Election: 300 * time.Millisecond, Lease: 300 * time.Millisecond}
	slow = Config{Heartbeat: 4 * time.Second, Election: 4 * time.Second, Lease: 4 * time.Second}
)

func newLAN(t testing.TB, timers Config) *lan {
	l := &lan{t: t, timers: timers, changed: make(chan struct{}, 1), nodes: map[string]*Node{},
		dirs: map[string]string{}, ports: map[string]*port{}, cut: map[string]bool{}}
	t.Cleanup(func() {
		for _, n := range l.nodes {
			n.Close()
		}
	})
	return l
}

func (l *lan) kick() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *lan) config(id string) Config {
	c := l.timers
	if l.dirs[id] == "" {
		l.dirs[id] = l.t.TempDir()
	}
	c.ID, c.Dir, c.OnChange = id, l.dirs[id], l.kick
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// open starts a node, again if it ran before.
func (l *lan) open(id string, bootstrap bool) *Node {
	l.t.Helper()
	n, err := Open(l.config(id), l.listen(id), bootstrap)
	if err != nil {
		l.t.Fatalf("opening %s: %v", id, err)
	}
	l.nodes[id] = n
	return n
}

func (l *lan) listen(id string) *port {
	l.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	p := &port{Listener: listener, lan: l, id: id}
	l.mu.Lock()
	l.ports[id] = p
	l.mu.Unlock()
	return p
}

// form makes a cluster of voters whose leader is the first.
func (l *lan) form(ids ...string) *Node {
	l.t.Helper()
	first := l.open(ids[0], true)
	l.elect(first)
	for _, id := range ids[1:] {
		l.open(id, false)
		l.admit(first, id)
	}
	return first
}

// elect makes a lone node lead without waiting for its timer.
func (l *lan) elect(n *Node) {
	l.t.Helper()
	if err := n.trans.inject(&raft.TimeoutNowRequest{RPCHeader: n.header()}, patience); err != nil {
		l.t.Fatal(err)
	}
	l.await("a leader", func() bool { return n.Status().Role == Leader })
}

func (l *lan) admit(leader *Node, id string) {
	l.t.Helper()
	ctx := l.ctx()
	if err := leader.AddNonvoter(ctx, id); err != nil {
		l.t.Fatalf("adding %s: %v", id, err)
	}
	if err := leader.CaughtUp(ctx, id); err != nil {
		l.t.Fatalf("%s catching up: %v", id, err)
	}
	if err := leader.Promote(ctx, id); err != nil {
		l.t.Fatalf("promoting %s: %v", id, err)
	}
	l.await(id+" a committed voter who knows the leader", func() bool {
		return l.nodes[id].fsm.committedVoter(id) && l.nodes[id].Status().LeaderID == leader.id
	})
}

func (l *lan) close(id string) {
	l.t.Helper()
	if err := l.nodes[id].Close(); err != nil {
		l.t.Fatalf("closing %s: %v", id, err)
	}
}

func (l *lan) propose(n *Node, c replica.Command) {
	l.t.Helper()
	if err := n.Propose(l.ctx(), c); err != nil {
		l.t.Fatalf("proposing %s: %v", c.Op, err)
	}
}

func (l *lan) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	l.t.Cleanup(cancel)
	return ctx
}

// await returns when ok is true; it looks after every change of any node.
func (l *lan) await(what string, ok func() bool) {
	l.t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-l.changed:
		case <-deadline:
			for id, n := range l.nodes {
				l.t.Logf("%s: %+v", id, n.Status())
			}
			l.t.Fatalf("there was never %s", what)
		}
	}
}

// look has await look again and again, until stop, where no change tells it to.
func (l *lan) look() (stop func()) {
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.kick()
			case <-done:
				return
			}
		}
	})
	return func() { close(done); running.Wait() }
}

// leader waits until exactly the given nodes agree on one leader among them.
func (l *lan) leader(ids ...string) *Node {
	l.t.Helper()
	var leader *Node
	l.await(fmt.Sprintf("one leader of %v", ids), func() bool {
		known := map[string]bool{}
		leader = nil
		for _, id := range ids {
			s := l.nodes[id].Status()
			known[fmt.Sprint(s.LeaderID, s.Term)] = true
			if s.Role == Leader {
				leader = l.nodes[id]
			}
		}
		return leader != nil && len(known) == 1
	})
	return leader
}

// isolate cuts a node off, or heals.
func (l *lan) isolate(id string, off bool) {
	l.mu.Lock()
	l.cut[id] = off
	ports := make([]*port, 0, len(l.ports))
	for _, p := range l.ports {
		ports = append(ports, p)
	}
	l.mu.Unlock()
	for _, p := range ports {
		p.mu.Lock()
		for _, c := range p.conns {
			if off && (p.id == id || c.peer == id) {
				c.conn.Close()
			}
		}
		p.mu.Unlock()
	}
}

// Dial implements Transport.
func (p *port) Await(context.Context, string) {}

func (p *port) Dial(id string, timeout time.Duration) (net.Conn, error) {
	p.lan.mu.Lock()
	to, cut := p.lan.ports[id], p.lan.cut[p.id] || p.lan.cut[id]
	p.lan.mu.Unlock()
	if to == nil || cut {
		return nil, errors.New("no route to " + id)
	}
	conn, err := net.DialTimeout("tcp", to.Addr().String(), timeout)
	if err == nil {
		p.mu.Lock()
		p.conns = append(p.conns, pair{id, conn})
		p.mu.Unlock()
	}
	return conn, err
}

package cluster_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/edge"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/xmlwire"
)

// member is one node of a cluster in this process, on an address of its own.
type member struct {
	t       testing.TB
	dir     string
	addr    string
	port    int // of the mesh
	cert    *tls.Certificate
	trust   atomic.Bool
	cluster *cluster.Cluster
	forward *forward.Node
	quit    context.CancelFunc
	running sync.WaitGroup
}

var lastAddr atomic.Int32

func certificate(t testing.TB) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "meet.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

type facts struct{ state func() *replica.State }

func (f facts) Domain() string              { return f.state().Domain }
func (f facts) CallBridge(name string) bool { _, ok := f.state().CallBridge(name); return ok }
func (f facts) CallBridges() []string       { return nil }

func newMember(t testing.TB, cert *tls.Certificate) *member {
	m := &member{t: t, dir: t.TempDir(), addr: fmt.Sprintf("127.0.%d.%d", 90, lastAddr.Add(1)), port: 5224, cert: cert}
	m.trust.Store(true)
	m.open()
	t.Cleanup(m.close)
	return m
}

func (m *member) open() {
	m.t.Helper()
	inc := forward.NewIncarnation()
	log := slog.New(slog.NewTextHandler(m.t.Output(), nil)).With("node", m.addr)
	c, err := cluster.Open(cluster.Config{
		Dir: m.dir, Name: m.addr, Version: "test", Addr: m.addr, ClientPort: 5222, MeshPort: m.port, GossipPort: 7946,
		Incarnation: inc, Logger: log,
		Certificate: func() (*tls.Certificate, error) { return m.cert, nil },
		Trust: func([]*x509.Certificate) error {
			if !m.trust.Load() {
				return fault.New(fault.Trust, "not trusted")
			}
			return nil
		},
		NewTraffic: func(id string, links *mesh.Mesh, state func() *replica.State) cluster.Traffic {
			m.forward = forward.New(forward.Config{ID: id, Inc: inc, Links: links, Facts: facts{state}, Logger: log})
			return m.forward
		},
		Directory: func() map[string]string { return m.forward.Directory() },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	m.cluster = c
	ctx, quit := context.WithCancel(context.Background())
	m.quit = quit
	m.running.Go(func() { m.forward.Run(ctx) })
}

func (m *member) close() {
	if m.cluster == nil {
		return
	}
	if err := m.cluster.Abort(); err != nil {
		m.t.Logf("closing %s: %v", m.addr, err)
	}
	m.quit()
	m.running.Wait()
	m.cluster = nil
}

// again runs a transition and opens the instance anew, as package node does.
func (m *member) again(act func() error, between func(string) error) {
	m.t.Helper()
	if err := act(); err != nil {
		m.t.Fatalf("%s: %v", m.addr, err)
	}
	m.close()
	if between != nil {
		if err := between(m.dir); err != nil {
			m.t.Fatal(err)
		}
	}
	m.open()
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited too long until %s", what)
}

func propose(t testing.TB, m *member, c replica.Command) {
	t.Helper()
	if err := m.cluster.Propose(t.Context(), c); err != nil {
		t.Fatalf("%s: %v", m.addr, err)
	}
}

// form makes a cluster of n nodes by enable, initialize and join.
func form(t testing.TB, n int) []*member {
	t.Helper()
	cert := certificate(t)
	first := newMember(t, cert)
	propose(t, first, replica.SetDomain("meet.example"))
	for i := range n {
		propose(t, first, replica.AddCallBridge(fmt.Sprintf("cb%d", i+1), replica.NewSecret()))
	}
	first.again(first.cluster.Enable, nil)
	first.again(func() error { return first.cluster.Initialize(t.Context()) }, nil)
	all := []*member{first}
	for range n - 1 {
		m := newMember(t, cert)
		m.again(m.cluster.Enable, nil)
		m.again(func() error { return m.cluster.Join(t.Context(), first.addr) }, cluster.Enter)
		all = append(all, m)
		until(t, m.addr+" votes", func() bool {
			v := m.cluster.View()
			return v.Voters == len(all) && v.LeaderID != "" && voting(v)
		})
	}
	return all
}

func voting(v cluster.View) bool {
	for _, p := range v.Peers {
		if p.Self && !p.Voter {
			return false
		}
	}
	return len(v.Peers) == v.Voters
}

func leaderOf(t testing.TB, all []*member) (leader *member, others []*member) {
	t.Helper()
	until(t, "one leads", func() bool {
		leader, others = nil, nil
		for _, m := range all {
			if m.cluster != nil && m.cluster.View().State == cluster.StateLeader {
				leader = m
			} else {
				others = append(others, m)
			}
		}
		return leader != nil
	})
	return leader, others
}

// inbox is the stream of a session in these tests.
type inbox struct{ got chan string }

func (i inbox) Enqueue(raw []byte) bool { i.got <- string(raw); return true }
func (i inbox) Drain() [][]byte         { return nil }
func (i inbox) Shut(string, string)     {}

func bind(t testing.TB, m *member, addr string) (edge.Session, inbox) {
	t.Helper()
	in := inbox{make(chan string, 10000)}
	s, err := m.forward.Bind(t.Context(), edge.Component, jid.MustParse(addr), in)
	if err != nil {
		t.Fatalf("binding %s at %s: %v", addr, m.addr, err)
	}
	return s, in
}

// scanned returns one stanza with its header, as an edge's scanner finds it.
func scanned(t testing.TB, raw string) (*xmlwire.Header, []byte) {
	t.Helper()
	s := xmlwire.NewScanner(xmlwire.Limits{})
	open := "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"
	if _, _, err := s.Next([]byte(open)); err != nil {
		t.Fatal(err)
	}
	ev, _, err := s.Next([]byte(raw))
	if err != nil || ev.Kind != xmlwire.Stanza {
		t.Fatalf("%s: %v", raw, err)
	}
	return ev.Header, ev.Raw
}

func TestFormsAndRoutes(t *testing.T) {
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	a, _ := bind(t, followers[0], "cb1.meet.example")
	_, in := bind(t, followers[1], "cb2.meet.example")
	for i := range 100 {
		raw := fmt.Sprintf("<message from='cb1.meet.example' to='x@cb2.meet.example' id='%d'/>", i)
		h, b := scanned(t, raw)
		if err := a.Send(t.Context(), h, b); err != nil {
			t.Fatal(err)
		}
		if got := <-in.got; got != raw {
			t.Fatalf("got %s, want %s", got, raw)
		}
	}
	h, b := scanned(t, "<message from='cb1.meet.example' to='x@cb9.meet.example'/>")
	if err := a.Send(t.Context(), h, b); err != nil {
		t.Fatal(err)
	}
}

// TestFlowSurvivesLeader: between two followers nothing is lost, doubled or
// reordered when the leader goes, and a new one is there at once.
func TestFlowSurvivesLeader(t *testing.T) {
	all := form(t, 3)
	leader, followers := leaderOf(t, all)
	a, _ := bind(t, followers[0], "cb1.meet.example")
	_, in := bind(t, followers[1], "cb2.meet.example")
	const count = 600
	sending := make(chan error, 1)
	go func() {
		for i := range count {
			h, b := scanned(t, fmt.Sprintf("<message from='cb1.meet.example' to='cb2.meet.example' id='%d'/>", i))
			if err := a.Send(t.Context(), h, b); err != nil {
				sending <- err
				return
			}
			time.Sleep(time.Millisecond)
		}
		sending <- nil
	}()
	var gap time.Duration
	last := time.Now()
	for i := range count {
		if i == count/3 {
			go leader.close()
		}
		select {
		case got := <-in.got:
			if want := fmt.Sprintf("<message from='cb1.meet.example' to='cb2.meet.example' id='%d'/>", i); got != want {
				t.Fatalf("got %s, want number %d", got, i)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("number %d did not come", i)
		}
		if d := time.Since(last); d > gap {
			gap = d
		}
		last = time.Now()
	}
	if err := <-sending; err != nil {
		t.Fatal(err)
	}
	t.Logf("longest gap over the leader's end: %v", gap)
}

func TestMembershipChanges(t *testing.T) {
	all := form(t, 3)
	leader, others := leaderOf(t, all)

	gone := others[0]
	gone.again(func() error { return gone.cluster.Leave(t.Context(), cluster.Enabled) }, cluster.Forget)
	if v := gone.cluster.View(); v.State != cluster.StateNotJoined {
		t.Errorf("after leaving the state is %s", v.State)
	}
	until(t, "two voters are left", func() bool { v := leader.cluster.View(); return v.Voters == 2 && len(v.Peers) == 2 })
	if s := gone.cluster.State(); s.Domain != "meet.example" || len(s.CallBridges) != 3 {
		t.Errorf("the leaver has domain %q and %d call bridges at once, want its copy", s.Domain, len(s.CallBridges))
	}
	gone.again(func() error { return gone.cluster.Join(t.Context(), leader.addr) }, cluster.Enter)
	until(t, "three voters are back", func() bool { v := gone.cluster.View(); return v.Voters == 3 && len(v.Peers) == 3 && voting(v) })

	dead := others[1]
	dead.close()
	until(t, "the dead node's link is down", func() bool { return leader.cluster.View().Reachable == 2 })
	leader, _ = leaderOf(t, []*member{leader, gone})
	if err := leader.cluster.Evict(t.Context(), dead.addr); err != nil {
		t.Fatal(err)
	}
	until(t, "the dead node is out", func() bool { v := leader.cluster.View(); return v.Voters == 2 && len(v.Peers) == 2 })
}

// A node that comes back under another port, which the leader calls in vain,
// tells where it is by itself.
func TestMovedPort(t *testing.T) {
	all := form(t, 3)
	leader, others := leaderOf(t, all)
	moved := others[0]
	id := moved.cluster.ID()
	moved.again(func() error { moved.port = 5324; return nil }, nil)
	until(t, "the moved node follows", func() bool { return moved.cluster.View().State == cluster.StateFollower })
	until(t, "the leader knows the new port", func() bool { return leader.cluster.State().Members[id].MeshPort == 5324 })
	propose(t, moved, replica.AddCallBridge("late", replica.NewSecret()))
	if v := moved.cluster.View(); v.Voters != 3 || len(v.Peers) != 3 {
		t.Errorf("after the move there are %d voters and %d peers, want 3", v.Voters, len(v.Peers))
	}
}

func TestRefusals(t *testing.T) {
	all := form(t, 2)
	cert := all[0].cert
	stranger := newMember(t, cert)
	join := func(host string) error { return stranger.cluster.Join(t.Context(), host) }

	wantFault(t, "join before enable", join(all[0].addr), fault.WrongState)
	stranger.again(stranger.cluster.Enable, nil)
	wantFault(t, "unresolvable host", join("no.such.host.invalid"), fault.DNS)
	wantFault(t, "unreachable host", join("127.0.91.200"), fault.TCP)
	wantFault(t, "itself", join(stranger.addr), fault.InvalidArgument)

	all[0].trust.Store(false)
	wantFault(t, "untrusted by the peer", join(all[0].addr), fault.Trust)
	all[0].trust.Store(true)

	propose(t, stranger, replica.SetDomain("other.example"))
	wantFault(t, "other domain", join(all[1].addr), fault.WrongDomain)
	propose(t, stranger, replica.SetDomain("meet.example"))
	propose(t, stranger, replica.AddCallBridgeSecret("cb1", "AAAAAAAAAAAAAAAAAAA"))
	wantFault(t, "conflicting secret", join(all[1].addr), fault.SecretConflict)
	if stranger.cluster.Mode() != cluster.Enabled || len(all[0].cluster.State().Members) != 2 {
		t.Error("a refused join changed something")
	}

	all[1].close()
	err := all[0].cluster.Propose(t.Context(), replica.AddCallBridge("late", replica.NewSecret()))
	wantFault(t, "write without quorum", err, fault.NoQuorum)
	if want := "no quorum: 1 of 2 voters reachable, 2 needed"; err != nil && err.(*fault.Error).Message != want {
		t.Errorf("the refusal says %q, want %q", err, want)
	}
	if err := all[0].cluster.MayRecover(); err != nil {
		t.Fatal(err)
	}
	lone := all[0]
	lone.again(func() error { return nil }, func(string) error { return nil })
	recoverLone(t, lone)
}

func recoverLone(t testing.TB, m *member) {
	t.Helper()
	c := m.cluster
	m.again(c.MayRecover, func(string) error { return c.Recover() })
	until(t, "the survivor leads alone", func() bool { v := m.cluster.View(); return v.State == cluster.StateLeader && v.Voters == 1 })
	propose(t, m, replica.AddCallBridge("late", replica.NewSecret()))
}

func wantFault(t testing.TB, what string, err error, code fault.Code) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Errorf("%s: %v, want a fault %s", what, err, code)
	}
}

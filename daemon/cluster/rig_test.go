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
	"flag"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// TestMain runs a few tests at the same time on any machine: they wait more than
// they compute. With more of them a busy host can keep no leader.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "3"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// member is one node of a cluster in this process, on an address of its own.
type member struct {
	t       testing.TB
	dir     string
	addr    string
	port    int // of the mesh
	machine string
	cert    *tls.Certificate
	trust   atomic.Bool
	judge   atomic.Pointer[x509.Certificate] // the one certificate that is not trusted
	entries []cluster.Entry
	log     *journal
	cluster *cluster.Cluster
	forward *forward.Node
	quit    context.CancelFunc
	running sync.WaitGroup
}

var lastAddr atomic.Int32

// newAddr returns an address that no other node of these tests has, nor one of
// another run of them at the same time.
func newAddr() string {
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>8%128, pid%256, lastAddr.Add(1))
}

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
func (f facts) Serves(d string) bool        { return f.state().Serves(d) }
func (f facts) CallBridge(name string) bool { _, ok := f.state().CallBridge(name); return ok }
func (f facts) CallBridges() []string       { return nil }

func newMember(t testing.TB, cert *tls.Certificate) *member {
	m := unopened(t, cert)
	m.open()
	return m
}

// unopened is a member whose directory can still be filled.
func unopened(t testing.TB, cert *tls.Certificate) *member {
	m := &member{t: t, dir: t.TempDir(), addr: newAddr(), port: 5224, cert: cert, log: &journal{t: t}}
	m.trust.Store(true)
	t.Cleanup(m.log.end)
	t.Cleanup(m.close)
	return m
}

func (m *member) open() {
	m.t.Helper()
	inc := forward.NewIncarnation()
	log := slog.New(slog.NewTextHandler(m.log, nil)).With("node", m.addr)
	c, err := cluster.Open(cluster.Config{
		Dir: m.dir, Name: m.addr, Version: "test", Machine: m.machine, Addr: m.addr, ClientPort: 5222, MeshPort: m.port, GossipPort: 7946,
		Incarnation: inc, Logger: log,
		Certificate: func() (*tls.Certificate, error) { return m.cert, nil },
		Entries:     func(string) []cluster.Entry { return m.entries },
		Trust: func(chain []*x509.Certificate) error {
			if !m.trust.Load() {
				return fault.New(fault.Trust, "not trusted")
			}
			if chain[0].Equal(m.judge.Load()) {
				return fault.New(fault.Trust, "not that one")
			}
			return nil
		},
		NewTraffic: func(id string, links *mesh.Mesh, c *cluster.Cluster) cluster.Traffic {
			m.forward = forward.New(forward.Config{ID: id, Inc: inc, Links: links, Facts: facts{c.State}, Store: c, Logger: log})
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

// patience bounds every wait; nothing waits so long unless it is broken.
const patience = time.Minute

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited too long until %s", what)
}

// propose waits out an election: on a busy host one comes at any time.
func propose(t testing.TB, m *member, c replica.Command) {
	t.Helper()
	late := false
	err := patiently(m, "finds a leader", func() error {
		err := m.cluster.Propose(t.Context(), c)
		if late && fault.CodeOf(err) == fault.Exists {
			return nil // the try before was late, not lost
		}
		late = true
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", m.addr, err)
	}
}

// join makes it a member of the cluster that another is in.
func (m *member) join(other *member) {
	m.t.Helper()
	m.again(func() error {
		return patiently(m, "is let in", func() error { return m.cluster.Join(m.t.Context(), other.addr) })
	}, cluster.Enter)
}

// patiently tries again what a busy host may be too slow for, as a person would.
func patiently(m *member, what string, act func() error) (err error) {
	m.t.Helper()
	until(m.t, m.addr+" "+what, func() bool {
		err = act()
		return !slices.Contains([]fault.Code{fault.NoQuorum, fault.Timeout, fault.TCP}, fault.CodeOf(err))
	})
	return err
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
		m.join(first)
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

func wantFault(t testing.TB, what string, err error, code fault.Code) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != code {
		t.Errorf("%s: %v, want a fault %s", what, err, code)
	}
}

// journal is what a node logs. Probes of gossip under way outlive its end, and
// the test's.
type journal struct {
	t    testing.TB
	mu   sync.Mutex // guards what follows
	text strings.Builder
	over bool
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over {
		return len(b), nil
	}
	j.text.Write(b)
	return j.t.Output().Write(b)
}

func (j *journal) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.over = true
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}

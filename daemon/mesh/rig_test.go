package mesh

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal/journaltest"
)

// patience bounds every wait; nothing waits so long unless it is broken.
const patience = time.Minute

// keepalive is short, so that silence is noticed soon; calm is for tests that
// must not take a slow machine for silence.
const (
	keepalive = 80 * time.Millisecond
	calm      = 2 * time.Second
)

var lastAddr atomic.Int32

// peer is one node's mesh, on an address of its own, that tells all it hears of.
type peer struct {
	*Mesh
	t      *testing.T
	addr   string // host:port
	events chan string
	got    chan []byte
	call   func(from Caller, method string, body []byte) ([]byte, error)
	trust  atomic.Pointer[fault.Error] // why certificates are refused
	out    atomic.Pointer[string]      // the one certificate that is refused, as DER
	cert   atomic.Pointer[tls.Certificate]
	log    *journaltest.Text
}

func (p *peer) LinkUp(id string) { p.events <- "up " + id }
func (p *peer) LinkDown(id string, dead bool) {
	p.events <- map[bool]string{false: "down ", true: "dead "}[dead] + id
}
func (p *peer) Receive(_ string, payloads [][]byte) {
	for _, b := range payloads {
		p.got <- b
	}
}
func (p *peer) Call(from Caller, method string, body []byte) ([]byte, error) {
	return p.call(from, method, body)
}

func newPeer(t *testing.T, id *Identity) *peer {
	t.Helper()
	return newPeerAt(t, id, newAddr())
}

func newAddr() string { return fmt.Sprintf("127.0.93.%d:5224", lastAddr.Add(1)) }

func newPeerAt(t *testing.T, id *Identity, addr string) *peer {
	t.Helper()
	return newPeerWith(t, id, addr, keepalive)
}

func newPeerWith(t *testing.T, id *Identity, addr string, keepalive time.Duration) *peer {
	t.Helper()
	p := &peer{t: t, addr: addr, events: make(chan string, 1000), got: make(chan []byte, 1000), log: &journaltest.Text{}}
	p.cert.Store(certificate(t))
	var inc [16]byte
	rand.Read(inc[:])
	p.Mesh = New(Config{Identity: id, Name: "node-" + id.ID[:4], Version: "test", Incarnation: inc, Keepalive: keepalive, Handler: p,
		Certificate: func() (*tls.Certificate, error) { return p.cert.Load(), nil },
		Trust: func(chain []*x509.Certificate) error {
			if f := p.trust.Load(); f != nil {
				return f
			}
			if out := p.out.Load(); out != nil && string(chain[0].Raw) == *out {
				return fault.New(fault.Trust, "out of trust")
			}
			return nil
		},
		Logger: slog.New(slog.NewTextHandler(p.log, nil))})
	t.Cleanup(p.Close)
	return p
}

func (p *peer) listen() *peer {
	p.t.Helper()
	if err := p.Listen(p.addr); err != nil {
		p.t.Fatal(err)
	}
	return p
}

// distrusts takes the certificate of another peer out of the trust.
func (p *peer) distrusts(other *peer) {
	leaf := string(other.cert.Load().Certificate[0])
	p.out.Store(&leaf)
}

func (p *peer) id() string { return p.cfg.Identity.ID }

func (p *peer) entry() Peer {
	host, port, _ := strings.Cut(p.addr, ":")
	e := Peer{ID: p.id(), Name: p.cfg.Name, Key: p.cfg.Identity.Public(), Addr: host}
	fmt.Sscan(port, &e.Port)
	return e
}

// join tells peers that they are a cluster.
func join(all ...*peer) {
	for _, p := range all {
		p.SetMembership(membership(p, all...))
	}
}

func membership(self *peer, all ...*peer) *Membership {
	ms := &Membership{ClusterID: "cluster", Peers: map[string]Peer{}, Removed: map[string]bool{}}
	for _, p := range all {
		if p.id() != self.id() {
			ms.Peers[p.id()] = p.entry()
		}
	}
	return ms
}

// identities returns fresh identities in the order of their IDs: the first
// dials the others.
func identities(n int) []*Identity {
	var list []*Identity
	for range n {
		list = append(list, NewIdentity())
	}
	slices.SortFunc(list, func(a, b *Identity) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// pair is two linked members; a dials.
func pair(t *testing.T) (a, b *peer) {
	t.Helper()
	return pairWith(t, calm)
}

func pairWith(t *testing.T, keepalive time.Duration) (a, b *peer) {
	t.Helper()
	ids := identities(2)
	a, b = newPeerWith(t, ids[0], newAddr(), keepalive).listen(), newPeerWith(t, ids[1], newAddr(), keepalive).listen()
	join(a, b)
	a.want("up " + b.id())
	b.want("up " + a.id())
	return a, b
}

// want waits for the next event, which must be that.
func (p *peer) want(event string) {
	p.t.Helper()
	select {
	case got := <-p.events:
		if got != event {
			p.t.Fatalf("%s heard %q, want %q", p.cfg.Name, got, event)
		}
	case <-time.After(patience):
		p.t.Fatalf("%s did not hear %q\n%s", p.cfg.Name, event, p.log)
	}
}

// receive waits for the next payload.
func (p *peer) receive() []byte {
	p.t.Helper()
	select {
	case b := <-p.got:
		return b
	case <-time.After(patience):
		p.t.Fatalf("%s received nothing\n%s", p.cfg.Name, p.log)
		return nil
	}
}

func (p *peer) say(to *peer, payload []byte) {
	p.t.Helper()
	if !p.Send(to.id(), func(b []byte) []byte { return append(b, payload...) }) {
		p.t.Fatal("Send says there is no link")
	}
	p.Flush(false)
}

// wantLogged waits for what a peer journals: it answers first and writes then.
func wantLogged(t *testing.T, p *peer, text string) {
	t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(p.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the journal does not say %q:\n%s", text, p.log.String())
		}
	}
}

func wantFault(t *testing.T, err error, code fault.Code, text string) {
	t.Helper()
	if err == nil || fault.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("got %s %v, want %s …%s…", fault.CodeOf(err), err, code, text)
	}
}

func certificate(t *testing.T) *tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// greeting is a TLS connection to p's port on which no hello was said yet.
func greeting(t *testing.T, p *peer, proto string) *tls.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{proto}, Certificates: []tls.Certificate{*certificate(t)}}}
	c, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*tls.Conn)
}

// relay passes one connection at a time on to a target, until it is frozen or
// cut. It stands for a network.
type relay struct {
	net.Listener
	frozen atomic.Bool
	mu     sync.Mutex // guards conns
	conns  []net.Conn
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l}
	var passing sync.WaitGroup
	passing.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			r.mu.Lock()
			r.conns = append(r.conns, in, out)
			r.mu.Unlock()
			passing.Go(func() { r.pass(in, out) })
			passing.Go(func() { r.pass(out, in) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		r.cut()
		passing.Wait()
	})
	return r
}

func (r *relay) pass(from, to net.Conn) {
	defer to.Close()
	b := make([]byte, 4096)
	for {
		n, err := from.Read(b)
		if err != nil {
			return
		}
		if !r.frozen.Load() {
			to.Write(b[:n])
		}
	}
}

// cut breaks the connections; new ones are taken.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.conns {
		c.Close()
	}
	r.conns = nil
}

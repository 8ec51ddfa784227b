package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Mesh is this node's end of every connection between nodes.
type Mesh struct {
	cfg     Config
	log     *slog.Logger
	members atomic.Pointer[Membership]
	raft    chan net.Conn
	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	began   time.Time
	limit   time.Duration // for a handshake with both hellos
	running sync.WaitGroup

	gate       gate
	complaints complaints
	telling    sync.Mutex // held while the handler is told of a link, so that it hears of them in order

	mu       sync.Mutex // guards what follows
	closed   bool
	listener net.Listener
	dialers  map[string]*dialer
	links    map[string]*link
	dirty    []*link              // sent to since the last Flush
	down     map[string]time.Time // since when a member's link is lost; long ago when its process is gone
	conns    map[net.Conn]bool    // accepted, so that Close can end them
	loans    map[*loan]bool       // lent to consensus and not closed
}

// New returns a mesh without a port and without peers.
func New(cfg Config) *Mesh {
	if cfg.Keepalive <= 0 {
		cfg.Keepalive = 125 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.Speaks == (Speech{}) {
		cfg.Speaks = Spoken
	}
	m := &Mesh{cfg: cfg, log: cfg.Logger, raft: make(chan net.Conn), began: time.Now(), limit: handshakeTime,
		dialers: make(map[string]*dialer), links: make(map[string]*link), conns: make(map[net.Conn]bool), down: make(map[string]time.Time),
		loans: make(map[*loan]bool)}
	m.ctx, m.stop = context.WithCancel(context.Background())
	m.members.Store(&Membership{})
	return m
}

// uptime is a clock that never jumps.
func (m *Mesh) uptime() time.Duration { return time.Since(m.began) }

func (m *Mesh) membership() *Membership { return m.members.Load() }

// SetMembership tells who belongs to the cluster. Links to others are closed,
// and links to new members are made.
func (m *Mesh) SetMembership(ms *Membership) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.members.Store(ms)
	if m.closed {
		return
	}
	for id, d := range m.dialers {
		if p, ok := ms.Peers[id]; !ok || p.address() != d.addr {
			d.cancel()
			delete(m.dialers, id)
		}
	}
	for id, l := range m.links {
		if _, ok := ms.Peers[id]; !ok {
			l.close(errNoMember)
		}
	}
	for id := range m.down {
		if _, ok := ms.Peers[id]; !ok {
			delete(m.down, id)
		}
	}
	for id, p := range ms.Peers {
		if _, known := m.down[id]; !known && m.links[id] == nil {
			m.down[id] = time.Now()
		}
		if id > m.cfg.Identity.ID && m.dialers[id] == nil { // the lower ID dials
			m.dialers[id] = m.startDialer(p)
		}
	}
}

// Listen opens the port. An open one is closed first, unless it is the same.
func (m *Mesh) Listen(addr string) error {
	m.mu.Lock()
	if m.listener != nil && m.listener.Addr().String() == addr {
		m.mu.Unlock()
		return nil
	}
	m.mu.Unlock()
	m.Unlisten()
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("opening cluster port %s: %w", addr, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		l.Close()
		return net.ErrClosed
	}
	m.listener = l
	m.running.Go(func() { m.accept(l) })
	return nil
}

// Unlisten closes the port; links stay.
func (m *Mesh) Unlisten() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		m.listener.Close()
		m.listener = nil
	}
}

// Close ends every connection and waits for the mesh's goroutines.
func (m *Mesh) Close() {
	m.Unlisten()
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	m.stop() // the dialers, too
	for _, l := range m.links {
		l.close(errPrecluded)
	}
	for c := range m.conns {
		c.Close()
	}
	m.mu.Unlock()
	m.running.Wait()
}

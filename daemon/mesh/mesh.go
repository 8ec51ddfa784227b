package mesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
)

// Mesh is this node's end of every connection between nodes.
type Mesh struct {
	cfg     Config
	log     *slog.Logger
	members atomic.Pointer[Membership]
	raft    chan net.Conn
	done    chan struct{}
	running sync.WaitGroup

	mu       sync.Mutex // guards what follows
	closed   bool
	listener net.Listener
	dialers  map[string]*dialer
	links    map[string]*link
	dirty    []*link              // sent to since the last Flush
	down     map[string]time.Time // since when a member's link is lost; long ago when its process is gone
	conns    map[net.Conn]bool    // accepted, so that Close can end them
}

// New returns a mesh without a port and without peers.
func New(cfg Config) *Mesh {
	if cfg.Keepalive <= 0 {
		cfg.Keepalive = 125 * time.Millisecond
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	m := &Mesh{cfg: cfg, log: cfg.Logger, raft: make(chan net.Conn), done: make(chan struct{}),
		dialers: make(map[string]*dialer), links: make(map[string]*link), conns: make(map[net.Conn]bool), down: make(map[string]time.Time)}
	m.members.Store(&Membership{})
	return m
}

func (m *Mesh) membership() *Membership { return m.members.Load() }

// SetMembership tells who belongs to the cluster. Links to others are closed,
// and links to new members are made.
func (m *Mesh) SetMembership(ms *Membership) {
	m.members.Store(ms)
	m.mu.Lock()
	defer m.mu.Unlock()
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
			l.close(errors.New("no longer a member"))
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
	close(m.done)
	for _, d := range m.dialers {
		d.cancel()
	}
	for _, l := range m.links {
		l.close(net.ErrClosed)
	}
	for c := range m.conns {
		c.Close()
	}
	m.mu.Unlock()
	m.running.Wait()
}

func (m *Mesh) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			m.log.Warn("accepting a peer", "error", err)
			select {
			case <-time.After(50 * time.Millisecond): // out of descriptors, say
			case <-m.done:
				return
			}
			continue
		}
		if !m.track(c) {
			c.Close()
			return
		}
		m.running.Go(func() {
			defer m.untrack(c)
			m.serve(c)
		})
	}
}

func (m *Mesh) track(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.conns[c] = true
	}
	return !m.closed
}

func (m *Mesh) untrack(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
}

func (m *Mesh) tls(protos ...string) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		NextProtos:                  protos,
		DynamicRecordSizingDisabled: true,
		SessionTicketsDisabled:      true,
		ClientAuth:                  tls.RequireAnyClientCert,
		InsecureSkipVerify:          true, // VerifyConnection judges by the cluster's trust, not by host name
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return m.cfg.Certificate() },
		GetClientCertificate:        func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return m.cfg.Certificate() },
		VerifyConnection:            func(cs tls.ConnectionState) error { return m.cfg.Trust(cs.PeerCertificates) },
	}
}

// serve handshakes one accepted connection and hands it to its protocol.
func (m *Mesh) serve(raw net.Conn) {
	conn := tls.Server(raw, m.tls(protoRaft, protoStanza, protoControl))
	conn.SetDeadline(time.Now().Add(handshakeTime))
	if err := conn.Handshake(); err != nil {
		raw.Close()
		if !errors.Is(err, net.ErrClosed) && err.Error() != "EOF" && !errors.Is(err, syscall.ECONNRESET) {
			m.log.Warn("a peer was refused", "remote", raw.RemoteAddr().String(), "error", inWords(err))
		}
		return
	}
	proto := conn.ConnectionState().NegotiatedProtocol
	c, h, err := m.readHello(conn, true)
	if err == nil {
		err = m.admit(c, h, proto)
	}
	if err == nil && proto == protoStanza {
		err = m.checkClone(c, h)
	}
	if err != nil {
		m.log.Warn("a peer was refused", "remote", raw.RemoteAddr().String(), "node_id", c.ID, "error", err)
		refuse(conn, err)
		return
	}
	if err := m.sayHello(conn, true); err != nil {
		conn.Close()
		return
	}
	conn.SetDeadline(time.Time{})
	switch proto {
	case protoRaft:
		select {
		case m.raft <- conn:
		case <-m.done:
			conn.Close()
		}
	case protoStanza:
		m.runLink(newLink(m, c.ID, h.Incarnation, conn))
	case protoControl:
		m.answer(conn, c)
	default:
		conn.Close()
	}
}

// connect dials a peer and greets it. want is the node ID expected, or "".
func (m *Mesh) connect(ctx context.Context, addr, proto, want string) (*tls.Conn, hello, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, hello{}, fault.New(fault.TCP, fmt.Sprintf("%s does not answer: %v", addr, cause(err)))
	}
	conn := tls.Client(raw, m.tls(proto))
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	h, err := m.greet(ctx, conn, want)
	if err != nil {
		raw.Close()
		return nil, h, err
	}
	return conn, h, nil
}

func (m *Mesh) greet(ctx context.Context, conn *tls.Conn, want string) (hello, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		return hello{}, inWords(err)
	}
	if err := m.sayHello(conn, false); err != nil {
		return hello{}, inWords(err)
	}
	c, h, err := m.readHello(conn, false)
	switch {
	case err != nil:
		return h, err
	case c.ID == m.cfg.Identity.ID:
		return h, fault.New(fault.Cloned, "the address belongs to a node with this node's own ID")
	case want != "" && c.ID != want:
		return h, fault.New(fault.WrongState, "another node answers at this address: "+c.Name)
	}
	return h, nil
}

// cause is the innermost error: "connection refused" rather than the whole dial.
func cause(err error) error {
	for {
		u := errors.Unwrap(err)
		if u == nil {
			return err
		}
		err = u
	}
}

// Refused reports whether the process at addr is gone: a new connection is
// refused at once. A process that is being killed may still take a connection
// for a moment, so success is tried again for 50 ms.
func Refused(ctx context.Context, addr string) bool {
	for range 10 {
		c, err := (&net.Dialer{Timeout: 100 * time.Millisecond}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return errors.Is(err, syscall.ECONNREFUSED)
		}
		c.Close()
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

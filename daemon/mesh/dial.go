package mesh

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// connect dials a peer and greets it. want is the node ID expected, or "".
func (m *Mesh) connect(ctx context.Context, addr, proto, want string) (*tls.Conn, hello, error) {
	ctx, cancel := context.WithTimeout(ctx, m.limit)
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
		if ctx.Err() != nil { // what broke then is only how it was noticed
			err = fault.New(fault.TCP, addr+" takes connections but does not answer in time")
		}
		return nil, h, err
	}
	return conn, h, nil
}

func (m *Mesh) greet(ctx context.Context, conn *tls.Conn, want string) (hello, error) {
	if err := conn.HandshakeContext(ctx); err != nil {
		return hello{}, inWords(err)
	}
	// The client's side of the handshake ends first: a refusal of its certificate
	// may break this write, and waits to be read.
	said := m.sayHello(conn, false)
	c, h, err := m.readHello(conn, false)
	switch {
	case err != nil:
		return h, err
	case said != nil:
		return h, inWords(said)
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
// refused. While a process is being killed its port may still take a connection,
// or swallow the request for one, so anything but a refusal is tried again, for
// about 50 ms on a port that answers and 250 ms on one that does not.
func Refused(ctx context.Context, addr string) bool {
	for range 10 {
		c, err := (&net.Dialer{Timeout: 25 * time.Millisecond}).DialContext(ctx, "tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return true
		}
		if err == nil {
			c.Close()
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return false
		}
	}
	return false
}

// dialer keeps the link to one peer that this node dials.
type dialer struct {
	addr   string
	cancel context.CancelFunc
	kick   chan struct{}
}

func (m *Mesh) startDialer(p Peer) *dialer {
	ctx, cancel := context.WithCancel(m.ctx)
	d := &dialer{addr: p.address(), cancel: cancel, kick: make(chan struct{}, 1)}
	m.running.Go(func() { m.dial(ctx, p, d.kick) })
	return d
}

// Kick makes a dialer that waits try again now: gossip saw the peer alive.
func (m *Mesh) Kick(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.dialers[id]; d != nil && !m.linked(id) {
		select {
		case d.kick <- struct{}{}:
		default:
		}
	}
}

// The pauses between two tries (rule 5 of the forwarding protocol).
const (
	redialFirst = 100 * time.Millisecond
	redialMost  = 5 * time.Second
	steady      = 10 * time.Second // a link that lasted so long starts over
)

// dial connects again and again.
func (m *Mesh) dial(ctx context.Context, p Peer, kick <-chan struct{}) {
	wait, said := redialFirst, ""
	for ctx.Err() == nil {
		conn, h, err := m.connect(ctx, p.address(), protoStanza, p.ID)
		if err == nil {
			said = ""
			if m.keep(ctx, newLink(m, p.ID, h.Incarnation, conn)) > steady {
				wait = redialFirst
			}
		} else if err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			m.cannotReach(p, err)
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, redialMost)
		case <-kick:
		case <-ctx.Done():
		}
	}
}

// keep runs a link and says how long it lasted.
func (m *Mesh) keep(ctx context.Context, l *link) time.Duration {
	stop := context.AfterFunc(ctx, func() { l.close(net.ErrClosed) })
	defer stop()
	began := time.Now()
	m.runLink(l)
	return time.Since(began)
}

func (m *Mesh) cannotReach(p Peer, err error) {
	attrs := []any{"node_id", p.ID, "address", p.address(), "error", err}
	switch fault.CodeOf(err) {
	case fault.TCP, fault.TLS: // nobody refuses anybody
	default:
		attrs = append(attrs, journal.ID(eventOf(err)))
	}
	m.log.Warn("a peer can not be reached", attrs...)
}

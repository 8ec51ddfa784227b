package mesh

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/fault"
)

const (
	maxPayload = 8 << 20  // of one message: a report of very many sessions
	maxQueued  = 64 << 20 // bytes waiting for one peer, above the sum of windows
	readChunk  = 64 << 10
)

// link is the one lasting connection to a peer. A message is its length, four
// bytes little-endian, and the payload; an empty one keeps the link alive.
type link struct {
	mesh     *Mesh
	id       string
	inc      [16]byte
	conn     *tls.Conn
	done     chan struct{}
	wake     chan struct{}
	lastRead atomic.Int64 // Unix nanoseconds

	mu  sync.Mutex // guards what follows
	buf []byte
	err error
}

func newLink(m *Mesh, id string, inc [16]byte, conn *tls.Conn) *link {
	return &link{mesh: m, id: id, inc: inc, conn: conn, done: make(chan struct{}), wake: make(chan struct{}, 1)}
}

// Send appends one payload for a peer: add appends it to the bytes it is given.
// Without a link it is dropped, as every loss is repaired at the next epoch.
func (m *Mesh) Send(id string, add func([]byte) []byte) bool {
	m.mu.Lock()
	l := m.links[id]
	m.mu.Unlock()
	return l != nil && l.send(add)
}

// Linked reports whether the link to a peer stands.
func (m *Mesh) Linked(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.links[id] != nil
}

func (l *link) send(add func([]byte) []byte) bool {
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return false
	}
	at := len(l.buf)
	l.buf = append(l.buf, 0, 0, 0, 0)
	if add != nil {
		l.buf = add(l.buf)
	}
	binary.LittleEndian.PutUint32(l.buf[at:], uint32(len(l.buf)-at-4))
	over := len(l.buf) > maxQueued
	l.mu.Unlock()
	if over {
		l.close(errors.New("the peer does not read"))
		return false
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

// close ends the link; its reader then reports the loss.
func (l *link) close(why error) {
	l.mu.Lock()
	first := l.err == nil
	if first {
		l.err = why
		l.buf = nil
		close(l.done)
	}
	l.mu.Unlock()
	if first {
		l.conn.NetConn().Close() // not the TLS close, which waits for a writer
	}
}

// write sends what waits, coalesced into one write, and keeps the link alive.
func (l *link) write() {
	var spare []byte
	tick := time.NewTicker(l.mesh.cfg.Keepalive)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-tick.C:
			if time.Since(time.Unix(0, l.lastRead.Load())) > 5*l.mesh.cfg.Keepalive {
				l.close(errors.New("the peer is silent"))
				return
			}
			l.send(nil)
		case <-l.wake:
		}
		l.mu.Lock()
		out := l.buf
		l.buf = spare[:0]
		l.mu.Unlock()
		if len(out) == 0 {
			spare = out
			continue
		}
		if _, err := l.conn.Write(out); err != nil {
			l.close(err)
			return
		}
		if spare = out; cap(spare) > 1<<20 {
			spare = nil // a burst's buffer is not kept
		}
	}
}

// read hands over payloads, batch by batch, until the link ends. Payloads
// alias the chunk they came in, which is not used again.
func (l *link) read() error {
	var rest []byte
	chunk := make([]byte, readChunk)
	n := 0
	for {
		k, err := l.conn.Read(chunk[n:])
		if k > 0 {
			l.lastRead.Store(time.Now().UnixNano())
		}
		if err != nil {
			return err
		}
		n += k
		var batch [][]byte
		batch, rest, err = split(chunk[:n])
		if err != nil {
			return err
		}
		if len(batch) > 0 {
			l.mesh.cfg.Handler.Receive(l.id, batch)
		}
		switch {
		case len(batch) > 0: // the handler owns the chunk now
			chunk = make([]byte, max(readChunk, need(rest)))
			n = copy(chunk, rest)
		case len(rest) == n && n == len(chunk): // one message larger than the chunk
			chunk = append(chunk, make([]byte, need(rest)-len(chunk))...)
		default:
			n = copy(chunk, rest)
		}
	}
}

// need is how many bytes the message begun in rest takes whole.
func need(rest []byte) int {
	if len(rest) < 4 {
		return readChunk
	}
	return int(binary.LittleEndian.Uint32(rest)) + 4
}

// split cuts whole messages off b.
func split(b []byte) (batch [][]byte, rest []byte, err error) {
	for len(b) >= 4 {
		n := binary.LittleEndian.Uint32(b)
		if n > maxPayload {
			return nil, nil, fmt.Errorf("message of %d bytes", n)
		}
		if uint64(len(b)) < uint64(n)+4 {
			break
		}
		if n > 0 {
			batch = append(batch, b[4:4+n:4+n])
		}
		b = b[4+n:]
	}
	return batch, b, nil
}

// runLink owns a link from hello to loss.
func (m *Mesh) runLink(l *link) {
	l.lastRead.Store(time.Now().UnixNano())
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		l.conn.Close()
		return
	}
	old := m.links[l.id]
	m.links[l.id] = l
	delete(m.down, l.id)
	m.mu.Unlock()
	if old != nil {
		old.close(errors.New("replaced by a new link"))
	}
	m.log.Info("link is up", "node_id", l.id)
	m.cfg.Handler.LinkUp(l.id)
	var writer sync.WaitGroup
	writer.Go(l.write)
	err := l.read()
	l.close(err)
	writer.Wait()
	m.mu.Lock()
	current := m.links[l.id] == l
	if current {
		delete(m.links, l.id)
		m.down[l.id] = time.Now()
	}
	m.mu.Unlock()
	if !current {
		return
	}
	l.mu.Lock()
	why := l.err
	l.mu.Unlock()
	m.log.Info("link is down", "node_id", l.id, "reason", why)
	m.cfg.Handler.LinkDown(l.id, false)
	m.prove(l.id, why)
}

// prove finds out whether the process behind a lost link is gone.
func (m *Mesh) prove(id string, why error) {
	p, ok := m.membership().Peers[id]
	if !ok || errors.Is(why, net.ErrClosed) && m.isClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if Refused(ctx, p.address()) && !m.Linked(id) {
		m.mu.Lock()
		m.down[id] = time.Time{}
		m.mu.Unlock()
		m.cfg.Handler.LinkDown(id, true)
	}
}

func (m *Mesh) isClosed() bool {
	select {
	case <-m.done:
		return true
	default:
		return false
	}
}

// checkClone refuses a second process with a linked peer's ID, as long as the
// first one still answers.
func (m *Mesh) checkClone(c Caller, h hello) error {
	m.mu.Lock()
	l := m.links[c.ID]
	m.mu.Unlock()
	if l == nil || l.inc == h.Incarnation {
		return nil
	}
	asked := time.Now()
	for time.Since(asked) < 5*m.cfg.Keepalive { // a live peer writes every Keepalive
		select {
		case <-l.done:
			return nil
		case <-time.After(m.cfg.Keepalive):
		}
		if l.lastRead.Load() > asked.UnixNano() {
			return fault.Mend(fault.Cloned, "the node ID "+c.ID+" is in use by two machines", "on the copy: xmpp reset --force")
		}
	}
	return nil
}

// dialer keeps the link to one peer that this node dials.
type dialer struct {
	addr   string
	cancel context.CancelFunc
	kick   chan struct{}
}

func (m *Mesh) startDialer(p Peer) *dialer {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dialer{addr: p.address(), cancel: cancel, kick: make(chan struct{}, 1)}
	m.running.Go(func() { m.dial(ctx, p, d.kick) })
	return d
}

// Kick makes a dialer that waits try again now: gossip saw the peer alive.
func (m *Mesh) Kick(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d := m.dialers[id]; d != nil && m.links[id] == nil {
		select {
		case d.kick <- struct{}{}:
		default:
		}
	}
}

// dial connects again and again, 0.1 s after a loss and up to 5 s apart (rule 5
// of the forwarding protocol).
func (m *Mesh) dial(ctx context.Context, p Peer, kick <-chan struct{}) {
	wait, said := 100*time.Millisecond, ""
	for ctx.Err() == nil {
		conn, h, err := m.connect(ctx, p.address(), protoStanza, p.ID)
		if err == nil {
			l := newLink(m, p.ID, h.Incarnation, conn)
			stop := context.AfterFunc(ctx, func() { l.close(net.ErrClosed) })
			began := time.Now()
			m.runLink(l)
			stop()
			if time.Since(began) > 10*time.Second {
				wait = 100 * time.Millisecond
			}
			said = ""
		} else if err.Error() != said && ctx.Err() == nil {
			said = err.Error()
			m.log.Warn("a peer can not be reached", "node_id", p.ID, "address", p.address(), "error", err)
		}
		select {
		case <-time.After(wait):
			wait = min(2*wait, 5*time.Second)
		case <-kick:
		case <-ctx.Done():
		}
	}
}

// Faults returns, for every member without a link, that it has none.
func (m *Mesh) Faults() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []string
	for id, p := range m.membership().Peers {
		if m.links[id] == nil {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out
}

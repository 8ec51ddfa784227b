package mesh

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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

	raw   syscall.RawConn
	dirty bool // in mesh.dirty; guarded by mesh.mu

	mu      sync.Mutex // guards what follows
	buf     []byte     // waits to be written
	spare   []byte     // the buffer written last, for reuse
	writing bool
	err     error
}

func newLink(m *Mesh, id string, inc [16]byte, conn *tls.Conn) *link {
	l := &link{mesh: m, id: id, inc: inc, conn: conn, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	if c, ok := conn.NetConn().(syscall.Conn); ok {
		l.raw, _ = c.SyscallConn() // without it nothing is written inline
	}
	return l
}

// Send appends one payload for a peer: add appends it to the bytes it is given.
// Without a link it is dropped, as every loss is repaired at the next epoch.
// Flush must follow.
func (m *Mesh) Send(id string, add func([]byte) []byte) bool {
	m.mu.Lock()
	l := m.links[id]
	if l != nil && !l.dirty {
		l.dirty = true
		m.dirty = append(m.dirty, l)
	}
	m.mu.Unlock()
	return l != nil && l.send(add)
}

// Flush has written what Send appended: by the links' writers, or inline by the
// caller where that will not wait. Inline saves two changes of thread, which is
// most of what a lone message costs; a caller that sends one by one must not
// ask for it, since the writers coalesce.
func (m *Mesh) Flush(inline bool) {
	m.mu.Lock()
	list := m.dirty
	m.dirty = nil
	for _, l := range list {
		l.dirty = false
	}
	m.mu.Unlock()
	for _, l := range list {
		if !inline || !l.writeInline() {
			l.kick()
		}
	}
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
	return true
}

func (l *link) kick() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Bounds within which a write from the reader's goroutine does not wait: the
// kernel's send buffer is at least 87 KiB. More than a few messages are left to
// the writer, which coalesces better.
const (
	inlineSize   = 2 << 10
	inlineUnsent = 32 << 10
)

// writeInline writes what waits, if nobody else does and the kernel takes it at
// once; false leaves it to the writer.
func (l *link) writeInline() bool {
	l.mu.Lock()
	if l.writing || l.err != nil || len(l.buf) > inlineSize || l.unsent() > inlineUnsent {
		l.mu.Unlock()
		return false
	}
	out := l.begin()
	l.mu.Unlock()
	return l.finish(out)
}

// begin takes what waits to be written. l.mu is held and nobody writes.
func (l *link) begin() []byte {
	out := l.buf
	l.buf, l.spare, l.writing = l.spare[:0], nil, true
	return out
}

// finish writes it, and says whether nothing came meanwhile.
func (l *link) finish(out []byte) bool {
	var err error
	if len(out) > 0 {
		_, err = l.conn.Write(out)
	}
	l.mu.Lock()
	l.writing = false
	if cap(out) <= 1<<20 { // a burst's buffer is not kept
		l.spare = out
	}
	more := len(l.buf) > 0
	l.mu.Unlock()
	if err != nil {
		l.close(err)
	}
	return !more
}

// unsent is how many bytes the kernel still holds for the peer.
func (l *link) unsent() int {
	if l.raw == nil {
		return inlineUnsent + 1
	}
	n := inlineUnsent + 1
	err := l.raw.Control(func(fd uintptr) {
		if v, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			n = v
		}
	})
	if err != nil {
		return inlineUnsent + 1
	}
	return n
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
		if l.writing { // the reader writes, and kicks if more came
			l.mu.Unlock()
			continue
		}
		out := l.begin()
		l.mu.Unlock()
		if !l.finish(out) {
			l.kick()
		}
	}
}

// read hands over payloads, batch by batch, until the link ends. Each batch is
// copied out of the reader's own buffer, in one piece.
func (l *link) read() error {
	chunk, n := make([]byte, readChunk), 0
	for {
		k, err := l.conn.Read(chunk[n:])
		if k > 0 {
			l.lastRead.Store(time.Now().UnixNano())
		}
		if err != nil {
			return err
		}
		n += k
		whole, count, err := complete(chunk[:n])
		if err != nil {
			return err
		}
		if count > 0 {
			l.mesh.cfg.Handler.Receive(l.id, split(bytes.Clone(chunk[:whole]), count))
		}
		n = copy(chunk, chunk[whole:n])
		if size := need(chunk[:n]); size > len(chunk) { // a message larger than the chunk
			chunk = append(chunk, make([]byte, size-len(chunk))...)
		} else if n == 0 && len(chunk) > readChunk {
			chunk = make([]byte, readChunk)
		}
	}
}

// need is how many bytes the message begun in rest takes whole.
func need(rest []byte) int {
	if len(rest) < 4 {
		return 4
	}
	return int(binary.LittleEndian.Uint32(rest)) + 4
}

// complete returns how many bytes of b are whole messages, and how many of
// those have a payload.
func complete(b []byte) (whole, count int, err error) {
	for len(b)-whole >= 4 {
		n := need(b[whole:])
		if n > maxPayload+4 {
			return 0, 0, fmt.Errorf("message of %d bytes", n-4)
		}
		if len(b)-whole < n {
			break
		}
		if n > 4 {
			count++
		}
		whole += n
	}
	return whole, count, nil
}

// split cuts the payloads out of whole messages.
func split(b []byte, count int) [][]byte {
	batch := make([][]byte, 0, count)
	for len(b) > 0 {
		n := need(b)
		if n > 4 {
			batch = append(batch, b[4:n:n])
		}
		b = b[n:]
	}
	return batch
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

package mesh

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// MaxPayload bounds one message, in bytes: above the largest stanza, or report of
	// sessions (router.MaxReport).
	MaxPayload = 48 << 20
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
	over     chan struct{} // closed when its loss is told and its place is free
	lastRead atomic.Int64  // nanoseconds of the mesh's uptime

	raw   syscall.RawConn
	dirty bool // in mesh.dirty; guarded by mesh.mu

	mu      sync.Mutex // guards what follows
	buf     []byte     // waits to be written
	spare   []byte     // the buffer written last, for reuse
	writing bool
	err     error
}

func newLink(m *Mesh, id string, inc [16]byte, conn *tls.Conn) *link {
	l := &link{mesh: m, id: id, inc: inc, conn: conn, done: make(chan struct{}), over: make(chan struct{}), wake: make(chan struct{}, 1)}
	l.hear()
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

// Reset breaks the link to a peer, which sent what can not be understood.
func (m *Mesh) Reset(id string, why error) {
	m.mu.Lock()
	l := m.links[id]
	m.mu.Unlock()
	if l != nil {
		l.close(why)
	}
}

// Linked reports whether the link to a peer stands.
func (m *Mesh) Linked(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.linked(id)
}

// linked is Linked with m.mu held. A link that is broken stands no more, though
// its loss may not have been told yet.
func (m *Mesh) linked(id string) bool {
	l := m.links[id]
	if l == nil {
		return false
	}
	select {
	case <-l.done:
		return false
	default:
		return true
	}
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
		l.close(errDoesNot)
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

// why is what ended the link.
func (l *link) why() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// write sends what waits, coalesced into one write.
func (l *link) write() {
	for {
		select {
		case <-l.done:
			return
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

// watch keeps the link alive, and ends it when the peer has fallen silent. It
// writes nothing itself: a write to a silent peer may wait for minutes.
func (l *link) watch() {
	tick := time.NewTicker(l.mesh.cfg.Keepalive)
	defer tick.Stop()
	for {
		select {
		case <-l.done:
			return
		case <-tick.C:
		}
		if l.mesh.uptime()-l.lastHeard() > silence*l.mesh.cfg.Keepalive {
			l.close(errSilent)
			return
		}
		l.send(nil)
		l.kick()
	}
}

func (l *link) hear()                    { l.lastRead.Store(int64(l.mesh.uptime())) }
func (l *link) lastHeard() time.Duration { return time.Duration(l.lastRead.Load()) }

// read hands over payloads, batch by batch, until the link ends. Each batch is
// copied out of the reader's own buffer, in one piece.
func (l *link) read() error {
	chunk, n := make([]byte, readChunk), 0
	for {
		k, err := l.conn.Read(chunk[n:])
		if k > 0 {
			l.hear()
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
		if whole > 0 { // not for each piece of a large message
			n = copy(chunk, chunk[whole:n])
		}
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
		if n > MaxPayload+4 {
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

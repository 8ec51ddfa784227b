package flow

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Dialer makes the TCP connection, so that a caller may choose a network
// namespace.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// Peer is one signed-in stream: a component or a client.
type Peer struct {
	JID string // "cb1.meet.example" or the full JID the server bound

	conn    net.Conn
	pending []byte // bytes read and not consumed; the handshake's, then the reader's
	handler atomic.Pointer[func(elem []byte)]

	mu    sync.Mutex // guards flows and serialises nothing else
	flows map[string]*Flow

	done chan struct{} // closed when the stream has ended
	err  error         // why; set before done is closed
}

// ErrClosed is a stream the server ended in order.
var ErrClosed = errors.New("the server closed the stream")

// negotiateLimit bounds a sign-in; the server itself waits 10 s for a leader.
const negotiateLimit = 15 * time.Second

func newPeer(conn net.Conn) *Peer {
	return &Peer{conn: conn, flows: map[string]*Flow{}, done: make(chan struct{})}
}

// next reads one element during negotiation.
func (p *Peer) next() ([]byte, error) {
	for {
		if n, end := split(p.pending); end {
			return nil, ErrClosed
		} else if n > 0 {
			elem := bytes.TrimSpace(p.pending[:n])
			p.pending = p.pending[n:]
			if bytes.HasPrefix(elem, []byte("<stream:error")) {
				return nil, fmt.Errorf("stream error: %s", elem)
			}
			return elem, nil
		}
		if err := p.fill(); err != nil {
			return nil, err
		}
	}
}

// header reads the server's stream header and returns it.
func (p *Peer) header() ([]byte, error) {
	for {
		if i := bytes.Index(p.pending, []byte("<stream:stream")); i >= 0 {
			if n := bytes.IndexByte(p.pending[i:], '>'); n >= 0 {
				head := p.pending[i : i+n+1]
				p.pending = p.pending[i+n+1:]
				return head, nil
			}
		}
		if err := p.fill(); err != nil {
			return nil, err
		}
	}
}

func (p *Peer) fill() error {
	buf := make([]byte, 4096)
	n, err := p.conn.Read(buf)
	p.pending = append(p.pending, buf[:n]...)
	if err != nil {
		return fmt.Errorf("reading from the server: %w", err)
	}
	return nil
}

// secure starts TLS on the connection.
func (p *Peer) secure(ctx context.Context, conf *tls.Config) error {
	c := tls.Client(p.conn, conf)
	if err := c.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("starting TLS: %w", err)
	}
	p.conn, p.pending = c, nil
	return nil
}

// listen hands the connection to the reading goroutine, which ends with it.
func (p *Peer) listen() {
	_ = p.conn.SetDeadline(time.Time{})
	go p.read()
}

func (p *Peer) read() {
	buf := make([]byte, 64<<10)
	used := copy(buf, p.pending)
	p.pending = nil
	for {
		used = copy(buf, buf[p.consume(buf[:used]):used])
		if p.err != nil {
			break
		}
		if used == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
		n, err := p.conn.Read(buf[used:])
		used += n
		if err != nil {
			p.err = fmt.Errorf("reading from the server: %w", err)
			break
		}
	}
	_ = p.conn.Close() // the stream is over either way
	close(p.done)
}

// consume handles every complete element of buf and returns the bytes used.
func (p *Peer) consume(buf []byte) int {
	total := 0
	for {
		n, end := split(buf[total:])
		switch {
		case end:
			if p.err == nil { // else a stream error came before
				p.err = ErrClosed
			}
			return len(buf)
		case n == 0:
			return total
		}
		p.handle(bytes.TrimSpace(buf[total : total+n]))
		total += n
	}
}

func (p *Peer) handle(elem []byte) {
	if bytes.HasPrefix(elem, []byte("<stream:error")) {
		p.err = fmt.Errorf("stream error: %s", elem)
		return
	}
	if name, _, ok := bytes.Cut(attr(elem, "id"), []byte("-")); ok {
		p.mu.Lock()
		f := p.flows[string(name)]
		p.mu.Unlock()
		if f != nil {
			f.arrived(p, elem)
			return
		}
	}
	if h := p.handler.Load(); h != nil {
		(*h)(elem)
	}
}

// Handle sets what is called with each element that belongs to no flow. The
// bytes are valid during the call only.
func (p *Peer) Handle(f func(elem []byte)) { p.handler.Store(&f) }

// Send writes raw bytes to the stream.
func (p *Peer) Send(raw []byte) error {
	_, err := p.conn.Write(raw)
	switch {
	case errors.Is(err, net.ErrClosed): // by the reader, which knows why
		<-p.done
		return p.err
	case err != nil:
		return fmt.Errorf("writing to the server: %w", err)
	}
	return nil
}

// Done is closed when the stream has ended; Err then says why.
func (p *Peer) Done() <-chan struct{} { return p.done }

// Err returns why the stream ended, after Done.
func (p *Peer) Err() error { return p.err }

// Close ends the stream and waits for the reading goroutine.
func (p *Peer) Close() {
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second))
	_, _ = p.conn.Write([]byte("</stream:stream>")) // the peer may be gone
	_ = p.conn.Close()
	<-p.done
}

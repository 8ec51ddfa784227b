package callbridge

import (
	"context"
	"crypto/sha1" // XEP-0114 §3 names it
	"crypto/tls"
	"encoding/hex"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// maxStanza bounds one element from the server, in bytes.
const maxStanza = 1 << 20

// link is one stream to a server. Its events are read by one goroutine.
type link struct {
	conn   *tls.Conn
	at     target
	self   string // the component's address
	domain string
	limits limits

	scan  *xmlwire.Scanner
	buf   []byte      // read and not consumed
	done  int         // bytes of buf that were consumed
	alive bool        // signed in: silence is broken by a ping
	asked atomic.Bool // for a sign of life: see doubt
	ended sync.Once   // by us
}

func newLink(conn *tls.Conn, at target, s *Setup, l limits) *link {
	return &link{conn: conn, at: at, self: s.Address(), domain: s.Domain, limits: l,
		scan: xmlwire.NewScanner(xmlwire.Limits{Stanza: maxStanza})}
}

// streamError is how the server ended the stream (RFC 6120 §4.9).
type streamError struct{ condition, text string }

func (e *streamError) Error() string { return e.condition + ": " + e.text }

var (
	errClosed = errors.New("the server closed the stream")
	errSilent = errors.New("the server is silent")
)

// next returns the next element; a stream error and the end of the stream are
// errors. The event holds until the next call.
func (l *link) next(limit time.Duration) (xmlwire.Event, error) {
	for {
		ev, n, err := l.scan.Next(l.buf[l.done:])
		l.done += n
		switch {
		case err != nil:
			return ev, err
		case ev.Kind == xmlwire.StreamClose:
			return ev, errClosed
		case ev.Kind == xmlwire.Stanza && ev.Header.Is(xmlwire.NSStream, "error"):
			return ev, readStreamError(ev)
		case ev.Kind != xmlwire.NeedMore:
			return ev, nil
		}
		l.buf = append(l.buf[:0], l.buf[l.done:]...)
		l.done = 0
		if err := l.fill(limit); err != nil {
			return ev, err
		}
	}
}

// fill reads more, at most limit without a byte. Of a link that is signed in the
// server is pinged then and has a little longer (XEP-0199 §4.2).
func (l *link) fill(limit time.Duration) error {
	for pinged := false; ; pinged = true {
		if err := l.conn.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
		l.buf = append(l.buf, make([]byte, 4096)...)
		n, err := l.conn.Read(l.buf[len(l.buf)-4096:])
		l.buf = l.buf[:len(l.buf)-4096+n]
		var network net.Error
		switch {
		case n > 0:
			return l.trusted()
		case err == nil:
		case !errors.As(err, &network) || !network.Timeout():
			return err
		case !l.alive || pinged:
			return errSilent
		}
		if err := l.ping(); err != nil {
			return err
		}
		limit = l.limits.silence
	}
}

func readStreamError(ev xmlwire.Event) error {
	e := &streamError{condition: stanza.StreamUndefinedCondition}
	for child := range xmlwire.Look(ev.Raw, ev.Header).Children() {
		switch {
		case child.Is(stanza.NSStreams, "text"):
			e.text = brieflySaid(child.Text())
		case string(child.Space) == stanza.NSStreams:
			e.condition = string(child.Name)
		}
	}
	return e
}

// brieflySaid makes one short line of what a server wrote.
func brieflySaid(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if r := []rune(text); len(r) > 200 {
		return string(r[:200]) + "…"
	}
	return text
}

func (l *link) write(b []byte) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.limits.write)); err != nil {
		return err
	}
	_, err := l.conn.Write(b)
	return err
}

// signIn opens the stream and proves the secret (XEP-0114 §3).
func (l *link) signIn(secret string) *fault.Error {
	head := append([]byte("<?xml version='1.0'?><stream:stream xmlns='"+xmlwire.NSComponent+"' xmlns:stream='"+xmlwire.NSStream+"' to='"),
		xmlwire.AppendEscaped(nil, l.self)...)
	if err := l.write(append(head, "'>"...)); err != nil {
		return l.refused(err)
	}
	ev, err := l.next(l.limits.header)
	if err != nil {
		return l.refused(err)
	}
	if ev.Kind != xmlwire.StreamOpen {
		return l.notXMPP()
	}
	sum := sha1.Sum([]byte(ev.Stream.ID.String() + secret))
	if err := l.write([]byte("<handshake>" + hex.EncodeToString(sum[:]) + "</handshake>")); err != nil {
		return l.refused(err)
	}
	ev, err = l.next(l.limits.signIn)
	if err != nil {
		return l.refused(err)
	}
	if string(ev.Header.Name) != "handshake" {
		return l.notXMPP()
	}
	l.alive = true
	return nil
}

// serve answers requests until the link ends, and says why it did. When ctx ends
// the stream is closed in order (RFC 6120 §4.4).
func (l *link) serve(ctx context.Context, answer func(dst []byte, ev xmlwire.Event) []byte) error {
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	var out []byte
	for {
		ev, err := l.next(l.limits.idle)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if ev.Kind != xmlwire.Stanza {
			continue
		}
		if out = answer(out[:0], ev); len(out) > 0 {
			if err := l.write(out); err != nil {
				return err
			}
		}
	}
}

// close ends the stream and the connection, and returns when that is done.
func (l *link) close() {
	l.ended.Do(func() {
		// Whether the server hears of it makes no difference to us.
		_ = l.conn.SetWriteDeadline(time.Now().Add(time.Second))
		_, _ = l.conn.Write([]byte(stanza.StreamEnd))
		_ = l.conn.Close()
	})
}

// doubt asks for a sign of life of the machine at the other end: a ping that its
// kernel does not acknowledge in signTime, sent again meanwhile, ends the link.
// Whether the server answers is another matter: without a leader it may wait.
func (l *link) doubt() {
	if l.asked.Swap(true) {
		return
	}
	if acknowledgedWithin(l.conn.NetConn(), signTime) == nil {
		_ = l.ping() // a link that is broken says so where it is read
	}
}

// trusted gives the other end its usual time again when it was heard.
func (l *link) trusted() error {
	if !l.asked.Swap(false) {
		return nil
	}
	return acknowledgedWithin(l.conn.NetConn(), userTimeout)
}

// ping asks the domain whether it is there (XEP-0199 §4.2).
func (l *link) ping() error {
	b := append([]byte("<iq type='get' id='ping' from='"), xmlwire.AppendEscaped(nil, l.self)...)
	b = append(b, "' to='"...)
	b = append(b, xmlwire.AppendEscaped(nil, l.domain)...)
	return l.write(append(b, "'><ping xmlns='"+stanza.NSPing+"'/></iq>"...))
}

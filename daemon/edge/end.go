package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
)

// The ways a stream ends on its reading side; Shut, in sink.go, is the way from
// outside.

// violated ends the stream with the error that a scanner or machine found.
func (c *conn) violated(err error) error {
	var v *stream.Violation
	if !errors.As(err, &v) {
		v = &stream.Violation{Condition: stanza.StreamInternalServerError, Text: "the stream could not be read"}
	}
	c.limited(v.Text)
	if c.session != nil {
		c.logViolation(v)
		c.end(v)
		return c.linger()
	}
	out, act := c.machine.Fail(nil, v)
	return c.act(out, act, 0)
}

// peerEnded answers the peer's end tag (RFC 6120 §4.4).
func (c *conn) peerEnded() error {
	if c.session != nil {
		c.ended = true
		c.Shut("", "")
		return errEnd
	}
	out, act := c.machine.End(nil)
	return c.act(out, act, 0)
}

// readFailed tells an end that we wanted from one that we did not.
func (c *conn) readFailed(err error) error {
	v := c.shut.Load()
	timeout := errors.Is(err, errTimeout)
	c.silent(err)
	switch {
	case c.session != nil && v != nil:
		return errEnd // the writer has the last word
	case c.session != nil:
		return err
	case v != nil && timeout: // Shut during the negotiation
		return c.violated(v)
	case timeout:
		c.edge.counts.reach(boundTime)
		c.tcp.SetWriteDeadline(time.Now().Add(closeWait))
		return c.violated(&stream.Violation{
			Condition: stanza.StreamConnectionTimeout, Text: "not signed in within the time limit"})
	}
	return err
}

// silent notes whether a connection failed because its host acknowledges nothing.
func (c *conn) silent(err error) {
	if errors.Is(err, syscall.ETIMEDOUT) {
		c.edge.counts.reach(boundWrite)
	}
}

// hangUp ends a stream that was never bound: all is written, the peer gets a
// moment to read it and to answer.
func (c *conn) hangUp() error {
	c.shut.CompareAndSwap(nil, &stream.Violation{})
	c.tcp.SetDeadline(time.Now().Add(closeWait))
	c.closeWrite()
	return c.linger()
}

// lingerBytes is how much a peer may still send behind our last word: what can
// be in flight. One that goes on is cut off, and may miss that word.
const lingerBytes = 1 << 20

// linger reads and discards until the peer closes, so that what we wrote last is
// not lost to a reset, until the time that Shut gave is over, or until
// lingerBytes have come.
func (c *conn) linger() error {
	c.in.release()
	c.tcp.dry = false
	io.CopyN(io.Discard, c.wire, lingerBytes)
	return errEnd
}

func (c *conn) closeWrite() {
	if t, ok := c.wire.(*tls.Conn); ok {
		t.CloseWrite() // close_notify, RFC 6120 §4.4
		return
	}
	if t, ok := c.tcp.Conn.(*net.TCPConn); ok {
		t.CloseWrite()
	}
}

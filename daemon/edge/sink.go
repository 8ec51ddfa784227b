package edge

import (
	"os"
	"sync"
	"time"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
)

var errTimeout = os.ErrDeadlineExceeded

// Enqueue is part of Sink.
func (c *conn) Enqueue(raw []byte) bool {
	switch r := c.out.put(raw); r {
	case queued, queuedGo, queuedFull:
		c.edge.counts.put(raw)
		if r == queuedFull {
			c.edge.counts.reach(boundIdle)
		}
		c.start(r)
		return true
	case overflow: // RFC 6120 §4.9.3.17
		c.edge.counts.reach(boundOutbox)
		c.Shut(stanza.StreamResourceConstraint, "the peer does not read")
	}
	return false
}

// Room is part of Sink.
func (c *conn) Room(n, eighths int) bool { return c.out.room(n, eighths) }

// Drain is part of Sink.
func (c *conn) Drain() [][]byte {
	if c.out.stop() {
		c.tcp.SetWriteDeadline(time.Now().Add(drainWait))
		c.out.wait()
	}
	return c.out.unwritten()
}

// Shut is part of Sink. Before the session is granted it wakes the negotiation,
// which ends the stream itself.
func (c *conn) Shut(condition, text string) {
	c.end(&stream.Violation{Condition: condition, Text: text})
}

func (c *conn) end(v *stream.Violation) {
	if !c.shut.CompareAndSwap(nil, v) {
		return
	}
	if c.bound.Load() != 0 { // before, the negotiation says it
		c.edge.counts.tell(v.Condition)
	}
	c.cancel()
	c.limitEnd()
	c.start(c.out.end(stream.AppendEndOf(nil, v)))
}

// start starts the writer if that is what r says.
func (c *conn) start(r putResult) {
	if r == queuedGo || r == queuedFull {
		go c.write()
	}
}

// write writes out the outbox and ends when that is empty. The outbox knows of
// it, and serve waits for it.
func (c *conn) write() {
	for n := 0; ; {
		b, last := c.out.take(n)
		if b == nil {
			return
		}
		if _, err := c.wire.Write(b); err != nil {
			c.silent(err)
			c.shut.CompareAndSwap(nil, &stream.Violation{Text: err.Error()})
			c.out.fail()
			c.tcp.Close() // wakes the reader
			return
		}
		n = len(b)
		if last {
			c.closeWrite()
			n = 0
		}
	}
}

// stamped is a buffer for stanzas on their way to the session.
type stamped struct{ buf []byte }

var stampedPool = sync.Pool{New: func() any { return &stamped{buf: make([]byte, 0, 4096)} }}

func lendStamped() *stamped { return stampedPool.Get().(*stamped) }

func (s *stamped) free() {
	if cap(s.buf) <= maxPooled {
		stampedPool.Put(s)
	}
}

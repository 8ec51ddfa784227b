package edge

import (
	"sync"
	"time"
)

// chunk is how many bytes one write takes: what fits a TLS record. A write then
// makes one record, and one that fails has delivered nothing.
const chunk = 16 << 10

// batch is a run of stanzas in one buffer.
type batch struct {
	buf  []byte
	ends []int // where each stanza ends in buf
}

// maxPooled bounds the buffers that are kept for reuse.
const maxPooled = 64 << 10

var batches = sync.Pool{New: func() any { return &batch{buf: make([]byte, 0, 4096)} }}

func (b *batch) free() {
	if cap(b.buf) > maxPooled {
		return
	}
	b.buf, b.ends = b.buf[:0], b.ends[:0]
	batches.Put(b)
}

// next returns where the chunk that begins at off ends: as many whole stanzas as
// fit, at least one.
func (b *batch) next(off int) int {
	if len(b.buf)-off <= chunk {
		return len(b.buf)
	}
	to := off
	for _, end := range b.ends {
		if end <= off {
			continue
		}
		if to > off && end-off > chunk {
			break
		}
		to = end
	}
	return to
}

// after appends to list the stanzas of b that end behind off.
func (b *batch) after(off int, list [][]byte) [][]byte {
	start := 0
	for _, end := range b.ends {
		if end > off {
			list = append(list, b.buf[start:end:end])
		}
		start = end
	}
	return list
}

// outbox is what a stream still has to send. A stream's own writer takes
// batches from it; while one is written the next is filled.
type outbox struct {
	mu   sync.Mutex // guards all below
	idle sync.Cond  // signalled when writing turns false

	limit   int    // bytes of stanzas it may hold
	held    bool   // nothing is written yet: the session is being granted
	writing bool   // a writer is at work
	closed  bool   // nothing more is taken in
	stopped bool   // stanzas are no longer written, only the tail
	broken  bool   // a write failed: nothing is written any more
	tail    []byte // ends the stream, written last; nil while it goes on
	ended   bool   // the tail was taken by the writer

	fill *batch    // taken in, nil if empty
	work *batch    // with the writer, nil if none
	done int       // bytes of work that were written
	tick uint      // counts writes, for the sweep
	seen uint      // tick at the last sweep
	slow time.Time // of the first sweep that saw the write under way; zero if none

	idleness idleness
}

func (o *outbox) init(limit, idle int) {
	o.limit, o.held, o.idleness.bytes = limit, true, idle
	o.idle.L = &o.mu
}

// widen lets it hold more.
func (o *outbox) widen(more int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit += more
}

// verdicts of put
type putResult uint8

const (
	queued     putResult = iota
	queuedGo             // and a writer has to be started
	queuedFull           // the same, since more waits than may for an inactive client
	ended                // not taken: the stream has ended
	overflow             // not taken: the bound is exceeded
)

// put takes a stanza in.
func (o *outbox) put(raw []byte) putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return ended
	}
	if o.size()+len(raw) > o.limit {
		o.closed, o.stopped = true, true
		return overflow
	}
	if o.fill == nil {
		o.fill = batches.Get().(*batch)
	}
	o.fill.buf = append(o.fill.buf, raw...)
	o.fill.ends = append(o.fill.ends, len(o.fill.buf))
	return o.flow(raw)
}

// size is how many bytes wait.
func (o *outbox) size() int {
	n := 0
	if o.fill != nil {
		n = len(o.fill.buf)
	}
	if o.work != nil {
		n += len(o.work.buf) - o.done
	}
	return n
}

// holds is size, for others.
func (o *outbox) holds() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size()
}

// room reports whether n bytes more leave it filled to so many eighths at most.
func (o *outbox) room(n, eighths int) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	has := o.size()
	return has+n <= o.limit/8*eighths || has == 0 && n <= o.limit
}

// start says whether the caller has to start a writer.
func (o *outbox) start() putResult {
	if o.held || o.writing || o.broken {
		return queued
	}
	o.writing, o.idleness.since = true, time.Time{}
	return queuedGo
}

// release lets writing begin and says whether a writer has to be started.
func (o *outbox) release() putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.held = false
	if o.fill == nil && o.tail == nil {
		return queued
	}
	return o.start()
}

// end makes tail the last thing written and says whether a writer has to be
// started.
func (o *outbox) end(tail []byte) putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail, o.closed = tail, true
	return o.start()
}

// take tells that the writer wrote n more bytes of stanzas and gives it its next
// chunk. It returns nil when there is nothing left; last marks the tail.
func (o *outbox) take(n int) (b []byte, last bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tick++
	o.done += n
	if o.work != nil && o.done == len(o.work.buf) {
		o.work.free()
		o.work = nil
	}
	if o.broken {
		o.rest()
		return nil, false
	}
	if o.work == nil && !o.stopped {
		o.work, o.fill, o.done = o.fill, nil, 0
	}
	if o.work != nil && !o.stopped {
		return o.work.buf[o.done:o.work.next(o.done)], false
	}
	if o.tail != nil && !o.ended {
		o.ended = true
		return o.tail, true
	}
	o.rest()
	return nil, false
}

// abort notes that the connection can not be written to any more. A write under
// way has to fail by itself.
func (o *outbox) abort() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.broken = true, true
}

// fail is the writer's last word when a write failed.
func (o *outbox) fail() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.broken = true, true
	o.rest()
}

func (o *outbox) rest() {
	o.writing = false
	o.idle.Broadcast()
}

// stop closes the outbox to both sides but the tail and reports whether a write
// is under way.
func (o *outbox) stop() (writing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed, o.stopped = true, true
	return o.writing
}

// wait returns when no writer is at work.
func (o *outbox) wait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.writing {
		o.idle.Wait()
	}
}

// unwritten hands over the stanzas that were not written whole.
func (o *outbox) unwritten() [][]byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	var list [][]byte
	if o.work != nil {
		list = o.work.after(o.done, list)
	}
	if o.fill != nil {
		list = o.fill.after(0, list)
	}
	o.work, o.fill, o.done = nil, nil, 0
	return list
}

// stalled reports whether one write lasts longer than limit, as far as sweeps
// have seen.
func (o *outbox) stalled(now time.Time, limit time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.writing || o.tick != o.seen {
		o.seen, o.slow = o.tick, time.Time{}
		return false
	}
	if o.slow.IsZero() {
		o.slow = now
	}
	return now.Sub(o.slow) >= limit
}

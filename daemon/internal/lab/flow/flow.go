package flow

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Flow is one numbered flow from one peer to another.
type Flow struct {
	name     string
	from, to *Peer
	template [2][]byte // around the number
	stop     chan struct{}
	stopped  chan struct{}

	mu      sync.Mutex // guards everything below
	sent    int        // numbers 1 … sent were written
	fates   []fate     // by number - 1
	highest int
	lastAt  time.Time
	result  Result
	sendErr error
	settled chan struct{} // capacity 1: another number has met its fate
	open    int           // numbers without a fate
}

type fate uint8

const (
	unknown fate = iota
	delivered
	bounced
)

// Result is what became of a flow.
type Result struct {
	Sent, Received, Bounced    int
	Lost, Doubled, Reordered   int
	LongestGap                 time.Duration // between two arrivals
	GapAfter                   int           // the number before the longest gap
	FirstBounce                string        // the first error stanza, whole
	SendError                  error         // the sender's stream broke
	First, Last, Reorders, Dup string        // details of the first faults
}

// Err returns nil when nothing was lost, doubled or reordered and, unless
// bounces are allowed, nothing bounced.
func (r Result) Err(bouncesAllowed bool) error {
	if r.SendError != nil {
		return fmt.Errorf("sending broke: %w; %v", r.SendError, r)
	}
	if r.Lost+r.Doubled+r.Reordered > 0 || (r.Bounced > 0 && !bouncesAllowed) || r.Sent == 0 {
		return fmt.Errorf("the flow broke: %v", r)
	}
	return nil
}

func (r Result) String() string {
	s := fmt.Sprintf("sent %d, received %d, bounced %d, lost %d, doubled %d, reordered %d, longest gap %v (after %d)",
		r.Sent, r.Received, r.Bounced, r.Lost, r.Doubled, r.Reordered, r.LongestGap.Round(100*time.Microsecond), r.GapAfter)
	for _, detail := range []string{r.First, r.Last, r.Reorders, r.Dup, r.FirstBounce} {
		if detail != "" {
			s += "; " + detail
		}
	}
	return s
}

var flowNumber atomic.Int64

func newFlow(from, to *Peer, padding int) *Flow {
	f := &Flow{
		name: "f" + strconv.FormatInt(flowNumber.Add(1), 10), from: from, to: to,
		stop: make(chan struct{}), stopped: make(chan struct{}), settled: make(chan struct{}, 1),
	}
	// A component states its address on every stanza; for a client the server does.
	head := "<message to='" + to.JID + "' from='" + from.JID + "' id='" + f.name + "-"
	f.template = [2][]byte{[]byte(head), append(append([]byte("'><body>"), bytes.Repeat([]byte("x"), padding)...), "</body></message>"...)}
	for _, p := range []*Peer{from, to} {
		p.mu.Lock()
		p.flows[f.name] = f
		p.mu.Unlock()
	}
	return f
}

// Start sends rate messages a second until Stop. The sender catches up after
// it was held by back-pressure.
func Start(from, to *Peer, rate int) *Flow {
	f := newFlow(from, to, 40)
	go f.pace(rate)
	return f
}

func (f *Flow) pace(rate int) {
	defer close(f.stopped)
	began, n := time.Now(), 0
	tick := time.NewTicker(max(time.Millisecond, time.Second/time.Duration(rate)))
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C: // its time may lie before the last one's after a pause
			due := int(time.Since(began).Seconds() * float64(rate))
			if due <= n {
				continue
			}
			if !f.send(due - n) {
				return
			}
			n = due
		}
	}
}

// send writes the next count messages in one write.
func (f *Flow) send(count int) bool {
	f.mu.Lock()
	from := f.sent
	f.sent += count
	f.open += count
	f.fates = append(f.fates, make([]fate, count)...)
	f.mu.Unlock()
	batch := make([]byte, 0, count*(len(f.template[0])+len(f.template[1])+8))
	for i := range count {
		batch = append(batch, f.template[0]...)
		batch = strconv.AppendInt(batch, int64(from+i+1), 10)
		batch = append(batch, f.template[1]...)
	}
	if err := f.from.Send(batch); err != nil {
		f.mu.Lock()
		f.sendErr = err
		f.mu.Unlock()
		return false
	}
	return true
}

// arrived is called by the peers' reading goroutines.
func (f *Flow) arrived(at *Peer, elem []byte) {
	_, digits, _ := bytes.Cut(attr(elem, "id"), []byte("-"))
	n, err := strconv.Atoi(string(digits))
	if err != nil {
		return
	}
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	if n < 1 || n > f.sent {
		return
	}
	if at == f.from && bytes.Equal(attr(elem, "type"), []byte("error")) {
		f.bounce(n, elem)
		return
	}
	f.deliver(n, now)
}

// bounce notes an error answer; f.mu is held.
func (f *Flow) bounce(n int, elem []byte) {
	f.result.Bounced++
	if f.result.FirstBounce == "" {
		f.result.FirstBounce = string(elem)
	}
	f.settle(n, bounced)
}

// deliver notes an arrival; f.mu is held.
func (f *Flow) deliver(n int, now time.Time) {
	if gap := now.Sub(f.lastAt); !f.lastAt.IsZero() && gap > f.result.LongestGap {
		f.result.LongestGap, f.result.GapAfter = gap, f.highest
	}
	f.lastAt = now
	if f.fates[n-1] == delivered {
		f.result.Doubled++
		if f.result.Dup == "" {
			f.result.Dup = fmt.Sprintf("%d came twice, after %d", n, f.highest)
		}
		return
	}
	if n < f.highest {
		f.result.Reordered++
		if f.result.Reorders == "" {
			f.result.Reorders = fmt.Sprintf("%d came after %d", n, f.highest)
		}
	}
	f.highest = max(f.highest, n)
	f.result.Received++
	f.settle(n, delivered)
}

func (f *Flow) settle(n int, to fate) {
	if f.fates[n-1] == unknown {
		f.open--
	}
	f.fates[n-1] = to
	select {
	case f.settled <- struct{}{}:
	default:
	}
}

// Stop ends the sending, waits until every message has arrived or bounced or
// limit has passed, and returns the result.
func (f *Flow) Stop(limit time.Duration) Result {
	close(f.stop)
	<-f.stopped
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	f.drain(ctx, 0)
	return f.finish()
}

// drain waits until at most open messages are without a fate.
func (f *Flow) drain(ctx context.Context, open int) bool {
	for {
		f.mu.Lock()
		done := f.open <= open
		f.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-f.settled:
		case <-ctx.Done():
			return false
		}
	}
}

func (f *Flow) finish() Result {
	for _, p := range []*Peer{f.from, f.to} {
		p.mu.Lock()
		delete(p.flows, f.name)
		p.mu.Unlock()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.result
	r.Sent, r.SendError, r.Lost = f.sent, f.sendErr, f.open
	for i, to := range f.fates {
		if to == unknown {
			if r.First == "" {
				r.First = fmt.Sprintf("first lost is %d", i+1)
			}
			r.Last = fmt.Sprintf("last lost is %d", i+1)
		}
	}
	return r
}

// Received returns how many messages have arrived so far.
func (f *Flow) Received() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.result.Received
}

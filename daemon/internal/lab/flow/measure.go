package flow

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Throughput sends count messages of about size bytes with at most window of
// them on the way, and returns the result and how long it took.
func Throughput(ctx context.Context, from, to *Peer, count, window, size int) (Result, time.Duration, error) {
	f := newFlow(from, to, max(0, size-120))
	close(f.stopped) // nothing paces this one
	began := time.Now()
	const burst = 16 // sent in one write, as a busy Call Bridge does
	for sent := 0; sent < count; sent += burst {
		if !f.drain(ctx, window-burst) {
			return f.finish(), 0, fmt.Errorf("waiting for the window to open: %w", ctx.Err())
		}
		if !f.send(min(burst, count-sent)) {
			return f.finish(), 0, fmt.Errorf("sending: %w", f.sendErr)
		}
	}
	if !f.drain(ctx, 0) {
		return f.finish(), 0, fmt.Errorf("waiting for the last messages: %w", ctx.Err())
	}
	took := time.Since(began)
	return f.finish(), took, nil
}

// RoundTrips sends one message there and one back, count times, and returns
// the round-trip times in ascending order.
func RoundTrips(ctx context.Context, a, b *Peer, count int) ([]time.Duration, error) {
	there, back := newFlow(a, b, 0), newFlow(b, a, 0)
	defer there.finish()
	defer back.finish()
	times := make([]time.Duration, 0, count)
	for range count {
		began := time.Now()
		if !there.send(1) || !there.drain(ctx, 0) || !back.send(1) || !back.drain(ctx, 0) {
			return nil, fmt.Errorf("one message in flight did not return")
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times, nil
}

// Percentile returns the q-th quantile (0 … 1) of ascending times.
func Percentile(times []time.Duration, q float64) time.Duration {
	return times[min(len(times)-1, int(q*float64(len(times))))]
}

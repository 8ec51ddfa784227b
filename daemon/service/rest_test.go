package service

import (
	"context"
	"testing"
	"time"
)

// TestRest comes to rest, and is at work again while it allocates.
func TestRest(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); Rest(ctx) }()
	percent := func() uint64 { return read("/gc/gogc:percent") }
	kept := make([]byte, 40<<20) // of which a fifth may be garbage, once that is known
	for began := time.Now(); percent() == workPercent; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not come to rest")
		}
	}
	for began := time.Now(); percent() != workPercent; kept = append(kept[:0:0], kept...) {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not go to work")
		}
	}
	end()
	<-ended
}

func TestAtRest(t *testing.T) {
	for live, want := range map[uint64]int{0: 100, 3 << 20: 100, 8 << 20: 50, 9 << 20: 40, 20 << 20: 20, 1 << 30: 20} {
		if got := atRest(live); got != want {
			t.Errorf("with %d bytes in use: %d %%, want %d", live, got, want)
		}
	}
}

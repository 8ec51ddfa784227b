package service

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A daemon that allocates less than restBytes in each of restLooks comes to rest, and one
// at rest is at work again with workBytes in one: one in between stays what it is.
const (
	restLook  = 500 * time.Millisecond
	restLooks = 4
	restBytes = 1 << 20
	workBytes = 4 << 20
)

// Garbage that may wait to be collected. At work, more memory saves processor time. At
// rest it saves next to none and is better left to others: it may be so many bytes, or
// so much of what is in use.
const (
	workPercent = 100 // Go's own
	restPercent = 20
	restGarbage = 4 << 20
)

// Rest has a daemon whose memory grows with its users give back that of its work each
// time it comes to rest, until ctx ends.
func Rest(ctx context.Context) {
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	defer debug.SetGCPercent(workPercent)
	calm, percent := 0, workPercent
	for seen := read("/gc/heap/allocs:bytes"); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, want := read("/gc/heap/allocs:bytes"), workPercent
		switch more := now - seen; {
		case more >= workBytes, more >= restBytes && calm < restLooks:
			calm = 0
		case calm < restLooks:
			if calm++; calm == restLooks {
				debug.FreeOSMemory()
			}
		}
		if calm == restLooks {
			want = atRest(read("/gc/heap/live:bytes"))
		}
		if want != percent { // it stops the world for a moment
			debug.SetGCPercent(want)
		}
		seen, percent = now, want
	}
}

// atRest is the garbage of a daemon at rest, in per cent of what is in use, to tens.
func atRest(live uint64) int {
	return int(min(max(100*restGarbage/max(live, 1)/10*10, restPercent), workPercent))
}

func read(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

package edge

import (
	"net/netip"
	"sync"
	"time"
)

// gate counts connections and failed sign-ins by address. An IPv6 host has a
// whole /64 to itself, so that is counted as one.
type gate struct {
	mu     sync.Mutex
	places map[netip.Addr]*place // guarded by mu; only such as are not empty
	conns  int                   // guarded by mu; of all places
	told   bool                  // guarded by mu: that conns is at its limit, until one is let in again
}

type place struct {
	conns    int
	failures int
	since    time.Time // of the first failure counted
	told     bool      // that it is refused, until it is let in again
}

// verdict is what a gate says of a new connection.
type verdict uint8

const (
	admitted     verdict = iota
	refused              // and the journal knows
	refusedFirst         // and the journal should be told
)

func placeOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		p, _ := a.Prefix(64) // 64 is in range
		return p.Addr()
	}
	return a
}

// admit counts a new connection unless its address is over a limit, which it
// names. What is admitted has to leave.
func (g *gate) admit(a netip.Addr, now time.Time, l Limits) (v verdict, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conns >= l.Connections {
		return g.full(), boundOfNode
	}
	p := g.at(a)
	p.forget(now, l)
	switch {
	case p.conns >= l.PerAddress:
		why = boundConnections
	case p.failures >= l.AuthFailures:
		why = boundFailures
	default:
		p.conns++
		g.conns++
		p.told, g.told = false, false
		return admitted, ""
	}
	if p.told {
		return refused, why
	}
	p.told = true
	return refusedFirst, why
}

// full is what a gate says at its limit; of an address nothing is noted, for there
// may be very many.
func (g *gate) full() verdict {
	if g.told {
		return refused
	}
	g.told = true
	return refusedFirst
}

// leave takes a connection out of the count.
func (g *gate) leave(a netip.Addr) {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.at(a)
	p.conns--
	g.conns--
	if *p == (place{}) {
		delete(g.places, placeOf(a))
	}
}

// failed counts a failed sign-in and returns how many there are now.
func (g *gate) failed(a netip.Addr, now time.Time, l Limits) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.at(a)
	p.forget(now, l)
	if p.failures == 0 {
		p.since = now
	}
	p.failures++
	return p.failures
}

// sweep forgets what has no bearing any more.
func (g *gate) sweep(now time.Time, l Limits) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for a, p := range g.places {
		p.forget(now, l)
		if p.conns == 0 && p.failures == 0 {
			delete(g.places, a)
		}
	}
}

func (g *gate) at(a netip.Addr) *place {
	a = placeOf(a)
	p := g.places[a]
	if p == nil {
		p = new(place)
		if g.places == nil {
			g.places = make(map[netip.Addr]*place)
		}
		g.places[a] = p
	}
	return p
}

func (p *place) forget(now time.Time, l Limits) {
	if p.failures > 0 && now.Sub(p.since) >= l.FailureWindow {
		p.failures, p.since = 0, time.Time{}
	}
}

package web

import (
	"net/netip"
	"sync"
	"time"
)

// How many refusals are journaled: of one place each minute, and in all. The
// rest are counted and told with the next that is.
const (
	paceWindow   = time.Minute
	paceOfPlace  = 10
	paceOfAll    = 60
	maxPacePlace = 1024
)

// pacer keeps the journal from being filled by whoever sends bad requests.
type pacer struct {
	mu     sync.Mutex
	began  time.Time          // guarded by mu: of the window
	places map[netip.Addr]int // guarded by mu
	told   int                // guarded by mu
	hidden int                // guarded by mu: not told since the last that was
}

func newPacer() *pacer { return &pacer{places: map[netip.Addr]int{}} }

// tell says whether a refusal is journaled, and how many were not before it.
func (p *pacer) tell(place netip.Addr, now time.Time) (hidden int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.began) >= paceWindow {
		p.began, p.told = now, 0
		clear(p.places)
	}
	_, seen := p.places[place]
	full := !seen && len(p.places) >= maxPacePlace
	if full || p.told >= paceOfAll || p.places[place] >= paceOfPlace {
		p.hidden++
		return 0, false
	}
	p.places[place]++
	p.told++
	hidden, p.hidden = p.hidden, 0
	return hidden, true
}

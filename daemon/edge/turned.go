package edge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/fault"
)

// What is kept of components that were not let in. Names that are known are as
// many as there are call bridges; of others, a stranger could make up any number.
const (
	turnedKept    = 10 * time.Minute
	turnedUnknown = 16
)

// turned remembers the last refusal of each component name.
type turned struct {
	mu   sync.Mutex // guards last
	last map[string]refusal
}

type refusal struct {
	fault fault.Error
	at    time.Time
}

// note keeps a refusal. The oldest of the unknown names gives way to a new one.
func (t *turned) note(claim string, f *fault.Error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil {
		t.last = make(map[string]refusal)
	}
	t.sweep(now)
	t.last[claim] = refusal{*f, now}
	if f.Code == fault.UnknownComponent {
		t.crop()
	}
}

// crop is called with mu held.
func (t *turned) crop() {
	count, oldest := 0, ""
	for claim, r := range t.last {
		if r.fault.Code != fault.UnknownComponent {
			continue
		}
		count++
		if oldest == "" || r.at.Before(t.last[oldest].at) {
			oldest = claim
		}
	}
	if count > turnedUnknown {
		delete(t.last, oldest)
	}
}

// sweep is called with mu held.
func (t *turned) sweep(now time.Time) {
	for claim, r := range t.last {
		if now.Sub(r.at) >= turnedKept {
			delete(t.last, claim)
		}
	}
}

// forget drops the refusal of a name that was let in.
func (t *turned) forget(claim string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, claim)
}

func (t *turned) list(now time.Time) []*fault.Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	var out []*fault.Error
	for _, r := range t.last {
		out = append(out, &r.fault)
	}
	slices.SortFunc(out, func(a, b *fault.Error) int {
		return cmp.Or(strings.Compare(string(a.Code), string(b.Code)), strings.Compare(a.Message, b.Message))
	})
	return out
}

// TurnedAway returns the components that this node did not let in within the
// last 10 minutes, the last refusal of each name: UnknownComponent or
// WrongSecret, with the address it came from. One that was let in since is not
// among them.
func (e *Edge) TurnedAway() []*fault.Error { return e.turned.list(time.Now()) }

// from is a refusal as journal and status tell it.
func (c *conn) from(f *fault.Error) *fault.Error {
	return fault.Mend(f.Code, fmt.Sprintf("%s, from %s", f.Message, c.peer.Addr()), f.Remedy)
}

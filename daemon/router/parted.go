package router

import (
	"maps"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
)

// forgetParted has the store forget who saw the presence of removed accounts, when
// nothing of those is left that they would be told of. The streams of an account end
// when it is gone from the store, and its roster with it.
func (l *Leader) forgetParted(now int64) {
	if l.phase != serving || l.unsure() > now {
		return
	}
	for _, bare := range slices.Sorted(maps.Keys(l.state().Parted)) {
		if len(l.bare[bare]) == 0 && !l.leaving(bare) {
			l.rules.Propose(replica.HasParted(bare))
		}
	}
}

// leaving reports whether the end of presence of an account is on its way.
func (l *Leader) leaving(bare string) bool {
	of := func(f *Frame) bool {
		return f.Class == PresenceUnavailable && im.Sender(f.Raw).Bare().String() == bare
	}
	for _, p := range l.pending {
		if of(p.f) {
			return true
		}
	}
	for _, ln := range l.lanes {
		if slices.ContainsFunc(ln.queue, of) {
			return true
		}
	}
	return false
}

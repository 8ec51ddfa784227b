package node

import (
	"log/slog"
	"testing"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/settings"
)

// TestEveryBoundHasItsMetric: each bound of the schema is counted by one room, where
// it is reached, and a room counts none that is no setting.
func TestEveryBoundHasItsMetric(t *testing.T) {
	counted := map[string]int{}
	for _, room := range []map[string]uint64{
		edge.New(nil, nil, slog.New(slog.DiscardHandler)).Seen().Reached,
		forward.New(forward.Config{ID: "a"}).Seen().Reached,
		trimmed(1, 2, 3),
	} {
		for name := range room {
			counted[name]++
			if k, there := settings.Find(name); !there || !k.Bound {
				t.Errorf("%s is counted and bounds nothing", name)
			}
		}
	}
	for _, k := range settings.Keys() {
		if k.Bound && counted[k.Name] != 1 {
			t.Errorf("%s is counted by %d rooms: nobody learns how often it was reached", k.Name, counted[k.Name])
		}
	}
}

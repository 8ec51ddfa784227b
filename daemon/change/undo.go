package change

import (
	"context"
	"strings"

	"quorate.org/daemon/bus"
)

// ownFile is where the configuration service keeps what Config1.Set stores.
const ownFile = "conf.d/90-quorate.toml"

// undo takes keys back to where they were.
type undo struct {
	set   map[string]any
	unset []string
	blind bool // one of the values is a secret that the caller is not shown
}

// before notes where the keys of values are. What stands in the person's own
// files, or is a default, comes back when the key is unset.
func before(ctx context.Context, conn *bus.Conn, values map[string]any) (undo, error) {
	u := undo{set: map[string]any{}}
	list, err := conn.Config().Settings(ctx)
	if err != nil {
		return u, err
	}
	now, err := conn.Config().Values(ctx)
	if err != nil {
		return u, err
	}
	for _, s := range list {
		if _, touched := values[s.Key]; !touched {
			continue
		}
		if !strings.HasPrefix(s.Source, ownFile) {
			u.unset = append(u.unset, s.Key)
			continue
		}
		value, shown := now[s.Key]
		u.blind = u.blind || !shown
		u.set[s.Key] = value
	}
	return u, nil
}

// do reports whether all is as it was. It does nothing when it could do only a
// part.
func (u undo) do(ctx context.Context, conn *bus.Conn) bool {
	if u.blind {
		return false
	}
	var generation uint64
	var err error
	if len(u.set) > 0 {
		generation, err = conn.Config().Set(ctx, u.set)
	}
	if err == nil && len(u.unset) > 0 {
		generation, err = conn.Config().Unset(ctx, u.unset)
	}
	if err == nil {
		_, err = conn.Xmpp().Applied(ctx, generation)
	}
	return err == nil
}

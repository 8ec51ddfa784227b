package upgrade

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/bus"
)

// Needed are the services without which a version has not come up: those of
// quorate.target, and the way in.
var Needed = []string{"quorate-config.service", "quorate-cert.service", "quorate-xmpp.service", "quorate-callbridge.service",
	"quorate-web.service", "quorate-firewall.service", "ssh.service"}

// Await returns when every needed service runs, or says which did not in time.
// A service that fails and is started again gets the whole time.
func Await(ctx context.Context, units func(context.Context, []string) ([]bus.Unit, error)) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var missing []string
	for {
		now := lacking(ctx, units)
		if len(now) == 0 {
			return nil
		}
		if ctx.Err() == nil || missing == nil { // else it only says that time was up
			missing = now
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("this version has not come up: %s", strings.Join(missing, ", "))
		case <-tick.C:
		}
	}
}

func lacking(ctx context.Context, units func(context.Context, []string) ([]bus.Unit, error)) (missing []string) {
	list, err := units(ctx, Needed)
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range Needed {
		at := slices.IndexFunc(list, func(u bus.Unit) bool { return u.Name == name })
		switch {
		case at < 0:
			missing = append(missing, name+" is not there")
		case list[at].Active != "active":
			missing = append(missing, fmt.Sprintf("%s is %s (%s)", name, list[at].Active, list[at].Sub))
		}
	}
	return missing
}

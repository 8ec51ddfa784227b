package health

import (
	"context"
	"fmt"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// Undone tells of a new version that was undone: for who signs in, too. A machine
// that knows nothing of versions is no appliance, and nothing is wrong with it.
func Undone(ctx context.Context, conn *bus.Conn) (faults []bus.Fault) {
	u, err := conn.Config().Upgrades(ctx)
	if fault.CodeOf(err) == fault.Unavailable {
		return nil // that the service itself is silent, others tell
	}
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	for _, v := range u.Versions {
		if v.State == bus.VersionFailed {
			faults = append(faults, tell(fault.Undone, fmt.Sprintf("version %s %s: version %s runs", v.Version, v.Text, u.Running),
				"journalctl -b -1, then upgrade to a mended version; upgrade rollback tries this one once more"))
		}
	}
	return faults
}

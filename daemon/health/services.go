package health

import (
	"context"
	"fmt"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

func unitFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	units, err := conn.Config().Units(ctx)
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	var faults []bus.Fault
	for _, u := range units {
		if u.Active == "failed" {
			faults = append(faults, tell(fault.UnitFailed, u.Name+" has failed", "journalctl -u "+u.Name))
		}
	}
	return faults
}

// fileFaults tells of configuration files that were refused: the service goes
// on with the last good ones, which nobody would notice before the next start.
func fileFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	p, err := conn.Config().Properties(ctx)
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	if p.Refused == "" {
		return nil
	}
	return []bus.Fault{tell(fault.InvalidConfiguration,
		fmt.Sprintf("the configuration files were refused, generation %d stays in force:\n%s", p.Generation, p.Refused),
		"mend the file, then systemctl reload quorate-config")}
}

// xmppFaults are those the XMPP service knows itself: ports, listen addresses,
// certificates, quorum, drift.
func xmppFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	status, err := conn.Xmpp().Status(ctx)
	if err != nil {
		return []bus.Fault{Fault(err)}
	}
	return status.Faults
}

// bridgeFaults tells of a failed link in the Call Bridge's own words. A node
// without a Call Bridge has no link to lose, nor need its service run.
func bridgeFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	s, err := conn.Bridge().Status(ctx)
	switch {
	case err != nil && fault.CodeOf(err) == fault.Unavailable && !bridgeWanted(ctx, conn):
		return nil
	case err != nil:
		return []bus.Fault{Fault(err)}
	case s.State == "failed" && s.Code != "":
		return []bus.Fault{{Code: s.Code, Text: s.Text, Remedy: s.Remedy}}
	}
	return nil
}

// bridgeWanted reports whether the settings ask for a Call Bridge. Settings that
// can not be read are another look's to tell.
func bridgeWanted(ctx context.Context, conn *bus.Conn) bool {
	values, err := conn.Config().Values(ctx)
	if err != nil {
		return false
	}
	name, _ := values["callbridge.name"].(string)
	return name != ""
}

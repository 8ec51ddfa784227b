package health

import (
	"context"
	"slices"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

const firewallUnit = "quorate-firewall.service"

// firewallFaults tells what the firewall has to complain of, in its own words.
// A machine that has no such unit is not meant to have a firewall of ours.
func firewallFaults(ctx context.Context, conn *bus.Conn) []bus.Fault {
	p, err := conn.Firewall().Properties(ctx)
	switch {
	case err != nil && fault.CodeOf(err) == fault.Unavailable && !firewallWanted(ctx, conn):
		return nil
	case err != nil:
		return []bus.Fault{Fault(err)}
	case p.Code != "":
		return []bus.Fault{{Code: p.Code, Text: p.Text, Remedy: p.Remedy}}
	}
	return nil
}

func firewallWanted(ctx context.Context, conn *bus.Conn) bool {
	units, err := conn.Config().Units(ctx)
	return err == nil && slices.ContainsFunc(units, func(u bus.Unit) bool { return u.Name == firewallUnit && u.Load == "loaded" })
}

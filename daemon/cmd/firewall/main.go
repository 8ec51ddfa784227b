// Package firewall opens the ports of a node that its settings name, and no
// others: it keeps the table of the kernel's packet filter and serves
// org.quorate.Firewall1. It has no folder and no flags.
package firewall

import (
	"context"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/netfilter"
	"quorate.org/daemon/service"
)

// Main is the whole program.
func Main() {
	service.Main(journal.New("firewall", slog.LevelInfo), "the firewall service", run)
}

func run(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return netfilter.NewService(netfilter.Config{Load: netfilter.Load, Log: log}, conn).Run(ctx, n)
}

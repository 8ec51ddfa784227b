// Package confd is the configuration service, org.quorate.Config1 on the system
// bus. It takes no arguments: its directories come from the service manager and
// the bus from $DBUS_SYSTEM_BUS_ADDRESS.
package confd

import (
	"context"
	"fmt"
	"log/slog"

	"quorate.org/daemon/backup"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/keymap"
	"quorate.org/daemon/service"
	"quorate.org/daemon/upgrade"
)

// Main is the whole program.
func Main() {
	service.Main(journal.New("confd", slog.LevelInfo), "the configuration service", run)
}

// run brings the files in force before it takes the bus name: whoever finds the
// service on the bus finds a configuration.
func run(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := confd.Open(confd.Config{Dir: service.Configuration(), State: service.State("config"), Exchange: service.Exchange(), Work: backup.Work,
		Recovery: confd.RecoveryPath, Unlocked: confd.UnlockedPath, Report: upgrade.ReportPath, UpdateKeys: upgrade.KeysPath, Keymaps: keymap.Dir, Machine: conn.Machine(), Others: confd.Others{Certificates: conn.Certificates(), Xmpp: conn.Xmpp()}, Log: log})
	if err != nil {
		return err
	}
	first := bus.ConfigProperties{Generation: s.Generation()}
	object, err := conn.ServeConfig(s, first, bus.LogTo(log))
	if err != nil {
		return err
	}
	if err := s.Announce(first.Generation, object.Changed); err != nil {
		return err
	}
	if err := s.Lament(object.Refused); err != nil {
		return err
	}
	if err := n.Ready(fmt.Sprintf("configuration generation %d in force", s.Generation())); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-conn.Done():
			return fault.New(fault.Unavailable, "the system bus closed the connection")
		case <-n.Reloads():
			if err := n.Reloading(s.Hangup); err != nil {
				log.Warn("telling that the reload is done", "error", err)
			}
		}
	}
}

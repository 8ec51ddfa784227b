// Package password sets the administrator's password for the console: systemd
// starts it for each connection to quorate-password.socket, with the connection
// as standard input and as root. It has no flags.
package password

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/password"
)

// Main is the whole program.
func Main() {
	log := journal.New("password", slog.LevelInfo)
	if err := run(context.Background(), log); err != nil {
		log.Error("setting a password ends: " + err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		return fmt.Errorf("taking the connection: %w", err)
	}
	defer conn.Close()
	s := &password.Server{Files: password.System(), Reload: reloadSSH, Log: log}
	return s.Serve(ctx, conn)
}

// reloadSSH has the SSH server read its files again.
func reloadSSH(ctx context.Context) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Machine().UnitAction(ctx, "ssh.service", "reload-or-restart")
}

// Package account keeps the accounts of the people who work on this node: systemd
// starts it for each connection to quorate-account.socket, with the connection as
// standard input and as root. It has no flags.
package account

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"quorate.org/daemon/account"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/password"
)

// Main is the whole program.
func Main() {
	log := journal.New("account", slog.LevelInfo)
	if err := run(context.Background(), log); err != nil {
		log.Error("the accounts: " + err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	c, err := net.FileConn(os.Stdin)
	if err != nil {
		return fmt.Errorf("taking the connection: %w", err)
	}
	defer c.Close()
	conn, ok := c.(*net.UnixConn)
	if !ok {
		return fmt.Errorf("taking the connection: standard input is no local socket")
	}
	s := &account.Server{Root: "/", Role: bus.RoleOf, Tool: tool, Store: password.Store, Right: password.Right, Pause: pause, Opened: openSSH, From: origin, Log: log}
	return s.Serve(ctx, conn)
}

// tool runs one of the system's, which has its own words for what is wrong.
func tool(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, "/usr/sbin/"+argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("running %s: %w: %s", argv[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// pause is that of a wrong password: twenty guesses a minute for an account. The
// eighth at once, as many as the socket takes, is answered within a client's
// patience still.
func pause(ctx context.Context) {
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
	}
}

// origin asks the login service, which the journal can do without.
func origin(ctx context.Context, pid uint32) string {
	conn, err := bus.Dial()
	if err != nil {
		return ""
	}
	defer conn.Close()
	return conn.Machine().Origin(ctx, pid)
}

// openSSH has the SSH server take passwords of people.
func openSSH(ctx context.Context) error {
	if err := password.System().OpenSSH(); err != nil {
		return err
	}
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Machine().UnitAction(ctx, "ssh.service", "reload-or-restart")
}

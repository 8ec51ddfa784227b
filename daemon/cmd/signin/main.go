// Command signin signs one person in to Web Admin: systemd starts it for each
// connection to quorate-signin.socket, with the connection as standard input
// and as root. It has no flags; $DBUS_SYSTEM_BUS_ADDRESS names another bus.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"

	"quorate.org/daemon/journal"
	"quorate.org/daemon/pam"
	"quorate.org/daemon/signin"
)

// pamService is the file of /usr/lib/pam.d.
const pamService = "quorate-web"

func main() {
	log := journal.New("signin", slog.LevelInfo)
	if err := run(context.Background(), log); err != nil {
		log.Error("the sign-in ends: " + err.Error())
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
	s := &signin.Server{Check: check, Bus: signin.BusSocket(), Log: log}
	return s.Serve(ctx, conn)
}

func check(user string, password []byte, from string) (string, error) {
	return pam.Check(pam.Request{Service: pamService, User: user, Password: password, From: from})
}

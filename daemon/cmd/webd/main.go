// Package webd is Web Admin of a node: its pages over HTTPS. It holds no
// authority: people sign in through the service at $QUORATE_SIGNIN and act by
// connections to the bus of their own. Its folder is $STATE_DIRECTORY, with
// the certificate it makes for itself; all else comes from the configuration
// and certificate services. It has no flags.
package webd

import (
	"cmp"
	"context"
	"log/slog"
	"os"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/service"
	"quorate.org/daemon/signin"
	"quorate.org/daemon/web"
)

// Main is the whole program.
func Main() {
	service.Main(journal.New("webd", slog.LevelInfo), "Web Admin", run)
}

func run(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := web.New(web.Config{
		State:    service.State("web"),
		Hostname: hostname,
		Version:  service.Version,
		SignIn:   cmp.Or(os.Getenv("QUORATE_SIGNIN"), signin.Socket),
		Log:      log,
	}, conn)
	if err != nil {
		return err
	}
	return s.Run(ctx, n)
}

// hostname is the name of this node as it is now: `hostname` changes it live.
func hostname() string {
	if h := os.Getenv("QUORATE_HOSTNAME"); h != "" {
		return h
	}
	h, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return h
}

// Package certd is the certificate service of a node: it keeps the private keys
// and certificates, takes in what is uploaded, and serves
// org.quorate.Certificates1. Its folders are $STATE_DIRECTORY and
// $QUORATE_EXCHANGE; it has no flags.
package certd

import (
	"context"
	"fmt"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/certd"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/service"
)

// publicRoots is Debian's list of the CAs the world trusts.
const publicRoots = "/etc/ssl/certs/ca-certificates.crt"

// Main is the whole program.
func Main() {
	service.Main(journal.New("certd", slog.LevelInfo), "the certificate service", run)
}

// run opens the store before the bus, so that the name appears only when every
// call can be answered.
func run(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	s, err := certd.New(certd.Config{
		State:       service.State("cert"),
		Exchange:    service.Exchange(),
		PublicRoots: publicRoots,
		Log:         log,
	}, conn)
	if err != nil {
		return fmt.Errorf("starting the certificate service: %w", err)
	}
	return s.Run(ctx, n)
}

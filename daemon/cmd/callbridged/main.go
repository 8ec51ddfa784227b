// Package callbridged is the Call Bridge of a node: it keeps one link, as a
// component, to a server of its XMPP domain, and serves org.quorate.CallBridge1.
// Settings and certificates come from their services; it has no folder and no
// flags.
package callbridged

import (
	"context"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/callbridge"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/service"
)

// publicRoots is Debian's list of the CAs the world trusts.
const publicRoots = "/etc/ssl/certs/ca-certificates.crt"

// Main is the whole program.
func Main() {
	service.Main(journal.New("callbridged", slog.LevelInfo), "the Call Bridge", run)
}

func run(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	s := callbridge.NewService(callbridge.Config{
		Version:     service.Version,
		Resolver:    resolve.New(resolve.File, resolve.Port),
		PublicRoots: publicRoots,
		Log:         log,
	}, conn)
	return s.Run(ctx, n)
}

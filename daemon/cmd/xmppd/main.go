// Package xmppd is the XMPP service of a node: streams, routing, gossip,
// consensus and the replicated store. It serves org.quorate.Xmpp1. Its folder is
// $STATE_DIRECTORY; all else comes from the configuration and certificate
// services. It has no flags.
package xmppd

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/metrics"
	"quorate.org/daemon/node"
	"quorate.org/daemon/service"
)

// Main is the whole program.
func Main() {
	records := metrics.NewRecords()
	log := slog.New(records.Handler(journal.New("xmppd", slog.LevelInfo).Handler()))
	service.Main(log, "the XMPP service", func(ctx context.Context, log *slog.Logger, n *service.Notifier) error {
		return run(ctx, log, n, records)
	})
}

func run(ctx context.Context, log *slog.Logger, n *service.Notifier, records *metrics.Records) error {
	conn, err := bus.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	overheard, err := metrics.NewLibraries()
	if err != nil {
		return fmt.Errorf("listening to the libraries: %w", err)
	}
	go service.Rest(ctx)
	x := node.New(node.Config{State: service.State("xmpp"), Hostname: hostname(), Machine: machine(), Version: service.Version,
		Metrics: filepath.Join(service.Runtime("xmpp"), "metrics.sock"), Records: records, Overheard: overheard, Log: log}, conn)
	return x.Run(ctx, n)
}

// hostname is the name peers show for this node.
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

// machine identifies the hardware this node's identity belongs to: the DMI
// UUID, which systemd passes as a credential since only root may read it.
func machine() string {
	for _, file := range []string{filepath.Join(os.Getenv("CREDENTIALS_DIRECTORY"), "machine"), "/sys/class/dmi/id/product_uuid"} {
		if b, err := os.ReadFile(file); err == nil {
			// Firmware without one says all zeros, the unit without a file "none".
			if id := strings.TrimSpace(string(b)); strings.Trim(id, "0-") != "" && id != "none" {
				return id
			}
		}
	}
	return ""
}

package service

import (
	"context"
	"log/slog"
	"os"
)

// Main runs a daemon to its end and is all its command does. When body fails,
// the journal has "<words> ends: <why>" and the process ends with 1.
func Main(log *slog.Logger, words string, body func(context.Context, *slog.Logger, *Notifier) error) {
	err := Run(context.Background(), log, nil, func(ctx context.Context, n *Notifier) error {
		return body(ctx, log, n)
	})
	if err != nil {
		log.Error(words + " ends: " + err.Error())
		os.Exit(1)
	}
}

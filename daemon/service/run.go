package service

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Run runs a daemon: body gets a context that ends with SIGTERM or SIGINT, and
// a Notifier on which it says when it is Ready. alive (nil: always) is asked
// before each watchdog message; while it says no, none is sent and the service
// manager restarts the daemon. Run returns what body returned.
func Run(ctx context.Context, log *slog.Logger, alive func() bool, body func(context.Context, *Notifier) error) error {
	n := newNotifier()
	stopping, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)

	background, end := context.WithCancel(ctx) // outlives stopping: the watchdog goes on while the daemon drains
	var wg sync.WaitGroup
	wg.Go(func() { n.passHangups(background, hangups) })
	wg.Go(func() { n.watchdog(background, log, watchdogInterval(), alive) })
	wg.Go(func() { n.announceStop(background, log, stopping) })
	err := body(stopping, n)
	end()
	wg.Wait()
	return err
}

func (n *Notifier) passHangups(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			select {
			case n.reloads <- struct{}{}:
			default: // one is waiting already
			}
		}
	}
}

func (n *Notifier) announceStop(ctx context.Context, log *slog.Logger, stopping context.Context) {
	select {
	case <-ctx.Done():
	case <-stopping.Done():
		if err := n.send("STOPPING=1", "STATUS=stopping"); err != nil {
			log.Warn("telling that the daemon stops", "error", err)
		}
	}
}

// watchdogInterval is half of what the service manager asks for, as
// sd_watchdog_enabled(3) advises; 0 when it asks for nothing.
func watchdogInterval() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	usec, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || usec <= 0 {
		return 0
	}
	return time.Duration(usec) * time.Microsecond / 2
}

func (n *Notifier) watchdog(ctx context.Context, log *slog.Logger, interval time.Duration, alive func() bool) {
	if interval == 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if alive == nil || alive() {
			if err := n.send("WATCHDOG=1"); err != nil {
				log.Warn("feeding the watchdog", "error", err)
			}
		} else {
			log.Error("the daemon is stuck; the watchdog is left to restart it")
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

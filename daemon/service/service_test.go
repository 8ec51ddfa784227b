package service

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// manager stands for systemd's end of the notification socket.
func manager(t *testing.T) (next func() string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "s"))
	return func() string {
		b := make([]byte, 4096)
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		n, err := conn.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

var quiet = slog.New(slog.DiscardHandler)

func TestLifeOfADaemon(t *testing.T) {
	next := manager(t)
	t.Setenv("WATCHDOG_USEC", "60000000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	failure := errors.New("at the end")
	result := make(chan error, 1)
	go func() {
		result <- Run(t.Context(), quiet, nil, func(ctx context.Context, n *Notifier) error {
			if err := n.Ready("serving\nwell"); err != nil {
				return err
			}
			<-n.Reloads()
			if err := n.Reloading(func() string { return "serving again" }); err != nil {
				return err
			}
			<-ctx.Done()
			return failure
		})
	}()
	seen := map[string]bool{next(): true, next(): true} // in either order
	if !seen["WATCHDOG=1"] || !seen["READY=1\nSTATUS=serving; well"] {
		t.Errorf("at start: %v", seen)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if got := next(); !regexp.MustCompile(`^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$`).MatchString(got) {
		t.Errorf("reload began with %q", got)
	}
	if got := next(); got != "READY=1\nSTATUS=serving again" {
		t.Errorf("reload ended with %q", got)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := next(); got != "STOPPING=1\nSTATUS=stopping" {
		t.Errorf("stop began with %q", got)
	}
	if err := <-result; err != failure {
		t.Errorf("Run returned %v", err)
	}
	if os.Getenv("NOTIFY_SOCKET") != "" {
		t.Error("children would inherit the socket")
	}
}

// A daemon is a process, so this test runs itself as one.
func TestMainOfADaemon(t *testing.T) {
	if end := os.Getenv("DAEMON_ENDS"); end != "" {
		Main(slog.New(slog.NewTextHandler(os.Stdout, nil)), "the daemon", func(context.Context, *slog.Logger, *Notifier) error {
			if end == "badly" {
				return errors.New("no folder")
			}
			return nil
		})
		os.Exit(0)
	}
	for end, want := range map[string]string{"well": "", "badly": "the daemon ends: no folder"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMainOfADaemon$")
		cmd.Env = append(os.Environ(), "DAEMON_ENDS="+end)
		out, err := cmd.Output()
		if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
			t.Errorf("a daemon that ends %s: %v\n%s", end, err, out)
		}
	}
}

func TestWithoutAManager(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	err := Run(t.Context(), quiet, nil, func(_ context.Context, n *Notifier) error { return n.Ready("serving") })
	if err != nil {
		t.Error(err)
	}
}

func TestManagerGone(t *testing.T) {
	n := &Notifier{socket: filepath.Join(t.TempDir(), "none")}
	if err := n.Ready(""); err == nil || !strings.Contains(err.Error(), "notifying the service manager") {
		t.Errorf("got %v", err)
	}
}

func TestWatchdogStopsWhenStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		ctx, cancel := context.WithTimeout(t.Context(), 35*time.Second)
		defer cancel()
		var lines strings.Builder
		log := slog.New(slog.NewTextHandler(&lines, nil))
		new(Notifier).watchdog(ctx, log, 10*time.Second, func() bool { asked++; return asked < 3 })
		if asked != 4 || strings.Count(lines.String(), "stuck") != 2 {
			t.Errorf("asked %d times\n%s", asked, lines.String())
		}
	})
}

func TestWatchdogInterval(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	for _, tt := range []struct {
		usec, pid string
		want      time.Duration
	}{
		{"", "", 0}, {"30000000", "", 15 * time.Second}, {"30000000", own, 15 * time.Second}, {"30000000", "1", 0}, {"junk", own, 0}, {"-1", own, 0},
	} {
		t.Setenv("WATCHDOG_USEC", tt.usec)
		t.Setenv("WATCHDOG_PID", tt.pid)
		if got := watchdogInterval(); got != tt.want {
			t.Errorf("%q for %q: %v", tt.usec, tt.pid, got)
		}
	}
}

func TestDirectories(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", "")
	t.Setenv("CONFIGURATION_DIRECTORY", "/a:/b")
	t.Setenv("QUORATE_EXCHANGE", "/c")
	if got := []string{State("xmpp"), Configuration(), Exchange()}; got[0] != "/var/lib/quorate/xmpp" || got[1] != "/a" || got[2] != "/c" {
		t.Error(got)
	}
}

// A manager that has gone does not keep a daemon from reloading.
func TestReloadWithoutAManager(t *testing.T) {
	n := &Notifier{socket: t.TempDir() + "/nobody"}
	reloaded := false
	if err := n.Reloading(func() string { reloaded = true; return "" }); err == nil || !reloaded {
		t.Errorf("reloaded: %v, error %v; want both", reloaded, err)
	}
}

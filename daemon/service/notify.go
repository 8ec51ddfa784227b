package service

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Notifier tells the service manager about this daemon and passes its signals on.
type Notifier struct {
	socket  string // $NOTIFY_SOCKET; empty drops every message
	reloads chan struct{}
}

// newNotifier takes the socket out of the environment, so that no child speaks
// in our name.
func newNotifier() *Notifier {
	socket := os.Getenv("NOTIFY_SOCKET")
	os.Unsetenv("NOTIFY_SOCKET")
	return &Notifier{socket: socket, reloads: make(chan struct{}, 1)}
}

// Ready says that the daemon serves; status is shown by systemctl status.
func (n *Notifier) Ready(status string) error {
	return n.send("READY=1", "STATUS="+oneLine(status))
}

// Status replaces the line systemctl status shows.
func (n *Notifier) Status(status string) error { return n.send("STATUS=" + oneLine(status)) }

// Reloads ticks once for any number of SIGHUPs not yet looked at.
func (n *Notifier) Reloads() <-chan struct{} { return n.reloads }

// Reloading runs reload between the two messages that tell the service manager
// when it began and ended (Type=notify-reload); reload returns the new status.
// It runs whether or not the manager can be told.
func (n *Notifier) Reloading(reload func() (status string)) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("reading the monotonic clock: %w", err)
	}
	began := n.send("RELOADING=1", fmt.Sprintf("MONOTONIC_USEC=%d", now.Nano()/1000))
	return errors.Join(began, n.Ready(reload()))
}

// send writes one datagram of assignments.
func (n *Notifier) send(assignments ...string) error {
	if n.socket == "" {
		return nil
	}
	// A leading @ names an abstract socket, as it does for the net package.
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(strings.Join(assignments, "\n"))); err != nil {
		return fmt.Errorf("notifying the service manager: %w", err)
	}
	return nil
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

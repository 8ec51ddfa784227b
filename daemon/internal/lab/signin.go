package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// signInSocket is the path of a local node's sign-in from outside; on the node
// it is /run/quorate/signin.sock.
func (m *local) signInSocket() string { return filepath.Join(m.run, "quorate", "signin.sock") }

// SignInSocket is where the sign-in of a local node answers, as seen from outside
// the node.
func (n *Node) SignInSocket() string {
	return filepath.Join("/run", n.lab.net.name, n.name, "quorate", "signin.sock")
}

// BusSocket is that of a local node's system bus.
func (n *Node) BusSocket() string { return filepath.Join("/run", n.lab.net.name, n.name, "bus") }

// JournalSocket takes records for the journal of a local node.
func (n *Node) JournalSocket() string {
	return filepath.Join("/run", n.lab.net.name, n.name, "journal", "socket")
}

// startSignIn does what quorate-signin.socket does: a process for each
// connection, with the unit's capabilities, and a socket for Web Admin alone.
func (m *local) startSignIn(ctx context.Context) error {
	_ = os.Remove(m.signInSocket()) // left by one that was killed
	argv := []string{
		"setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all,+setuid,+setgid,+chown,+dac_override",
		"systemd-socket-activate", "--accept", "--inetd", "--listen=" + m.signInSocket(),
	}
	for _, kv := range m.env("signin") {
		argv = append(argv, "--setenv="+kv)
	}
	err := m.procs.start(ctx, spec{
		name: "signin", netns: m.netns, log: m.path("signin.log"), argv: m.inside(append(argv, filepath.Join(m.lab.cfg.Bin, "signin"))...),
	})
	if err != nil {
		return err
	}
	return Wait(ctx, 5*time.Second, "the sign-in of "+m.name, func() error {
		if err := os.Chown(m.signInSocket(), webUID, webUID); err != nil {
			return fmt.Errorf("giving the socket to Web Admin: %w", err)
		}
		return os.Chmod(m.signInSocket(), 0o600)
	})
}

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

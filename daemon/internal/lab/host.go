package lab

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What a person with a root shell does on a node's own files and units. On a
// local node the lab does what systemd would, with the same calls.

// WriteConfig writes a file below /etc/quorate by hand.
func (n *Node) WriteConfig(ctx context.Context, name, text string) error {
	if m, ok := n.machine.(*local); ok {
		if err := os.WriteFile(filepath.Join(m.path("etc"), name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s on %s: %w", name, n.name, err)
		}
		return nil
	}
	_, err := n.Root(ctx, fmt.Sprintf("echo %s | base64 -d > /etc/quorate/%s", base64.StdEncoding.EncodeToString([]byte(text)), name))
	return err
}

// ReadConfig returns a file below /etc/quorate.
func (n *Node) ReadConfig(ctx context.Context, name string) (string, error) {
	if m, ok := n.machine.(*local); ok {
		data, err := os.ReadFile(filepath.Join(m.path("etc"), name))
		return string(data), err
	}
	return n.Root(ctx, "cat /etc/quorate/"+name)
}

// Reload is `systemctl reload quorate-config`.
func (n *Node) Reload(ctx context.Context) (string, error) {
	if _, ok := n.machine.(*local); ok {
		return n.Busctl(ctx, "--quiet call org.quorate.Config1 /org/quorate/Config1 org.quorate.Config1 Reload")
	}
	return n.Root(ctx, "systemctl reload quorate-config")
}

// Busctl runs busctl on the node's system bus; args are split at blanks.
func (n *Node) Busctl(ctx context.Context, args string) (string, error) {
	m, ok := n.machine.(*local)
	if !ok {
		return n.Root(ctx, "busctl "+args)
	}
	out, err := run(ctx, "busctl", append([]string{"--address=unix:path=" + filepath.Join(m.run, "bus")}, strings.Fields(args)...)...)
	return out, err
}

// Journal returns what a daemon logged since it started.
func (n *Node) Journal(ctx context.Context, daemon string) (string, error) {
	if m, ok := n.machine.(*local); ok {
		data, err := os.ReadFile(m.path(daemon + ".log"))
		return string(data), err
	}
	return n.Root(ctx, "journalctl --boot --no-pager --output=cat --unit="+units[daemon])
}

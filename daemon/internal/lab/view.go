package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// view is a script that what runs on a local node is started through: it lays
// the node's own journal, and its own /run/quorate, over the machine's. `ip
// netns exec` has given the process a mount namespace of its own already, with
// a /sys that lacks the control groups journald looks for.
const view = `#!/bin/sh
set -e
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind %[1]s/journal /run/systemd/journal
mount --bind %[1]s/log /run/log/journal
mount --bind %[1]s/quorate /run/quorate
[ ! -d /var/log/journal ] || mount --bind %[1]s/empty /var/log/journal
exec "$@"
`

// covered are the machine's directories that the view covers; they must exist.
var covered = []string{"/run/systemd/journal", "/run/log/journal", "/run/quorate"}

// inside is the command line that starts a program on the node.
func (m *local) inside(argv ...string) []string { return append([]string{m.path("view")}, argv...) }

// views makes what the view lays over the machine's directories.
func (m *local) views() error {
	for _, dir := range covered {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	for _, name := range []string{"journal", "log", "quorate/faillock", "empty"} {
		if err := os.MkdirAll(filepath.Join(m.run, name), 0o755); err != nil {
			return fmt.Errorf("making %s: %w", name, err)
		}
	}
	// As systemd-tmpfiles makes it: the group of what is written there may read.
	logs := filepath.Join(m.run, "log")
	if err := errors.Join(os.Chown(logs, 0, journalGID), os.Chmod(logs, 0o755|os.ModeSetgid)); err != nil {
		return fmt.Errorf("making the journal's directory: %w", err)
	}
	return nil
}

// startJournal starts the node's journald, which writes the node's name into
// each record, and waits until it takes records.
func (m *local) startJournal(ctx context.Context) error {
	return m.procs.start(ctx, spec{
		name: "journald", netns: m.netns, log: m.path("journald.log"), notify: filepath.Join(m.run, "journald.ready"),
		argv: m.inside("unshare", "--uts", "sh", "-c", "hostname "+m.name+" && exec /lib/systemd/systemd-journald"),
	})
}

// JournalText returns what journalctl says on the node, with the arguments it
// is given.
func (n *Node) JournalText(ctx context.Context, args ...string) (string, error) {
	argv := append([]string{"journalctl", "--no-pager"}, args...)
	m, ok := n.machine.(*local)
	if !ok {
		return n.Root(ctx, quoted(argv))
	}
	return run(ctx, "ip", append([]string{"netns", "exec", m.netns}, m.inside(argv...)...)...)
}

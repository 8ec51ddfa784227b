package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Addresses of the segment. The lab's own end of the bridge is the nodes' DNS
// server; there is no way out of the segment.
const (
	gateway   = "10.77.0.1"
	prefixLen = 24
)

// network is the namespace with the bridge and the DNS server.
type network struct {
	name  string // of the namespace
	dir   string
	procs procs
	hosts []*Node
}

// up makes the namespace and the bridge, and starts the DNS server.
func (w *network) up(ctx context.Context) error {
	if err := w.down(ctx); err != nil {
		return err
	}
	if err := w.own(); err != nil {
		return err
	}
	if err := batch(ctx,
		"ip netns add "+w.name,
		"ip -n "+w.name+" link set lo up",
		"ip -n "+w.name+" link add br0 type bridge stp_state 0 forward_delay 0",
		fmt.Sprintf("ip -n %s addr add %s/%d dev br0", w.name, gateway, prefixLen),
		"ip -n "+w.name+" link set br0 up",
	); err != nil {
		return err
	}
	if err := writeResolver(w.name, nil); err != nil {
		return err
	}
	return w.startDNS(ctx)
}

// ownerFile names the directory of the lab that has the namespaces of this name.
func (w *network) ownerFile() string { return filepath.Join("/run", w.name, "owner") }

// claim refuses a name that a lab of another directory holds.
func (w *network) claim() error {
	owner, err := os.ReadFile(w.ownerFile())
	if err != nil || string(owner) == w.dir {
		return nil
	}
	if _, err := os.Stat(filepath.Join(string(owner), "lab.json")); err != nil {
		return nil // its directory is gone, so nobody can take it down any more
	}
	return fmt.Errorf("%s belongs to the lab in %s; take that down first", w.name, owner)
}

func (w *network) own() error {
	if err := os.MkdirAll(filepath.Dir(w.ownerFile()), 0o755); err != nil {
		return fmt.Errorf("claiming %s: %w", w.name, err)
	}
	if err := os.WriteFile(w.ownerFile(), []byte(w.dir), 0o644); err != nil {
		return fmt.Errorf("claiming %s: %w", w.name, err)
	}
	return nil
}

// down deletes the namespace.
func (w *network) down(ctx context.Context) error {
	return errors.Join(deleteNamespace(ctx, w.name), os.RemoveAll(filepath.Join("/run", w.name)))
}

// writeResolver makes the files that `ip netns exec` binds over /etc (see
// ip-netns(8)): the lab's DNS and no names of this machine.
func writeResolver(netns string, hosts []string) error {
	dir := filepath.Join("/etc/netns", netns)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", dir, err)
	}
	files := map[string]string{
		"hosts":         "127.0.0.1 localhost\n" + strings.Join(hosts, "\n") + "\n",
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nservices: files\n",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", name, err)
		}
	}
	return writeNameServers(netns)
}

// killInside ends what runs in a namespace of the lab: its processes are the
// lab's by construction. That there is none is no error.
func killInside(ctx context.Context, netns string) error {
	if _, err := os.Stat(filepath.Join("/run/netns", netns)); err != nil {
		return nil
	}
	pids, err := run(ctx, "ip", "netns", "pids", netns)
	if err != nil {
		return err
	}
	for _, field := range strings.Fields(pids) {
		var pid int
		if _, err := fmt.Sscan(field, &pid); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended meanwhile
		}
	}
	return nil
}

// deleteNamespace ends what still runs in the namespace and removes it.
func deleteNamespace(ctx context.Context, name string) error {
	if err := killInside(ctx, name); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join("/run/netns", name)); err == nil {
		if _, err := run(ctx, "ip", "netns", "del", name); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(filepath.Join("/etc/netns", name)); err != nil {
		return fmt.Errorf("removing the resolver files of %s: %w", name, err)
	}
	return nil
}

package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Node is one cluster node of the lab.
type Node struct {
	lab    *Lab
	name   string // cb1
	number int    // 1
	addr   string // 10.77.0.11
	mac    string
	dir    string // its files, logs and, for a local node, its whole state
	port   string // its port on the lab's bridge
	machine
}

// machine is what differs between a process node and a virtual machine.
type machine interface {
	// prepare makes what outlives a power cut: network port, disk, keys.
	prepare(ctx context.Context) error
	// powerOn starts it.
	powerOn(ctx context.Context) error
	// powerOff ends it at once, as pulling the plug would.
	powerOff(ctx context.Context) error
	// signal sends a signal to the named daemon (xmppd, confd, certd, callbridged, webd).
	signal(ctx context.Context, daemon string, sig syscall.Signal) error
	// revive starts a daemon that was killed, if nothing else does.
	revive(ctx context.Context, daemon string) error
	// wipe makes a node that is off new again; readdress gives it n.addr.
	wipe(ctx context.Context) error
	readdress(ctx context.Context) error
	// freeze stops or resumes the whole machine at once.
	freeze(stop bool) error
	// sshUser is who signs in to the command line.
	sshUser() string
	// destroy undoes prepare, the node's directory excepted.
	destroy(ctx context.Context) error
}

func newNode(l *Lab, i int) *Node {
	n := &Node{
		lab: l, number: i, name: fmt.Sprintf("cb%d", i), addr: fmt.Sprintf("10.77.0.%d", 10+i), mac: fmt.Sprintf("52:54:00:4d:00:%02x", 10+i),
		port: fmt.Sprintf("port%d", i),
	}
	n.dir = filepath.Join(l.cfg.Dir, n.name)
	if l.cfg.Local {
		n.machine = newLocal(n)
	} else {
		n.machine = newVM(n)
	}
	return n
}

// Name returns the host name, cb1.
func (n *Node) Name() string { return n.name }

// Lab returns the lab the node belongs to.
func (n *Node) Lab() *Lab { return n.lab }

// Addr returns the IP address on the segment.
func (n *Node) Addr() string { return n.addr }

// WebURL returns where Web Admin is, by the name in the lab's DNS, at the port
// of the default settings.
func (n *Node) WebURL() string { return "https://" + n.name + "." + Domain + ":" + webPort }

// Dir returns the directory with the node's logs.
func (n *Node) Dir() string { return n.dir }

// Start powers the node on and waits until its command line answers.
func (n *Node) Start(ctx context.Context) error {
	if err := n.powerOn(ctx); err != nil {
		return fmt.Errorf("starting %s: %w", n.name, err)
	}
	return n.WaitShell(ctx)
}

// WaitShell waits until the node's command line answers over SSH.
func (n *Node) WaitShell(ctx context.Context) error {
	limit := 20 * time.Second
	if !n.lab.cfg.Local {
		limit = 6 * time.Minute // three emulated machines starting on two cores
	}
	return Wait(ctx, limit, n.name+" to answer over SSH", func() error {
		_, err := n.Exec(ctx, "version")
		return err
	})
}

// Kill cuts the node's power.
func (n *Node) Kill(ctx context.Context) error {
	if err := n.powerOff(ctx); err != nil {
		return fmt.Errorf("killing %s: %w", n.name, err)
	}
	n.hangUp(ctx)
	return nil
}

// Signal sends a signal to one daemon of the node: xmppd, confd, certd,
// callbridged or webd.
func (n *Node) Signal(ctx context.Context, daemon string, sig syscall.Signal) error {
	return n.signal(ctx, daemon, sig)
}

// Revive starts a daemon that was killed and waits until it is ready.
func (n *Node) Revive(ctx context.Context, daemon string) error { return n.revive(ctx, daemon) }

// Wipe makes a node that is off as it came from the factory, under the same
// name and address.
func (n *Node) Wipe(ctx context.Context) error { return n.wipe(ctx) }

// Readdress gives a node that is off another address, in DNS too.
func (n *Node) Readdress(ctx context.Context, addr string) error {
	n.addr = addr
	if err := n.readdress(ctx); err != nil {
		return fmt.Errorf("changing the address of %s: %w", n.name, err)
	}
	if err := n.lab.net.procs.stop(ctx, "dnsmasq", syscall.SIGTERM); err != nil {
		return err
	}
	return errors.Join(n.lab.net.startDNS(ctx), n.lab.writeSSHConfig())
}

// Pause freezes the node as a hypervisor would; Resume lets it go on.
func (n *Node) Pause() error { return n.freeze(true) }

// Resume undoes Pause.
func (n *Node) Resume() error { return n.freeze(false) }

// Cut makes the segment drop every frame to and from the node, silently:
// nothing is reset and no carrier is lost.
func (n *Node) Cut(ctx context.Context) error { return n.portState(ctx, "0") }

// Heal undoes Cut.
func (n *Node) Heal(ctx context.Context) error { return n.portState(ctx, "3") }

// portState sets the bridge port's state: 0 disabled, 3 forwarding (bridge(8)).
func (n *Node) portState(ctx context.Context, state string) error {
	return batch(ctx, fmt.Sprintf("bridge -n %s link set dev %s state %s", n.lab.net.name, n.port, state))
}

// Log returns what the node's daemons wrote, for a failed test to show.
func (n *Node) Log() string {
	files, _ := filepath.Glob(filepath.Join(n.dir, "*.log")) // the pattern is constant
	var b strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err == nil && len(data) > 0 {
			fmt.Fprintf(&b, "--- %s/%s\n%s", n.name, filepath.Base(f), data)
		}
	}
	return b.String()
}

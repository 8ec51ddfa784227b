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

// daemons of a node in the order they start.
var daemons = []string{"confd", "certd", "xmppd", "callbridged", "webd"}

// users of the daemons that show what they may not do; the others run as root.
var users = map[string]int{"callbridged": callbridgeUID, "webd": webUID}

// local is a node made of processes in a network namespace: a journald and a
// system bus of its own, the daemons, sign-in, and OpenSSH's server in front of
// mmp.
type local struct {
	*Node
	netns string
	run   string // sockets: short, because a socket's path may have 107 bytes
	procs procs
}

func newLocal(n *Node) *local {
	m := &local{Node: n, netns: n.lab.net.name + "-" + n.name, run: filepath.Join("/run", n.lab.net.name, n.name)}
	m.procs = procs{dir: filepath.Join(n.dir, "run"), ephemeral: n.lab.cfg.Ephemeral}
	return m
}

func (m *local) prepare(ctx context.Context) error {
	if err := deleteNamespace(ctx, m.netns); err != nil {
		return err
	}
	for _, dir := range []string{m.run, m.dir, m.path("ssh")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	if err := errors.Join(m.folders(), m.writeFiles(), m.views()); err != nil {
		return err
	}
	if err := keygen(ctx, m.path("ssh/host_key")); err != nil {
		return err
	}
	if err := writeResolver(m.netns, []string{"127.0.1.1 " + m.name}); err != nil {
		return err
	}
	if err := m.people(); err != nil {
		return err
	}
	return m.plug(ctx)
}

// folders makes what a new node has, empty; group quorate-admin uploads.
func (m *local) folders() error {
	for _, dir := range []string{"etc", "exchange", "state"} {
		if err := os.MkdirAll(m.path(dir), 0o755); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
	}
	return errors.Join(os.Chown(m.path("exchange"), 0, adminGID), os.Chmod(m.path("exchange"), 0o770|os.ModeSetgid))
}

// plug gives the namespace its interface eth0 on the lab's bridge.
func (m *local) plug(ctx context.Context) error {
	bridge := m.lab.net.name
	return batch(ctx,
		"ip netns add "+m.netns,
		"ip -n "+m.netns+" link set lo up",
		fmt.Sprintf("ip link add %s netns %s type veth peer name eth0 netns %s", m.port, bridge, m.netns),
		fmt.Sprintf("ip -n %s link set %s master br0 up", bridge, m.port),
		fmt.Sprintf("ip -n %s link set eth0 address %s up", m.netns, m.mac),
		fmt.Sprintf("ip -n %s addr add %s/%d dev eth0", m.netns, m.addr, prefixLen),
		fmt.Sprintf("ip -n %s route add default via %s", m.netns, gateway),
	)
}

func (m *local) path(elem string) string { return filepath.Join(m.dir, elem) }

// env is what systemd, the bus and the host would tell a daemon of a real node.
func (m *local) env(daemon string) []string {
	return []string{
		"DBUS_SYSTEM_BUS_ADDRESS=unix:path=" + filepath.Join(m.run, "bus"),
		"STATE_DIRECTORY=" + m.path("state/"+daemon),
		"CONFIGURATION_DIRECTORY=" + m.path("etc"),
		"RUNTIME_DIRECTORY=" + filepath.Join(m.run, daemon),
		"QUORATE_EXCHANGE=" + m.path("exchange"),
		"QUORATE_HOSTNAME=" + m.name,
		"QUORATE_JOURNAL=/run/systemd/journal/socket", // the node's own: see view
		"QUORATE_SIGNIN=" + m.signInSocket(),
	}
}

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>
`

const sshdConfig = `Port 22
HostKey %[1]s/ssh/host_key
AuthorizedKeysFile %[2]s.pub
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PidFile none
PrintMotd no
PrintLastLog no
UseDNS no
MaxStartups 100
Subsystem sftp mmp --sftp
ForceCommand %[1]s/ssh/login
`

// login stands for the account's login shell, which sshd calls with -c and the
// command, or with nothing for a person at a terminal.
const login = `#!/bin/sh
export %sHOME="%[3]s/home/$LOGNAME"
if [ "$SSH_ORIGINAL_COMMAND" = "mmp --sftp" ]; then exec %[2]s/mmp --sftp; fi
if [ -n "$SSH_ORIGINAL_COMMAND" ]; then exec %[2]s/mmp -c "$SSH_ORIGINAL_COMMAND"; fi
exec %[2]s/mmp
`

func (m *local) writeFiles() error {
	var exports strings.Builder
	for _, kv := range m.env("mmp") {
		name, value, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&exports, "%s='%s' ", name, value)
	}
	files := []struct {
		name, text string
		mode       os.FileMode
	}{
		{"bus.conf", fmt.Sprintf(busConfig, filepath.Join(m.run, "bus")), 0o644},
		{"ssh/sshd_config", fmt.Sprintf(sshdConfig, m.dir, m.lab.sshKey()), 0o644},
		{"ssh/login", fmt.Sprintf(login, exports.String(), m.lab.cfg.Bin, m.dir), 0o755},
		{"view", fmt.Sprintf(view, m.run), 0o755},
	}
	for _, f := range files {
		if err := os.WriteFile(m.path(f.name), []byte(f.text), f.mode); err != nil {
			return fmt.Errorf("writing %s: %w", f.name, err)
		}
	}
	return nil
}

func (m *local) powerOn(ctx context.Context) error {
	for _, start := range []func(context.Context) error{m.startJournal, m.startBus, m.startSignIn} {
		if err := start(ctx); err != nil {
			return err
		}
	}
	for _, d := range daemons {
		if err := m.startDaemon(ctx, d); err != nil {
			return err
		}
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return fmt.Errorf("making sshd's empty directory: %w", err)
	}
	return m.procs.start(ctx, spec{
		name: "sshd", netns: m.netns, log: m.path("sshd.log"),
		argv: m.inside("/usr/sbin/sshd", "-D", "-e", "-f", m.path("ssh/sshd_config")),
	})
}

// startBus starts the private system bus and waits until it listens.
func (m *local) startBus(ctx context.Context) error {
	_ = os.Remove(filepath.Join(m.run, "bus")) // left by a bus that was killed
	return m.procs.start(ctx, spec{
		name: "bus", netns: m.netns, log: m.path("bus.log"), notify: filepath.Join(m.run, "bus.ready"),
		argv: []string{"dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + m.path("bus.conf")},
	})
}

func (m *local) startDaemon(ctx context.Context, daemon string) error {
	for _, dir := range []string{m.path("state/" + daemon), filepath.Join(m.run, daemon)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making %s: %w", dir, err)
		}
		if err := os.Chown(dir, users[daemon], users[daemon]); err != nil {
			return fmt.Errorf("giving %s to %s: %w", dir, daemon, err)
		}
	}
	return m.procs.start(ctx, spec{
		name: daemon, netns: m.netns, log: m.path(daemon + ".log"), notify: filepath.Join(m.run, daemon+".ready"),
		argv: m.inside(append(m.privileges(daemon), filepath.Join(m.lab.cfg.Bin, daemon))...), env: m.env(daemon),
	})
}

// privileges is what starts a daemon as its unit would: as its user, with its
// groups, and with port 443 for Web Admin.
func (m *local) privileges(daemon string) []string {
	uid := users[daemon]
	if uid == 0 {
		return nil
	}
	argv := []string{"setpriv", fmt.Sprintf("--reuid=%d", uid), fmt.Sprintf("--regid=%d", uid), "--init-groups", "--no-new-privs"}
	if daemon == "webd" {
		argv = append(argv, "--inh-caps=+net_bind_service", "--ambient-caps=+net_bind_service")
	}
	if m.procs.ephemeral {
		argv = append(argv, "--pdeathsig=KILL") // another user's process begins without
	}
	return argv
}

func (m *local) powerOff(ctx context.Context) error {
	var errs []error
	for _, name := range m.procs.names() {
		errs = append(errs, m.procs.signal(name, syscall.SIGKILL)) // all first, so that none sees another die
	}
	return errors.Join(append(errs, m.procs.killAll(ctx), killInside(ctx, m.netns))...)
}

func (m *local) signal(_ context.Context, daemon string, sig syscall.Signal) error {
	return m.procs.signal(daemon, sig)
}

func (m *local) revive(ctx context.Context, daemon string) error { return m.startDaemon(ctx, daemon) }

func (m *local) wipe(context.Context) error {
	for _, dir := range []string{"etc", "exchange", "state"} {
		if err := os.RemoveAll(m.path(dir)); err != nil {
			return fmt.Errorf("wiping %s: %w", dir, err)
		}
	}
	return m.folders()
}

func (m *local) readdress(ctx context.Context) error {
	return batch(ctx,
		"ip -n "+m.netns+" addr flush dev eth0 scope global",
		fmt.Sprintf("ip -n %s addr add %s/%d dev eth0", m.netns, m.addr, prefixLen),
		fmt.Sprintf("ip -n %s route replace default via %s", m.netns, gateway),
	)
}

func (m *local) freeze(stop bool) error {
	sig := syscall.SIGCONT
	if stop {
		sig = syscall.SIGSTOP
	}
	var errs []error
	for _, d := range daemons {
		errs = append(errs, m.procs.signal(d, sig))
	}
	return errors.Join(errs...)
}

func (m *local) sshUser() string { return "root" }

func (m *local) destroy(ctx context.Context) error {
	return errors.Join(deleteNamespace(ctx, m.netns), os.RemoveAll(m.run))
}

// CloneFrom gives a local node that is off the disk of another, as copying a
// virtual machine does.
func (n *Node) CloneFrom(ctx context.Context, source *Node) error {
	if err := n.wipe(ctx); err != nil {
		return err
	}
	for _, dir := range []string{"etc", "exchange", "state"} {
		if _, err := run(ctx, "cp", "-a", filepath.Join(source.dir, dir)+"/.", filepath.Join(n.dir, dir)+"/"); err != nil {
			return fmt.Errorf("cloning %s: %w", source.name, err)
		}
	}
	return nil
}

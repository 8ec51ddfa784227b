package lab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// vm is a node that boots the image in QEMU, with its network card on the
// lab's bridge and everything it must be told in systemd credentials.
type vm struct {
	*Node
	procs    procs
	hardware Hardware
	given    [][2]string // credentials of the next start alone
}

func newVM(n *Node) *vm {
	return &vm{Node: n, hardware: n.lab.hardwareOf(n), procs: procs{dir: filepath.Join(n.dir, "run"), ephemeral: n.lab.cfg.Ephemeral}}
}

func (m *vm) disk() string { return filepath.Join(m.dir, "disk.qcow2") }

// image returns a file of the lab's copy of the image.
func (m *vm) image(suffix string) string {
	return filepath.Join(m.lab.cfg.Dir, "image", "quorate."+suffix)
}

// copyImage takes what the machines need of one build together, so that the
// next build does not pull the disk from under them.
func (l *Lab) copyImage(ctx context.Context) error {
	dir := filepath.Join(l.cfg.Dir, "image")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the image's directory: %w", err)
	}
	suffixes := map[string]bool{}
	for _, n := range l.nodes {
		for _, suffix := range l.hardwareOf(n).files() {
			suffixes[suffix] = true
		}
	}
	for suffix := range suffixes {
		if _, err := run(ctx, "cp", "--sparse=always", "--reflink=auto", filepath.Join(l.cfg.Image, "quorate."+suffix), dir); err != nil {
			return fmt.Errorf("copying the image: %w", err)
		}
	}
	return nil
}

// Accelerator returns QEMU's arguments for KVM where the processor has
// virtualisation; a /dev/kvm without it starts machines and does not run them. Else
// it emulates: without page tables of five levels, and with a cache of translated code
// that the host's own caches hold better than the default of 1 GiB. Measured, a boot
// costs two thirds of the processor's time it costs else.
func Accelerator() []string {
	if emulated() {
		return []string{"-accel", "tcg,tb-size=256", "-cpu", "max,la57=off"}
	}
	return []string{"-accel", "kvm", "-cpu", "host"}
}

// emulated reports whether the processor of a virtual machine is a program here.
func emulated() bool {
	info, err := os.ReadFile("/proc/cpuinfo")
	_, device := os.Stat("/dev/kvm")
	return err != nil || device != nil || !virtualisation.Match(info)
}

var virtualisation = regexp.MustCompile(`(?m)^flags\s*:.*\b(vmx|svm)\b`)

func (m *vm) prepare(ctx context.Context) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return fmt.Errorf("making the directory of %s: %w", m.name, err)
	}
	ns := m.lab.net.name
	if err := batch(ctx,
		fmt.Sprintf("ip -n %s tuntap add %s mode tap", ns, m.port),
		fmt.Sprintf("ip -n %s link set %s master br0 up", ns, m.port),
	); err != nil {
		return err
	}
	return m.blank(ctx)
}

// blank gives the machine a disk as it came from the build.
func (m *vm) blank(ctx context.Context) error {
	_ = os.Remove(m.disk())
	format := m.hardware.suffix()
	if _, err := run(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", m.image(format), "-F", format, m.disk()); err != nil {
		return err
	}
	return m.blankFirmware()
}

func (m *vm) powerOn(ctx context.Context) error {
	boot, err := m.boot()
	if err != nil {
		return err
	}
	if err := m.newFirmware(); err != nil {
		return err
	}
	if err := m.startTPM(ctx); err != nil {
		return err
	}
	credentials, err := m.credentials()
	if err != nil {
		return err
	}
	argv := []string{
		"qemu-system-x86_64", "-name", m.name, "-machine", "q35", "-smp", "1", "-m", "512",
		"-uuid", "51756f72-6174-4e00-8000-" + strings.ReplaceAll(m.mac, ":", ""), // a machine keeps its UUID
		"-nodefaults", "-no-user-config", "-display", "none",
		"-qmp", "unix:" + m.monitor() + ",server=on,wait=off",
		"-chardev", "socket,id=serial,server=on,wait=off,path=" + m.serial() + ",logfile=" + filepath.Join(m.dir, "serial.log"), "-serial", "chardev:serial",
		"-netdev", "tap,id=lan,script=no,downscript=no,ifname=" + m.port,
	}
	return m.procs.start(ctx, spec{
		name: "qemu", netns: m.lab.net.name, log: filepath.Join(m.dir, "qemu.log"), argv: slices.Concat(argv, m.hardware.devices(m.disk(), m.mac), m.tpm(), boot, Accelerator(), credentials),
	})
}

const networkFile = `[Match]
MACAddress=%s
[Network]
Address=%s/%d
Gateway=%s
DNS=%s
LinkLocalAddressing=no
`

// patient are the settings of a node whose processor pauses for longer than the
// default timers allow, as docs/troubleshooting.md has them: three emulated
// machines share the processors of the lab, and one that starts leaves the others
// without for up to half a second.
const patient = `[cluster]
heartbeat = "1s"
election = "1s"
lease = "1s"
`

// credentials are SMBIOS type 11 strings (systemd.system-credentials(7)):
// host name, address, DNS, the administrator's password and key, which also opens
// a root shell for the lab's own acts, and patience where it is needed.
func (m *vm) credentials() ([]string, error) {
	key, err := os.ReadFile(m.lab.sshKey() + ".pub")
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's key: %w", err)
	}
	values := [][2]string{
		{"system.hostname", m.name},
		{"network.network.50-lab", fmt.Sprintf(networkFile, m.mac, m.addr, prefixLen, gateway, gateway)},
		{"quorate.admin.authorized_keys", string(key)},
		{"quorate.admin.hashed_password", passwordHash},
		{"ssh.authorized_keys.root", string(key)},
	}
	if emulated() {
		values = append(values, [2]string{"quorate.config", patient})
	}
	values, m.given = append(values, m.given...), nil
	var args []string
	for _, v := range values {
		args = append(args, "-smbios", "type=11,value=io.systemd.credential.binary:"+v[0]+"="+base64.StdEncoding.EncodeToString([]byte(v[1])))
	}
	return args, nil
}

// Give has a node that is off find one more credential when it is started next, and
// not later.
func (n *Node) Give(credential, value string) error {
	m, ok := n.machine.(*vm)
	if !ok {
		return errors.New("a local node has no credentials")
	}
	m.given = append(m.given, [2]string{credential, value})
	return nil
}

func (m *vm) powerOff(ctx context.Context) error { return m.procs.killAll(ctx) }

// units of the daemons.
var units = map[string]string{"xmppd": "quorate-xmpp", "confd": "quorate-config", "certd": "quorate-cert", "callbridged": "quorate-callbridge", "webd": "quorate-web"}

func (m *vm) signal(ctx context.Context, daemon string, sig syscall.Signal) error {
	_, err := m.Root(ctx, fmt.Sprintf("systemctl kill --kill-whom=main --signal=%d %s", int(sig), units[daemon]))
	return err
}

// revive waits: the unit restarts what was killed.
func (m *vm) revive(ctx context.Context, daemon string) error {
	return Wait(ctx, 30*time.Second, daemon+" to be started again", func() error {
		_, err := m.Root(ctx, "systemctl is-active --quiet "+units[daemon])
		return err
	})
}

func (m *vm) freeze(stop bool) error {
	if stop {
		return m.procs.signal("qemu", syscall.SIGSTOP)
	}
	return m.procs.signal("qemu", syscall.SIGCONT)
}

func (m *vm) wipe(ctx context.Context) error {
	if err := m.ForgetHostKey(ctx); err != nil {
		return err
	}
	return m.blank(ctx)
}

// readdress has nothing to do: the credentials are made at power-on.
func (m *vm) readdress(context.Context) error { return nil }

func (m *vm) sshUser() string { return "admin" }

func (m *vm) destroy(context.Context) error { return nil } // the port goes with the namespace

// Root runs a command in the root shell that a virtual machine of the lab has
// by its credentials.
func (n *Node) Root(ctx context.Context, command string) (string, error) {
	if n.lab.cfg.Local {
		return "", errors.New("a local node has no root shell of its own")
	}
	return n.ExecAs(ctx, "root", command)
}

// quoted makes one shell word of each argument.
func quoted(argv []string) string {
	var words []string
	for _, arg := range argv {
		words = append(words, "'"+strings.ReplaceAll(arg, "'", `'\''`)+"'")
	}
	return strings.Join(words, " ")
}

package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/internal/lab"
)

// one returns the lab and a member of the cluster to look at.
func one(t *testing.T) (*lab.Lab, *lab.Node) {
	t.Helper()
	l := appliances(t)
	return l, l.Members()[0]
}

var exposure = regexp.MustCompile(`exposure level for (\S+): ([0-9.]+)`)

// What each of our units could do if it were taken over, as systemd reckons it; and
// the one of others that we harden and only VMware starts.
func TestM4_5_Exposure(t *testing.T) {
	_, n := one(t)
	names := strings.Fields(rooted(t, n, `systemctl list-unit-files --no-legend --plain 'quorate*.service' | cut -d ' ' -f 1`))
	if len(names) < 10 {
		t.Errorf("only %v are installed", names)
	}
	for _, name := range append(names, vmtools) {
		unit := strings.Replace(name, "@.", "@exposure.", 1)
		found := exposure.FindStringSubmatch(rooted(t, n, "systemd-analyze security --no-pager "+unit))
		if found == nil {
			t.Errorf("%s: systemd-analyze gives no figure", name)
			continue
		}
		figure, err := strconv.ParseFloat(found[2], 64)
		must(t, err)
		limit := 2.0
		if name == "quorate-xmpp.service" {
			limit = 1.5
		}
		if figure > limit {
			t.Errorf("%s: %.1f, want %.1f at most", name, figure, limit)
		}
		t.Logf("M4.5 exposure of %s: %.1f", name, figure)
	}
	got := rooted(t, n, "systemctl is-enabled "+vmtools+"; systemctl is-active "+vmtools+"; systemctl show --property=ConditionResult "+vmtools+
		"; ls /usr/bin/vm[tw]* /usr/bin/VG* 2>/dev/null; find /usr/lib/x86_64-linux-gnu/open-vm-tools -not -type d | sort")
	if diff := cmp.Diff(toolsOfVMware, got); diff != "" {
		t.Errorf("of VMware's tools (-want +got):\n%s", diff)
	}
}

// vmtools is the unit of vmtoolsd.
const vmtools = "open-vm-tools.service"

// toolsOfVMware are what is installed of them, to tell the host the node's addresses,
// to shut down when it asks, and to ask for guestinfo; on a machine of another kind
// nothing of them runs.
const toolsOfVMware = `enabled
inactive
ConditionResult=no
/usr/bin/vmtoolsd
/usr/bin/vmware-checkvm
/usr/bin/vmware-rpctool
/usr/lib/x86_64-linux-gnu/open-vm-tools/plugins/vmsvc/libguestInfo.so
/usr/lib/x86_64-linux-gnu/open-vm-tools/plugins/vmsvc/libpowerOps.so`

// The kernel's settings are those of the file, for every network card, and the
// kernel is locked.
func TestM4_5_Kernel(t *testing.T) {
	_, n := one(t)
	checked := 0
	for line := range strings.Lines(rooted(t, n, "cat /usr/lib/sysctl.d/50-quorate.conf")) {
		key, want, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok || strings.HasPrefix(key, "#") {
			continue
		}
		checked++
		path := "/proc/sys/" + strings.ReplaceAll(strings.TrimPrefix(key, "-"), ".", "/")
		for got := range strings.Lines(rooted(t, n, "grep -H . "+path)) {
			if file, value, _ := strings.Cut(strings.TrimSpace(got), ":"); value != want {
				t.Errorf("%s is %s, want %s", file, value, want)
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d settings were found", checked)
	}
	if got := rooted(t, n, "cat /sys/kernel/security/lockdown"); !strings.Contains(got, "[integrity]") {
		t.Errorf("lockdown is %s", got)
	}
	if got := rooted(t, n, "cat /sys/module/nf_conntrack/parameters/hashsize"); strings.TrimSpace(got) != "8192" {
		t.Errorf("the firewall's table of connections has %s buckets", got)
	}
	t.Logf("M4.5 %d kernel settings as the file says, lockdown integrity", checked)
}

// What can be run, and as whom.
func TestM4_5_Privileges(t *testing.T) {
	_, n := one(t)
	if got := rooted(t, n, "find / /usr /etc -xdev -type f -perm /6000"); got != "" {
		t.Errorf("setuid or setgid:\n%s", got)
	}
	mounts := map[string]string{}
	for line := range strings.Lines(rooted(t, n, "cat /proc/mounts")) {
		if f := strings.Fields(line); len(f) > 3 {
			mounts[f[1]] = f[3]
		}
	}
	for where, want := range map[string][]string{
		"/": {"nosuid", "nodev", "noexec"}, "/usr": {"ro", "nosuid", "nodev"}, "/etc": {"nosuid", "nodev"}, "/tmp": {"nosuid", "nodev", "noexec"},
	} {
		for _, option := range want {
			if !slices.Contains(strings.Split(mounts[where], ","), option) {
				t.Errorf("%s is mounted %q, want %s", where, mounts[where], option)
			}
		}
	}
	for line := range strings.Lines(rooted(t, n, "cat /etc/shadow")) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if locked := strings.HasPrefix(f[1], "!") || strings.HasPrefix(f[1], "*"); !locked && f[0] != "admin" {
			t.Errorf("the account %s has a password", f[0])
		}
	}
	for line := range strings.Lines(rooted(t, n, "cat /etc/passwd")) {
		f := strings.Split(strings.TrimSpace(line), ":")
		known := []string{"root", "admin", "sync"} // sync's only "shell" is /bin/sync, and it is locked
		if !strings.HasSuffix(f[6], "nologin") && !slices.Contains(known, f[0]) {
			t.Errorf("the account %s has the shell %s", f[0], f[6])
		}
	}
	t.Log("M4.5 no setuid or setgid program; nothing is executed outside /usr; one account has a password, admin")
}

// sshd speaks nothing that is not in its file, and is seen to refuse the rest.
func TestM4_5_SSH(t *testing.T) {
	l, n := one(t)
	in := map[string]string{}
	for line := range strings.Lines(rooted(t, n, "/usr/sbin/sshd -T -C user=admin,host=lab,addr=10.77.0.1")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		in[key] = value
	}
	for key, want := range map[string]string{
		"kexalgorithms":     "mlkem768x25519-sha256,sntrup761x25519-sha512,sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org",
		"ciphers":           "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com",
		"macs":              "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128-etm@openssh.com",
		"hostkeyalgorithms": "ssh-ed25519", "requiredrsasize": "3072", "permitrootlogin": "without-password",
		"disableforwarding": "yes", "maxauthtries": "4", "logingracetime": "30", "permitemptypasswords": "no",
		"authorizedkeysfile": "/etc/ssh/authorized_keys.d/%u",
	} {
		if in[key] != want {
			t.Errorf("sshd has %s %q, want %q", key, in[key], want)
		}
	}
	for name, offer := range map[string]ssh.Config{
		"a finite-field exchange": {KeyExchanges: []string{"diffie-hellman-group14-sha256"}},
		"a cipher in CTR mode":    {Ciphers: []string{"aes256-ctr"}},
	} {
		conn, err := l.Dial(t.Context(), "tcp", net.JoinHostPort(n.Addr(), "22"))
		must(t, err)
		_, _, _, err = ssh.NewClientConn(conn, n.Name(), &ssh.ClientConfig{Config: offer, User: "nobody", HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		conn.Close()
		if err == nil || !strings.Contains(err.Error(), "no common algorithm") {
			t.Errorf("sshd takes %s: %v", name, err)
		}
	}
	t.Log("M4.5 sshd: modern algorithms only; an old exchange and an old cipher are refused")
}

// The whole range of ports, seen from the segment: what answers is what
// `firewall` lists, and the rest is silent.
func TestM4_5_Ports(t *testing.T) {
	l, n := one(t)
	var view struct {
		State string
		Ports []bus.OpenPort
	}
	out, err := n.Exec(t.Context(), "firewall --json")
	must(t, err)
	must(t, json.Unmarshal([]byte(out), &view))
	if view.State != "in force" {
		t.Errorf("the firewall is %s:\n%s", view.State, out)
	}
	want := map[int]string{}
	for _, p := range view.Ports {
		if p.Open && p.Protocol == "tcp" {
			want[p.Port] = "open"
		}
	}
	began := time.Now()
	got := scan(t.Context(), l, n.Addr())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what answers (-listed +found):\n%s", diff)
	}
	for _, port := range []int{53, 67, 68, 69, 111, 123, 137, 161, 323, 500, 514, 546, 547, 1900, 5353, 5355, 7946, 65000} {
		if answer := ask(t.Context(), t, l, n.Addr(), port); answer != "" {
			t.Errorf("UDP port %d: %s", port, answer)
		}
	}
	t.Logf("M4.5 65,535 TCP ports in %.0f s: %v answer; no other, and no UDP port", time.Since(began).Seconds(), slices.Sorted(maps.Keys(got)))
	listeners(t, n)
}

// scan tries to connect to every port, and returns what answered. 800 ms are
// less than the first repetition of a SYN; a machine too slow for that shows by
// the ports that it should have open, and these are what is compared.
func scan(ctx context.Context, l *lab.Lab, addr string) map[int]string {
	const atOnce, patience = 1000, 800 * time.Millisecond
	ports := make(chan int)
	var mu sync.Mutex
	found := map[int]string{}
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for port := range ports {
				ctx, stop := context.WithTimeout(ctx, patience)
				conn, err := l.Dial(ctx, "tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
				stop()
				answer := "open"
				switch {
				case err == nil:
					conn.Close()
				case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
					continue
				default:
					answer = err.Error()
				}
				mu.Lock()
				found[port] = answer
				mu.Unlock()
			}
		})
	}
	for port := 1; port <= 65535; port++ {
		ports <- port
	}
	close(ports)
	wg.Wait()
	return found
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// ask sends a datagram and returns what comes of it: nothing, when it is dropped
// or taken in silence.
func ask(ctx context.Context, t *testing.T, l *lab.Lab, addr string, port int) string {
	t.Helper()
	conn, err := l.Dial(ctx, "udp", net.JoinHostPort(addr, strconv.Itoa(port)))
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(800*time.Millisecond)))
	b := make([]byte, 1500)
	if _, err := conn.Write(make([]byte, 48)); err != nil {
		return err.Error()
	}
	switch k, err := conn.Read(b); {
	case err == nil:
		return fmt.Sprintf("it answers %q", b[:k])
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses and does not drop"
	}
	return ""
}

var listener = regexp.MustCompile(`^(tcp|udp) +\S+ +\d+ +\d+ +(\S+):(\d+) .*users:\(\("([^"]+)"`)

// listeners checks who listens on the node itself: our daemons and sshd, and on
// the loopback address the resolver. DHCP's client asks and does not serve.
func listeners(t *testing.T, n *lab.Node) {
	t.Helper()
	for line := range strings.Lines(rooted(t, n, "ss -H -tulpn")) {
		f := listener.FindStringSubmatch(line)
		if f == nil {
			t.Errorf("who listens here? %s", line)
			continue
		}
		addr, process := f[2], f[4]
		local := strings.HasPrefix(addr, "127.") || strings.HasPrefix(addr, "[::1]")
		ours := slices.Contains([]string{"sshd", "xmppd", "webd"}, process)
		if !ours && !(local && process == "systemd-resolve") && process != "systemd-network" {
			t.Errorf("%s listens on %s port %s", process, addr, f[3])
		}
	}
}

// The firewall is up before the network, follows a setting, and tells of rules
// that can not be taken.
func TestM4_5_Firewall(t *testing.T) {
	l, n := one(t)
	when := func(unit, property string) int {
		at, err := strconv.Atoi(strings.TrimSpace(rooted(t, n, "systemctl show --value --property="+property+" "+unit)))
		must(t, err)
		return at
	}
	base := when("quorate-firewall-base.service", "ActiveEnterTimestampMonotonic")
	if network := when("systemd-networkd.service", "ExecMainStartTimestampMonotonic"); base == 0 || base > network {
		t.Errorf("the base firewall was loaded at %d µs, the network began at %d µs", base, network)
	}
	if rules := rooted(t, n, "/usr/sbin/nft list table inet quorate"); !strings.Contains(rules, "hook input priority filter; policy drop;") {
		t.Errorf("the rules in force:\n%s", rules)
	}
	calls := func(port string) string {
		ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
		defer stop()
		conn, err := l.Dial(ctx, "tcp", net.JoinHostPort(n.Addr(), port))
		if err != nil {
			return "shut"
		}
		conn.Close()
		return "open"
	}
	follow := func(command, open, shut string) {
		t.Helper()
		if out, err := n.Exec(t.Context(), command); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		must(t, lab.Wait(t.Context(), 30*time.Second, "the firewall to follow "+command, func() error {
			if a, b := calls(open), calls(shut); a != "open" || b != "shut" {
				return fmt.Errorf("port %s is %s, port %s is %s", open, a, shut, b)
			}
			return nil
		}))
	}
	follow("webadmin listen 9445", "9445", "445")
	follow("webadmin listen 445", "445", "9445")

	rooted(t, n, "echo 'tcp dport 9 acept' >/etc/quorate/firewall.d/90-test.nft && systemctl reload quorate-firewall")
	out, _ := n.Exec(t.Context(), "health")
	rooted(t, n, "rm /etc/quorate/firewall.d/90-test.nft && systemctl reload quorate-firewall")
	if !strings.Contains(out, "90-test.nft") {
		t.Errorf("health does not tell of rules left out:\n%s", out)
	}
	must(t, l.WaitHealthy(t.Context(), time.Minute))
	t.Logf("M4.5 the firewall was up %d ms before the network, follows settings, and tells of rules it leaves out",
		(when("systemd-networkd.service", "ExecMainStartTimestampMonotonic")-base)/1000)
}

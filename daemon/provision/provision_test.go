package provision

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/password"
)

const (
	key  = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJbXk7DI3vVZk0eQ8lMZ8kq0m3J7c1g0h8cX4V9n7p2t ann"
	hash = "$6$salt$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
)

var compare = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })
var compareAddr = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

// rsa is the line of an RSA key of so many bits.
func rsa(bits int) string {
	var blob []byte
	for _, part := range [][]byte{[]byte("ssh-rsa"), {1, 0, 1}, append([]byte{0, 0x80}, make([]byte, bits/8-1)...)} {
		blob = append(binary.BigEndian.AppendUint32(blob, uint32(len(part))), part...)
	}
	return "ssh-rsa " + base64.StdEncoding.EncodeToString(blob)
}

func item(key, value string) Item { return Item{Key: key, Value: value, Source: "a test"} }

// Every value is judged by itself: what is wrong is told with what is right, and
// the rest counts.
func TestParse(t *testing.T) {
	for _, tc := range []struct {
		name  string
		items []Item
		want  Plan
		told  []string // a piece of each fault
	}{
		{"nothing", nil, Plan{}, nil},
		{"all", []Item{
			item(Hostname, "CB1.meet.example\n"), item(Interface, "52-54-00-12-34-56"), item(Address, "192.0.2.10/24, 2001:db8::10/64"),
			item(Gateway, "192.0.2.1 fe80::1"), item(DNS, "192.0.2.53"), item(NTP, "ntp.example.com 192.0.2.123"), item(Timezone, "America/Argentina/Ushuaia"),
			item(AuthorizedKeys, "# Ann\n"+key+"\n\n"), item(HashedPassword, hash), item(Config, "[xmpp]\ndomain = \"meet.example\""), item(Recover, "Yes"),
		}, Plan{
			Hostname: "cb1.meet.example", Interface: "52:54:00:12:34:56",
			Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24"), netip.MustParsePrefix("2001:db8::10/64")},
			Gateways:  []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")}, DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")},
			NTP: []string{"ntp.example.com", "192.0.2.123"}, Timezone: "America/Argentina/Ushuaia", AuthorizedKeys: []string{key},
			HashedPassword: hash, Config: "[xmpp]\ndomain = \"meet.example\"\n", Recover: true,
		}, nil},
		{"one wrong, one right", []Item{item(Hostname, "cb_1"), item(DNS, "192.0.2.53")}, Plan{DNS: []netip.Addr{netip.MustParseAddr("192.0.2.53")}},
			[]string{`hostname "cb_1" from a test is not used: it is no host name; use letters, digits and - between dots: cb1.meet.example`}},
		{"host names", []Item{item(Hostname, "-cb1")}, Plan{}, []string{"no host name"}},
		{"an empty host name", []Item{item(Hostname, "")}, Plan{}, []string{"hostname from a test is not used: it is no host name"}},
		{"a long host name", []Item{item(Hostname, strings.Repeat("a.", 33)+"a")}, Plan{}, []string{"at most 64"}},
		{"no prefix", []Item{item(Address, "192.0.2.10")}, Plan{}, []string{"192.0.2.10 has no prefix length; use an address with its prefix length: 192.0.2.10/24"}},
		{"no address", []Item{item(Address, "10.0.0.300/24")}, Plan{}, []string{`"10.0.0.300/24" is not an address`}},
		{"the network", []Item{item(Address, "192.0.2.0/24")}, Plan{}, []string{"is the network"}},
		{"the broadcast", []Item{item(Address, "192.0.2.127/25")}, Plan{}, []string{"is the broadcast address"}},
		{"point to point", []Item{item(Address, "192.0.2.0/31")}, Plan{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/31")}}, nil},
		{"loopback", []Item{item(Address, "127.0.0.1/8")}, Plan{}, []string{"not for a node"}},
		{"one bad of two addresses", []Item{item(Address, "192.0.2.10/24 x")}, Plan{}, []string{`"x" is not an address`}},
		{"an empty list", []Item{item(DNS, " , ")}, Plan{}, []string{"it is empty"}},
		{"a gateway elsewhere", []Item{item(Address, "192.0.2.10/24"), item(Gateway, "198.51.100.1")},
			Plan{Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.10/24")}, Gateways: []netip.Addr{}}, []string{`gateway "198.51.100.1" from a test is not used: it is in no network of address`}},
		{"a gateway alone", []Item{item(Gateway, "192.0.2.1")}, Plan{Gateways: []netip.Addr{}}, []string{"there is no address it belongs to"}},
		{"a wrong time server", []Item{item(NTP, "ntp_example")}, Plan{}, []string{"neither a name nor an address"}},
		{"a time zone outside", []Item{item(Timezone, "../../etc/shadow")}, Plan{}, []string{"no name of a time zone"}},
		{"a pattern for a card", []Item{item(Interface, "e*")}, Plan{}, []string{"neither a MAC address"}},
		{"a plain password", []Item{item(HashedPassword, "correct horse 1")}, Plan{}, []string{"admin.hashed_password from a test is not used: it is no hash of a password; use a hash as made by openssl"}},
		{"keys", []Item{item(AuthorizedKeys, "ssh-ed25519 AAAA cut\n"+key+"\n-----BEGIN OPENSSH PRIVATE KEY-----\nhello\nssh-rsa "+strings.Fields(key)[1])}, Plan{AuthorizedKeys: []string{key}},
			[]string{"line 1: the key is cut off or garbled", "line 3: it is a private key", "line 4: it is no public SSH key", "line 5: the key is of another type"}},
		{"a short RSA key", []Item{item(AuthorizedKeys, rsa(2048)+"\n"+rsa(3072))}, Plan{AuthorizedKeys: []string{rsa(3072)}}, []string{"line 1: the RSA key has 2048 bits, and 3072 are needed"}},
		{"no keys", []Item{item(AuthorizedKeys, "# none\n")}, Plan{}, []string{"it is empty"}},
		{"settings", []Item{item(Config, "[xmpp]\nlissen = 1\n")}, Plan{}, []string{"quorate.toml:2:"}},
		{"recover", []Item{item(Recover, "perhaps")}, Plan{}, []string{"neither yes nor no"}},
		{"an unknown key", []Item{item("adress", "192.0.2.10/24")}, Plan{}, []string{"there is no such key; the keys are hostname, interface, address"}},
		{"twice, otherwise", []Item{item(Hostname, "cb1"), {Hostname, "cb2", "the other"}}, Plan{Hostname: "cb1"}, []string{`hostname "cb2" from the other is not used: another value came from a test`}},
		{"twice the same", []Item{item(Hostname, "cb1"), item(Hostname, "cb1\n")}, Plan{Hostname: "cb1"}, nil},
		{"too large", []Item{item(AuthorizedKeys, strings.Repeat("x", limit+1))}, Plan{}, []string{"larger than"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, faults := Parse(tc.items)
			if diff := cmp.Diff(tc.want, got, compare, compareAddr); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(faults) != len(tc.told) {
				t.Fatalf("told %v, want %d", faults, len(tc.told))
			}
			for i, f := range faults {
				if !strings.Contains(f.Error(), tc.told[i]) || f.Remedy == "" {
					t.Errorf("told %q, want %q in it, and a remedy", f, tc.told[i])
				}
				if strings.Contains(f.Error(), "correct horse") {
					t.Errorf("a secret is told: %v", f)
				}
			}
		})
	}
}

func TestNetworkFile(t *testing.T) {
	p, _ := Parse([]Item{item(Address, "192.0.2.10/24"), item(Gateway, "192.0.2.1")})
	const want = `# Written once, from what the machine was given; yours to change.
[Match]
Type=ether

[Network]
Gateway=192.0.2.1

[Address]
Address=192.0.2.10/24
DuplicateAddressDetection=both
`
	if diff := cmp.Diff(want, p.NetworkFile()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for card, line := range map[string]string{"ens3": "Name=ens3\n", "52:54:00:12:34:56": "MACAddress=52:54:00:12:34:56\n"} {
		if p.Interface = card; !strings.Contains(p.NetworkFile(), line) {
			t.Errorf("%s:\n%s", card, p.NetworkFile())
		}
	}
}

func fill(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCredentials(t *testing.T) {
	dir := fill(t, map[string]string{"quorate.hostname": "cb1\n", "quorate.admin.authorized_keys": key, "other": "x"})
	got, err := Credentials(dir)
	want := []Item{{AuthorizedKeys, key, "the credential quorate.admin.authorized_keys"}, {Hostname, "cb1\n", "the credential quorate.hostname"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got, err := Credentials(""); got != nil || err != nil {
		t.Errorf("without any: %v, %v", got, err)
	}
}

func TestDisk(t *testing.T) {
	dir := fill(t, map[string]string{
		"NODE.CONF":       "\xef\xbb\xbf# first\r\nHostname = cb1\r\n\r\naddress=\"192.0.2.10/24\"\r\nnonsense\r\n",
		"authorized_keys": key, "Quorate.toml": "[xmpp]\n", "readme.txt": "x",
	})
	got, err := Disk(dir)
	want := []Item{
		{Hostname, "cb1", "line 2 of NODE.CONF on the disk QUORATE"}, {Address, "192.0.2.10/24", "line 4 of NODE.CONF on the disk QUORATE"},
		{"nonsense", "", "line 5 of NODE.CONF on the disk QUORATE"},
		{Config, "[xmpp]\n", "Quorate.toml on the disk QUORATE"}, {AuthorizedKeys, key, "authorized_keys on the disk QUORATE"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := Disk(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there was read")
	}
}

func TestGuestInfo(t *testing.T) {
	vars := map[string]string{
		"guestinfo.quorate.hostname":                       "cb1",
		"guestinfo.quorate.admin.authorized_keys":          base64.StdEncoding.EncodeToString([]byte(key)),
		"guestinfo.quorate.admin.authorized_keys.encoding": "base64",
		"guestinfo.quorate.config":                         "no base64!",
		"guestinfo.quorate.config.encoding":                "base64",
	}
	query := func(_ context.Context, v string) (string, error) { return vars[v], nil }
	got, err := GuestInfo(t.Context(), query)
	want := []Item{
		{Hostname, "cb1", "VMware's guestinfo.quorate.hostname"}, {AuthorizedKeys, key, "VMware's guestinfo.quorate.admin.authorized_keys"},
		{Config, "no base64!", "VMware's guestinfo.quorate.config, which is said to be base64 and is not,"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	silent := errors.New("no answer")
	if _, err := GuestInfo(t.Context(), func(context.Context, string) (string, error) { return "", silent }); !errors.Is(err, silent) {
		t.Errorf("a host that does not answer: %v", err)
	}
}

func TestCommandLine(t *testing.T) {
	for line, want := range map[string]string{"quiet quorate.recover\n": "yes", "quorate.recover=1 quiet": "1", "quiet xquorate.recover=1": "", "": ""} {
		got := ""
		if items := CommandLine(line); len(items) > 0 {
			got = items[0].Value
		}
		if got != want {
			t.Errorf("%q: %q", line, got)
		}
	}
}

// node is a Node below a temporary folder and what it told.
type node struct {
	Node
	applied []string
	failed  []string
	hash    string
}

func newNode(t *testing.T) *node {
	root := fill(t, map[string]string{"etc/shadow": "admin:!:1:\n", "usr/share/zoneinfo/Europe/Vienna": "TZif", "usr/share/keymaps/i386/qwertz/de.kmap.gz": "", "proc/sys/kernel/hostname": "quorate\n", "etc/quorate/quorate.toml": "", "run/x": ""})
	n := &node{}
	n.Node = Node{Root: root, State: filepath.Join(root, "var/lib/quorate/provision"),
		Password: password.Files{Shadow: root + "/etc/shadow", Recover: root + "/run/recover", SSH: root + "/etc/ssh/sshd_config.d/20-password.conf"},
		Hash: func(_ context.Context, h string) error {
			n.hash = h
			return os.WriteFile(root+"/etc/shadow", []byte("admin:"+h+":1:\n"), 0o600)
		},
		Applied: func(_ context.Context, key, _ string) { n.applied = append(n.applied, key) },
		Failed:  func(_ context.Context, key string, err error) { n.failed = append(n.failed, key+": "+err.Error()) },
	}
	return n
}

func (n *node) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(n.Root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func everything(t *testing.T) Plan {
	t.Helper()
	p, faults := Parse([]Item{item(Hostname, "cb1"), item(Address, "192.0.2.10/24"), item(DNS, "192.0.2.53 2001:db8::53"), item(NTP, "ntp.example.com"),
		item(Timezone, "Europe/Vienna"), item(Keyboard, "de"), item(AuthorizedKeys, key), item(HashedPassword, hash), item(Config, "[xmpp]")})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return p
}

func TestApply(t *testing.T) {
	n := newNode(t)
	n.Apply(t.Context(), everything(t))
	if want := []string{Hostname, Address, DNS, NTP, Timezone, Keyboard, AuthorizedKeys, HashedPassword, Config}; !slices.Equal(n.applied, want) || n.failed != nil {
		t.Fatalf("applied %v, failed %v", n.applied, n.failed)
	}
	for name, want := range map[string]string{
		"etc/hostname": "cb1\n", "proc/sys/kernel/hostname": "cb1\n", "etc/ssh/authorized_keys.d/admin": key + "\n", "etc/localtime": "TZif", "etc/quorate/keyboard": "KEYMAP=de\n",
		"etc/systemd/resolved.conf.d/50-provisioned.conf": "[Resolve]\nDNS=192.0.2.53 2001:db8::53\n", "etc/systemd/timesyncd.conf.d/50-provisioned.conf": "[Time]\nNTP=ntp.example.com\n",
		"etc/quorate/conf.d/50-provisioned.toml": "[xmpp]\n", "etc/systemd/network/70-provisioned.network": everything(t).NetworkFile(),
	} {
		if got := n.read(t, name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if link, _ := os.Readlink(filepath.Join(n.Root, "etc/localtime")); link != "../usr/share/zoneinfo/Europe/Vienna" {
		t.Errorf("/etc/localtime leads to %q", link)
	}
	if !strings.Contains(n.read(t, "etc/ssh/sshd_config.d/20-password.conf"), "\nPasswordAuthentication yes\n") || n.hash != hash {
		t.Errorf("the password: %q", n.hash)
	}
}

// What an administrator changed or removed stays so, whatever the machine is
// given again.
func TestAppliedOnce(t *testing.T) {
	n := newNode(t)
	n.Apply(t.Context(), everything(t))
	if err := os.WriteFile(filepath.Join(n.Root, "etc/hostname"), []byte("mine\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"etc/ssh/authorized_keys.d/admin", "etc/systemd/network/70-provisioned.network", "etc/localtime"} {
		if err := os.Remove(filepath.Join(n.Root, name)); err != nil {
			t.Fatal(err)
		}
	}
	n.applied = nil
	n.Apply(t.Context(), everything(t))
	if n.applied != nil || n.failed != nil || n.read(t, "etc/hostname") != "mine\n" {
		t.Errorf("applied again %v, failed %v", n.applied, n.failed)
	}
	if _, err := os.Stat(filepath.Join(n.Root, "etc/ssh/authorized_keys.d/admin")); err == nil {
		t.Error("a key that was removed is back")
	}
}

// A node that was set up by hand before is left as it is.
func TestApplyLeavesWhatIsThere(t *testing.T) {
	n := newNode(t)
	for name, text := range map[string]string{"etc/hostname": "mine\n", "etc/shadow": "admin:$6$mine:1:\n", "etc/quorate/keyboard": "KEYMAP=fr\n"} {
		if err := os.WriteFile(filepath.Join(n.Root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/usr/share/zoneinfo/Asia/Tokyo", filepath.Join(n.Root, "etc/localtime")); err != nil {
		t.Fatal(err)
	}
	n.Apply(t.Context(), everything(t))
	if want := []string{Address, DNS, NTP, AuthorizedKeys, Config}; !slices.Equal(n.applied, want) || n.failed != nil || n.hash != "" {
		t.Errorf("applied %v, failed %v, password %q", n.applied, n.failed, n.hash)
	}
}

// What can not be written is told and tried again; the rest is written.
func TestApplyFails(t *testing.T) {
	n := newNode(t)
	if err := os.WriteFile(filepath.Join(n.Root, "etc/systemd"), nil, 0o644); err != nil { // a file where a folder belongs
		t.Fatal(err)
	}
	p := everything(t)
	p.Timezone = "Europe/Nowhere"
	n.Apply(t.Context(), p)
	if len(n.failed) != 4 || !slices.Contains(n.applied, Config) {
		t.Fatalf("failed %q, applied %v", n.failed, n.applied)
	}
	if err := os.Remove(filepath.Join(n.Root, "etc/systemd")); err != nil {
		t.Fatal(err)
	}
	n.applied, n.failed = nil, nil
	n.Apply(t.Context(), p)
	if !slices.Equal(n.applied, []string{Address, DNS, NTP}) || len(n.failed) != 1 || !strings.Contains(n.failed[0], "no time zone Europe/Nowhere") {
		t.Errorf("at the next start: applied %v, failed %v", n.applied, n.failed)
	}
}

// Recovery is an act of each boot that asks for it.
func TestApplyRecover(t *testing.T) {
	n := newNode(t)
	for range 2 {
		n.Apply(t.Context(), Plan{Recover: true})
		if err := os.Remove(n.Password.Recover); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	if err := Report(path, nil); err != nil || Reported(path) != nil {
		t.Fatal(err)
	}
	want := []*fault.Error{fault.Mend(fault.InvalidArgument, "one\ttwo\nthree", "mend"), fault.New(fault.NotFound, "four")}
	for _, f := range want {
		if err := Report(path, []*fault.Error{f}); err != nil {
			t.Fatal(err)
		}
	}
	want[0] = fault.Mend(fault.InvalidArgument, "one two three", "mend")
	if diff := cmp.Diff(want, Reported(path)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever a disk holds, each line is taken or told of, what is taken is read
// back the same, and nothing gets into a file that was not judged.
func FuzzParse(f *testing.F) {
	f.Add("hostname = cb1\naddress=192.0.2.10/24\ngateway=192.0.2.1\n")
	f.Add("admin.authorized_keys=" + key + "\nadmin.hashed_password=" + hash + "\nrecover=yes\n")
	f.Add("address = 2001:db8::1/64\ninterface=52:54:00:12:34:56\ntimezone=Europe/Vienna\nntp=a.b,::1\n")
	f.Fuzz(func(t *testing.T, text string) {
		items := lines(text, "a test")
		p, faults := Parse(items)
		for _, f := range faults {
			if f.Message == "" || f.Remedy == "" {
				t.Fatalf("a fault without words: %+v", f)
			}
		}
		distinct := map[string]bool{}
		for _, i := range items {
			distinct[i.Key] = true
		}
		if len(items) > 0 && len(faults) == 0 && len(distinct) > len(Keys) {
			t.Fatalf("more keys than there are, and nothing told: %q", text)
		}
		for line := range strings.Lines(p.NetworkFile()) {
			line = strings.TrimSpace(line)
			known := line == "" || slices.ContainsFunc([]string{"#", "[Match]", "[Network]", "[Address]", "Type=ether", "Name=", "MACAddress=", "Gateway=", "Address=", "DuplicateAddressDetection="},
				func(s string) bool { return strings.HasPrefix(line, s) })
			if !known {
				t.Fatalf("%q in the network file of %q", line, text)
			}
		}
		if n := strings.Count(p.ResolvedFile()+p.TimesyncFile(), "\n"); n > 4 {
			t.Fatalf("%d lines:\n%s%s", n, p.ResolvedFile(), p.TimesyncFile())
		}
		if strings.ContainsAny(p.Hostname+p.Timezone+p.Interface+p.HashedPassword, "\n :") && !strings.Contains(p.Interface, ":") {
			t.Fatalf("%+v", p)
		}
	})
}

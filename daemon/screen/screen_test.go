package screen

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/password"
)

var update = flag.Bool("update", false, "write the screens of testdata anew")

func prefixes(texts ...string) (out []netip.Prefix) {
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// fresh is a machine that was started for the first time.
func fresh() Facts {
	return Facts{
		Version: "0.1.0", Hostname: "quorate", Now: time.Date(2026, 11, 21, 1, 40, 33, 0, time.UTC), Clock: true, Kept: true,
		Cards:  []Card{{Name: "ens3", Link: true, Addresses: prefixes("192.0.2.10/24", "2001:db8::10/64"), DHCP: true}},
		SSHKey: "SHA256:dPZ1Zc1qbyAY4O2zKbHDgxAnlhiZ5/YLZqO+uG4yNfA (ED25519)",
		Web: Web{Enabled: true, Port: 445, Fingerprint: []string{
			"SHA-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:", "FF:EE:DD:CC:BB:AA:99:88:77:66:55:44:33:22:11:00"}},
		Cluster: bus.ClusterStatus{State: "STANDALONE"}, Want: password.First,
	}
}

// member is one of three.
func member() Facts {
	f := fresh()
	f.Hostname, f.Want = "cb1", password.None
	f.Xmpp = bus.XmppStatus{Enabled: true, Running: true, Domain: "meet.example", Key: "cb1.key", Certificate: "cb1.cer"}
	f.Cluster = bus.ClusterStatus{State: "FOLLOWER", Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1}
	return f
}

// The screens of M4.6 and of a few states more, as they are in testdata.
func TestScreens(t *testing.T) {
	states := map[string]func() Facts{
		"fresh":  fresh,
		"member": member,
		"no-dhcp": func() Facts {
			f := fresh()
			f.Cards = []Card{{Name: "ens3", Link: true, DHCP: true}, {Name: "ens4"}}
			f.Want, f.Kept = password.None, false
			f.Faults = []bus.Fault{{Code: "Clock", Text: "the clock is not synchronised", Remedy: "systemctl status systemd-timesyncd"}}
			return f
		},
		"wrong-clock": func() Facts {
			f := member()
			f.Now, f.Kept = time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), false
			f.Faults = []bus.Fault{
				{Code: "Clock", Text: "the clock is not synchronised", Remedy: "systemctl status systemd-timesyncd"},
				{Code: "Expired", Text: "cb1.cer has expired", Remedy: "upload a renewed certificate under the same name"},
			}
			return f
		},
		"duplicate-address": func() Facts {
			f := fresh()
			f.Want = password.None
			f.Cards[0] = Card{Name: "ens3", Link: true, Static: prefixes("192.0.2.10/24", "2001:db8::10/64"), Taken: []netip.Addr{netip.MustParseAddr("2001:db8::10")}}
			return f
		},
		"silent": func() Facts {
			f := fresh()
			f.Want, f.SSHKey, f.Silent, f.Web.Fingerprint = password.Recover, "", "the XMPP service is not running", nil
			return f
		},
		"many-faults": func() Facts {
			f := member()
			f.Cards = []Card{f.Cards[0], {Name: "ens4"}, {Name: "ens5"}, {Name: "a-long-name-15c"}, {Name: "ens7"}, {Name: "ens8"}}
			f.Faults = []bus.Fault{
				{Text: "a name \x1b[31mwith\u202e a colour that goes on " + strings.Repeat("and on ", 20), Remedy: "mend it"}, {Text: "second"}, {Text: "third"}, {Text: "fourth"},
			}
			return f
		},
	}
	for name, facts := range states {
		t.Run(name, func(t *testing.T) {
			lines := Lines(facts())
			whole(t, lines)
			got := strings.Join(lines, "\n") + "\n"
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// whole fails unless lines fit a screen.
func whole(t *testing.T, lines []string) {
	t.Helper()
	if len(lines) != Height {
		t.Errorf("%d lines", len(lines))
	}
	for i, l := range lines {
		if utf8.RuneCountInString(l) >= Width {
			t.Errorf("line %d is %d wide: %s", i+1, utf8.RuneCountInString(l), l)
		}
		if strings.ContainsAny(l, "\x1b\n\r\u202e") {
			t.Errorf("line %d steers the terminal: %q", i+1, l)
		}
	}
}

// The way from a new machine to a member, step by step.
func TestNext(t *testing.T) {
	f := fresh()
	for _, step := range []struct {
		want string
		done func()
	}{
		{"Set the password of admin: press Enter.", func() { f.Want = password.None }},
		{"then: xmpp certs <key> <certificate>", func() { f.Xmpp.Key, f.Xmpp.Certificate = "a.key", "a.cer" }},
		{"xmpp domain <domain>", func() { f.Xmpp.Domain = "meet.example" }},
		{"xmpp cluster join <member>", func() { f.Cluster.State = "FOLLOWER" }},
		{"xmpp enable", func() { f.Xmpp.Enabled = true; f.Faults = []bus.Fault{{Text: "a fault"}} }},
		{"Mend the faults above", func() { f.Faults = nil }},
		{"Nothing: this node is a member of the cluster.", func() { f.Cards[0].Link = false }},
		{"Give this node an address", func() { f.Want = password.Recover }},
		{"Set a new password for admin", func() {}},
	} {
		if got := next(f); !strings.Contains(got, step.want) {
			t.Errorf("%q, want %q", got, step.want)
		}
		step.done()
	}
}

func TestClock(t *testing.T) {
	f := Facts{Now: time.Date(2026, 11, 21, 1, 40, 33, 0, time.UTC)}
	for _, step := range []struct {
		known, kept bool
		offset      time.Duration
		want        string
	}{
		{false, false, 0, ""}, {true, false, 0, ", not synchronised: no time server answered"},
		{true, true, 99 * time.Millisecond, ", synchronised"}, {true, true, -1234 * time.Millisecond, ", synchronised, off by -1.23s"},
	} {
		f.Clock, f.Kept, f.Offset = step.known, step.kept, step.offset
		if got := f.clock(); got != "2026-11-21 01:40 UTC"+step.want {
			t.Errorf("%+v: %s", step, got)
		}
	}
}

func TestPaint(t *testing.T) {
	var out strings.Builder
	p := painter{out: &out}
	for _, step := range []struct {
		lines  []string
		forget bool
		want   string
	}{
		{[]string{"a", "b"}, false, "\x1b[0m\x1b[H\x1b[2J\x1b[1;1Ha\x1b[K\x1b[2;1Hb\x1b[K\x1b[2;2H"},
		{[]string{"a", "b"}, false, ""},
		{[]string{"c", "b"}, false, "\x1b[1;1Hc\x1b[K\x1b[2;2H"},
		{[]string{"c", "b"}, true, "\x1b[0m\x1b[H\x1b[2J\x1b[1;1Hc\x1b[K\x1b[2;1Hb\x1b[K\x1b[2;2H"},
	} {
		out.Reset()
		if step.forget {
			p.forget()
		}
		if err := p.paint(step.lines); err != nil || out.String() != step.want {
			t.Errorf("%v: %q, %v", step.lines, out.String(), err)
		}
	}
}

func TestDialog(t *testing.T) {
	for _, tc := range []struct {
		name, keys string
		want       outcome
		first      string
		note       string
	}{
		{"twice", "correct horse 1\rcorrect horse 1\r", chosen, "correct horse 1", ""},
		{"line feeds", "correct horse 1\ncorrect horse 1\n", chosen, "correct horse 1", ""},
		{"corrected", "correct horxx\x7f\bse 1\rzz\x15correct horse 1\r", chosen, "correct horse 1", ""},
		{"a letter of two bytes taken back", "correct hä\x7forse 1\rcorrect horse 1\r", chosen, "correct horse 1", ""},
		{"too short", "short\r", more, "", "the password is too short: 5 characters; use at least 8"},
		{"not the same", "correct horse 1\rcorrect horse 2\r", more, "", "the two are not the same; type it again"},
		{"nothing", "\r", cancelled, "", ""},
		{"interrupted", "correct\x03", cancelled, "", ""},
		{"escaped", "correct horse 1\rc\x1b", cancelled, "correct horse 1", ""},
		{"nothing to take back", "\x7f\x7fcorrect horse 1\rcorrect horse 1\r", chosen, "correct horse 1", ""},
	} {
		var d dialog
		got := more
		for _, b := range []byte(tc.keys) {
			got = d.key(b)
			for _, l := range d.lines() {
				if strings.Contains(l, "correct") {
					t.Fatalf("%s: the password is shown: %q", tc.name, l)
				}
			}
		}
		if got != tc.want || d.first != tc.first || d.note != tc.note {
			t.Errorf("%s: %v, %q, %q", tc.name, got, d.first, d.note)
		}
	}
}

// person types at a console and reads what it shows.
type person struct {
	t    *testing.T
	keys *io.PipeWriter
	seen chan string
	done chan error
	text string

	layouts chan string // of the keyboard, as set
}

func sit(t *testing.T, look func() Facts, set func(string) error) *person {
	t.Helper()
	in, keys := io.Pipe()
	out, screen := io.Pipe()
	p := &person{t: t, keys: keys, seen: make(chan string, 64), done: make(chan error, 1), layouts: make(chan string, 1)}
	c := &Console{In: in, Out: screen, Wait: time.Millisecond, Look: func(context.Context) Facts { return look() }, Set: func(_ context.Context, pw string) error { return set(pw) },
		Keys: func(_ context.Context, layout string) error {
			if layout == "klingon" {
				return fault.Mend(fault.NotFound, "there is no keyboard layout \"klingon\"", "use a name such as us")
			}
			p.layouts <- layout
			return nil
		}}
	go func() {
		p.done <- c.Run(t.Context())
		screen.Close()
	}()
	go func() {
		defer close(p.seen)
		buffer := make([]byte, 64<<10)
		for {
			n, err := out.Read(buffer)
			if err != nil {
				return
			}
			p.seen <- string(buffer[:n])
		}
	}()
	t.Cleanup(func() { keys.Close() })
	return p
}

// sees waits until a text is shown, and forgets what was before it.
func (p *person) sees(text string) {
	p.t.Helper()
	late := time.After(10 * time.Second)
	for !strings.Contains(p.text, text) {
		select {
		case s, ok := <-p.seen:
			if !ok {
				p.t.Fatalf("the console ended; %q is not in %q", text, p.text)
			}
			p.text += s
		case <-late:
			p.t.Fatalf("%q is not in %q", text, p.text)
		}
	}
	_, p.text, _ = strings.Cut(p.text, text)
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := io.WriteString(p.keys, keys); err != nil {
		p.t.Fatal(err)
	}
}

// The first password is asked for, refused in words, set, and then Enter leads
// to the login.
func TestFirstPassword(t *testing.T) {
	set := make(chan string, 4)
	full := true
	p := sit(t, func() Facts {
		f := fresh()
		if len(set) > 0 {
			f.Want = password.None
		}
		return f
	}, func(pw string) error {
		if full {
			full = false
			return fault.Mend(fault.DiskFull, "the disk is full", "make room")
		}
		set <- pw
		return nil
	})
	p.sees("Enter: set the password of admin")
	p.types("\r")
	p.sees("New password of admin")
	p.types("short\r")
	p.sees("too short: 5 characters")
	p.types("correct horse 1\r")
	p.sees("The same again")
	p.types("correct horse 1\r")
	p.sees("the disk is full; make room")
	p.types("\rcorrect horse 1\rcorrect horse 1\r")
	p.sees("The password of admin is set")
	p.sees("Enter: sign in")
	if got := <-set; got != "correct horse 1" {
		t.Errorf("set %q", got)
	}
}

// K asks for the layout of the keyboard, and shows what is typed.
func TestLayout(t *testing.T) {
	p := sit(t, member, nil)
	p.sees("K: keyboard layout")
	p.types("k")
	p.sees("Keyboard layout:")
	p.types("klingon\r")
	p.sees("Keyboard layout: klingon")
	p.sees("there is no keyboard layout \"klingon\"")
	p.types("Kdx\x7fe\r")
	p.sees("Keyboard layout: d")
	p.sees("The keyboard layout is de.")
	if got := <-p.layouts; got != "de" {
		t.Errorf("set %q", got)
	}
	p.types("kfr\x1b")
	p.sees("Enter: sign in")
	p.types("\r")
	if err := <-p.done; err != nil || len(p.layouts) > 0 {
		t.Errorf("it ended with %v, %d layouts set", err, len(p.layouts))
	}
}

func TestSignIn(t *testing.T) {
	p := sit(t, member, func(string) error { t.Error("a password was set"); return nil })
	p.sees("Enter: sign in")
	p.types("x") // any key draws the screen anew
	p.sees("\x1b[2J")
	p.sees("Enter: sign in")
	p.types("\n")
	if err := <-p.done; err != nil {
		t.Error(err)
	}
}

func TestTerminalGone(t *testing.T) {
	p := sit(t, member, nil)
	p.sees("Enter: sign in")
	p.keys.Close()
	if err := <-p.done; err == nil {
		t.Error("it ended as if somebody wanted to sign in")
	}
}

// A screen that does not change draws nothing: a serial line is slow.
func TestQuiet(t *testing.T) {
	looks := make(chan int, 1)
	n := 0
	p := sit(t, func() Facts {
		if n++; n == 50 {
			looks <- n
		}
		return member()
	}, nil)
	p.sees("Enter: sign in")
	p.sees("H") // the cursor's place ends the drawing
	<-looks
	select {
	case s := <-p.seen:
		t.Errorf("drawn again: %q", s)
	default:
	}
}

func TestHostKey(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) string {
		path := filepath.Join(dir, "key.pub")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// ssh-keygen -l says the same of this key.
	const line, want = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f x", "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA (ED25519)"
	if got := hostKey(write(line)); got != want {
		t.Errorf("%s", got)
	}
	for _, text := range []string{"", "ssh-ed25519", "ssh-ed25519 !!!"} {
		if got := hostKey(write(text)); got != "" {
			t.Errorf("of %q: %s", text, got)
		}
	}
	if got := hostKey(filepath.Join(dir, "none")); got != "" {
		t.Error(got)
	}
}

func TestNetworkd(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "70-provisioned.network")
	for name, text := range map[string]string{
		file:                    "[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\n\n[Address]\nAddress=192.0.2.10/24\n",
		filepath.Join(dir, "2"): fmt.Sprintf("# private\nADMIN_STATE=configuring\nNETWORK_FILE=%s\n", file),
		filepath.Join(dir, "3"): "ADMIN_STATE=unmanaged\n",
		filepath.Join(dir, "if_inet6"): "20010db8000000000000000000000010 02 40 00 c8     ens3\nfe80000000000000000000000000002a 02 40 20 80     ens3\n" +
			"00000000000000000000000000000001 01 80 10 80       lo\nnonsense\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n := networkd{dir, filepath.Join(dir, "if_inet6")}
	if dhcp, static := n.wanted(2); !dhcp || len(static) != 1 || static[0] != netip.MustParsePrefix("192.0.2.10/24") {
		t.Errorf("%v, %v", dhcp, static)
	}
	for _, index := range []int{3, 4} {
		if dhcp, static := n.wanted(index); dhcp || static != nil {
			t.Errorf("link %d: %v, %v", index, dhcp, static)
		}
	}
	failed := n.failed()
	if len(failed) != 1 || len(failed["ens3"]) != 1 || failed["ens3"][0] != netip.MustParseAddr("2001:db8::10") {
		t.Errorf("%v", failed)
	}
	if (networkd{dir, filepath.Join(dir, "none")}).failed() != nil {
		t.Error("found something in a file that is not there")
	}
}

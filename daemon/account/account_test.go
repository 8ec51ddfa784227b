package account

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal/journaltest"
)

// rig is a node whose files are a test's, written by the system's own tools; the
// one who asks is whoever runs the test, in a role of the test's.
type rig struct {
	*testing.T
	Server
	socket string
	broken string // the tool that fails, or Opened
	log    journaltest.Text

	mu     sync.Mutex        // guards what follows
	role   bus.Role          // of who asks
	stored map[string]string // passwords, by account
	opened int               // how often sshd was told of passwords
	paused int               // how often a wrong password had a pause, with others kept waiting
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{T: t, role: bus.Admin, stored: map[string]string{}}
	r.Server = Server{
		Root: t.TempDir(), Role: func(uint32) bus.Role { r.mu.Lock(); defer r.mu.Unlock(); return r.role }, From: func(context.Context, uint32) string { return "192.0.2.7" },
		Tool: func(ctx context.Context, argv ...string) error {
			if argv[0] == r.broken {
				return errors.New(argv[0] + " is broken")
			}
			argv = append([]string{argv[0], "--prefix", r.Root}, argv[1:]...)
			out, err := exec.CommandContext(ctx, "/usr/sbin/"+argv[0], argv[1:]...).CombinedOutput()
			if err != nil {
				t.Logf("%v: %s", argv, out)
			}
			return err
		},
		Store: func(_ context.Context, name, password string) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.stored[name] = password
			return nil
		},
		Right: func(_ context.Context, _, password string) error {
			if password != "the old horse" {
				return fault.New(fault.NotPermitted, "this is not your current password")
			}
			return nil
		},
		Pause: func(context.Context) {
			f, err := os.Open(filepath.Join(r.Root, "run/quorate/account/guess-root"))
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
				t.Errorf("others guess meanwhile: %v", err)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.paused++
		},
		Opened: func(context.Context) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.opened++
			if r.broken == "Opened" {
				return errors.New("ssh.service does not start")
			}
			return nil
		},
	}
	r.Log = slog.New(slog.NewTextHandler(&r.log, nil))
	r.put("etc/passwd", "root:x:0:0::/root:/bin/bash\nadmin:x:800:801::/home/admin:/usr/bin/mmp\nquorate-web:x:805:805::/:/usr/sbin/nologin\n")
	r.put("etc/shadow", "root:*:20000:0:99999:7:::\nadmin:$y$j9T$salt$digest:20000:0:99999:7:::\nquorate-web:!*:20000::::::\n")
	r.put("etc/group", "root:x:0:\nsystemd-journal:x:101:admin\nquorate-admin:x:801:\nquorate-operator:x:802:admin\n")
	r.put("etc/gshadow", "root:*::\nsystemd-journal:!*::admin\nquorate-admin:!*::\nquorate-operator:!*::admin\n")
	r.put("etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nUSERGROUPS_ENAB yes\n")
	r.listen()
	return r
}

// as has the next ones asked in a role.
func (r *rig) as(role bus.Role) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.role = role
}

// passwords are those that were stored, and how often sshd was told.
func (r *rig) passwords() (map[string]string, int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.stored), r.opened
}

func (r *rig) put(name, text string) {
	r.Helper()
	path := filepath.Join(r.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) has(name string) bool {
	_, err := os.Lstat(filepath.Join(r.Root, name))
	return err == nil
}

func (r *rig) listen() {
	r.Helper()
	r.socket = filepath.Join(r.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: r.socket, Net: "unix"})
	if err != nil {
		r.Fatal(err)
	}
	done := make(chan struct{})
	r.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			if err := r.Serve(context.Background(), conn); err != nil {
				r.Error(err)
			}
			conn.Close()
		}
	}()
}

// ask wants an act to be done, or to be refused with a code.
func (r *rig) ask(q Request, want fault.Code) {
	r.Helper()
	if _, _, err := Do(r.Context(), r.socket, q); want == "" && err != nil || want != "" && fault.CodeOf(err) != want {
		r.Errorf("%s %s: %v, want %q", q.Act, q.Name, err, want)
	}
}

func (r *rig) list() map[string]Account {
	r.Helper()
	_, all, err := Do(r.Context(), r.socket, Request{Act: List})
	if err != nil {
		r.Fatal(err)
	}
	out := map[string]Account{}
	for _, a := range all {
		out[a.Name] = a
	}
	return out
}

func TestAccounts(t *testing.T) {
	r := newRig(t)
	r.ask(Request{Act: Add, Name: "bob", Role: Operator, Password: "correct horse 1"}, "")
	r.ask(Request{Act: Add, Name: "alice", Role: Admin}, "")
	for _, wrong := range []Request{
		{Act: Add, Name: "bob", Role: Operator}, {Act: Add, Name: "root", Role: Admin}, {Act: Add, Name: "Eve", Role: Admin},
		{Act: Add, Name: "-x", Role: Admin}, {Act: Add, Name: "eve:x", Role: Admin}, {Act: Add, Name: "eve", Role: "crypto"},
		{Act: Add, Name: "eve", Role: Operator, Password: "short"}, {Act: Passwd, Name: "root", Password: "correct horse 1"},
		{Act: Add, Name: "quorate-admin", Role: Admin}, {Act: Add, Name: "quorate-new", Role: Operator}, {Act: Add, Name: "systemd-journal", Role: Operator},
		{Act: Remove, Name: "quorate-web"}, {Act: Remove, Name: "admin"}, {Act: Expire, Name: "admin", Until: "2027-01-31"},
		{Act: Expire, Name: "bob", Until: "31.1.2027"}, {Act: Unlock, Name: "../../etc/shadow"}, {Act: "do", Name: "bob"},
	} {
		if _, _, err := Do(t.Context(), r.socket, wrong); err == nil || fault.CodeOf(err) == fault.Internal {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	r.ask(Request{Act: Expire, Name: "bob", Until: "2027-03-31"}, "")
	r.ask(Request{Act: Passwd, Name: "admin", Password: "correct horse 2"}, "")
	want := map[string]Account{
		"admin": {Name: "admin", Role: Admin, Password: true},
		"alice": {Name: "alice", Role: Admin},
		"bob":   {Name: "bob", Role: Operator, Until: "2027-03-31"}, // its password went to the rig
	}
	if diff := cmp.Diff(want, r.list()); diff != "" {
		t.Errorf("the accounts (-want +got):\n%s", diff)
	}
	if !r.has("run/quorate/signed-out/admin") {
		t.Error("who signed in to Web Admin by the old password stays")
	}
	stored, opened := r.passwords()
	if diff := cmp.Diff(map[string]string{"bob": "correct horse 1", "admin": "correct horse 2"}, stored); diff != "" || opened != 2 {
		t.Errorf("passwords, taken by sshd %d times (-want +got):\n%s", opened, diff)
	}
	r.ask(Request{Act: Expire, Name: "bob", Until: "never"}, "")
	if until := r.list()["bob"].Until; until != "" {
		t.Errorf("bob ends on %s", until)
	}
	r.put("run/quorate/faillock-ssh/bob", "wrong")
	r.ask(Request{Act: AddKey, Name: "bob", Key: keyA}, "")
	r.ask(Request{Act: Remove, Name: "bob"}, "")
	if _, there := r.list()["bob"]; there || r.has("etc/ssh/authorized_keys.d/bob") || r.has("run/quorate/faillock-ssh/bob") || r.has("home/bob") {
		t.Error("something of bob is left")
	}
	if !r.has("run/quorate/signed-out/bob") {
		t.Error("the sessions of Web Admin go on without their account")
	}
}

// uids are the user IDs of the accounts that a test added.
func (r *rig) uids() (out []string) {
	people, err := r.people()
	if err != nil {
		r.Fatal(err)
	}
	for _, p := range people[1:] { // the first is admin
		out = append(out, p.name+" "+p.uid)
	}
	return out
}

// A user ID is given once: what its account left open is not the next one's.
func TestUserIDsAreGivenOnce(t *testing.T) {
	r := newRig(t)
	r.ask(Request{Act: Add, Name: "bob", Role: Admin}, "")
	r.ask(Request{Act: Remove, Name: "bob"}, "")
	r.ask(Request{Act: Add, Name: "carol", Role: Operator}, "")
	r.ask(Request{Act: Add, Name: "bob", Role: Operator}, "")
	if diff := cmp.Diff([]string{"carol 1001", "bob 1002"}, r.uids()); diff != "" {
		t.Errorf("the user IDs (-want +got):\n%s", diff)
	}
	r.put("var/lib/quorate/account/next-uid", "60001\n")
	r.ask(Request{Act: Add, Name: "dave", Role: Operator}, fault.Unavailable)
	r.put("var/lib/quorate/account/next-uid", "?\n")
	r.ask(Request{Act: Add, Name: "dave", Role: Operator}, fault.Internal)
}

// What can not be finished leaves no account behind, and no way into one.
func TestCutShort(t *testing.T) {
	r := newRig(t)
	r.put("etc/ssh/authorized_keys.d/bob", keyA+"\n") // of another bob, long ago
	r.broken = "Opened"
	r.ask(Request{Act: Add, Name: "bob", Role: Admin, Password: "correct horse 1"}, fault.Internal)
	if _, there := r.list()["bob"]; there || r.has("home/bob") || r.has("etc/ssh/authorized_keys.d/bob") {
		t.Error("an account that was not added is there")
	}
	r.broken = "useradd"
	r.put("etc/ssh/authorized_keys.d/bob", keyA+"\n")
	r.ask(Request{Act: Add, Name: "bob", Role: Admin}, fault.Internal)
	if r.has("etc/ssh/authorized_keys.d/bob") {
		t.Error("the key of another is there before its account")
	}
	r.broken = ""
	r.ask(Request{Act: Add, Name: "bob", Role: Admin}, "")
	r.ask(Request{Act: AddKey, Name: "bob", Key: keyA}, "")
	r.put("run/quorate/faillock/bob", "wrong")
	r.broken = "userdel"
	r.ask(Request{Act: Remove, Name: "bob"}, fault.Internal)
	if bob := r.list()["bob"]; bob.Until != "1970-01-02" || len(bob.Keys) > 0 || r.has("run/quorate/faillock/bob") {
		t.Errorf("half removed, the account is %+v", bob)
	}
	r.broken = ""
	r.ask(Request{Act: Remove, Name: "bob"}, "")
}

const (
	keyA = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f a@example.com"
	keyB = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP/+/fz7+vn49/b19PPy8fDv7u3s6+rp6Ofm5eTj4uHg b at home"
)

// The fingerprints are those of the system's own ssh-keygen.
func TestKeys(t *testing.T) {
	r := newRig(t)
	r.ask(Request{Act: AddKey, Name: "admin", Key: keyA}, "")
	r.ask(Request{Act: AddKey, Name: "admin", Key: strings.Replace(keyB, " at", "\n at", 1)}, "")
	r.ask(Request{Act: AddKey, Name: "admin", Key: keyA}, fault.Exists)
	r.ask(Request{Act: AddKey, Name: "admin", Key: `command="sh" ` + keyA}, fault.InvalidArgument)
	r.ask(Request{Act: AddKey, Name: "admin", Key: "ssh-dss AAAAB3NzaC1kc3M= old"}, fault.InvalidArgument)
	r.ask(Request{Act: AddKey, Name: "nobody", Key: keyB}, fault.NotFound)
	keys := r.list()["admin"].Keys
	out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-l", "-f", filepath.Join(r.Root, "etc/ssh/authorized_keys.d/admin")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || keys[1].Comment != "b at home" || !strings.Contains(string(out), keys[0].Fingerprint) || !strings.Contains(string(out), keys[1].Fingerprint) {
		t.Fatalf("the keys are %v; ssh-keygen says\n%s", keys, out)
	}
	r.ask(Request{Act: RemoveKey, Name: "admin", Key: keys[0].Fingerprint}, "")
	r.ask(Request{Act: RemoveKey, Name: "admin", Key: keys[0].Fingerprint}, fault.NotFound)
	if left := r.list()["admin"].Keys; len(left) != 1 || left[0] != keys[1] {
		t.Errorf("left are %v", left)
	}
}

// The last way in for an administrator stays: another account's counts, unless it
// has ended or is an operator's.
func TestLastKey(t *testing.T) {
	for name, tc := range map[string]struct {
		acts []Request // before admin's only key is removed
		want fault.Code
	}{
		"no other":              {nil, fault.WrongState},
		"another key":           {[]Request{{Act: AddKey, Name: "admin", Key: keyB}}, ""},
		"another administrator": {[]Request{{Act: Add, Name: "bob", Role: Admin}, {Act: AddKey, Name: "bob", Key: keyB}}, ""},
		"one without a key":     {[]Request{{Act: Add, Name: "bob", Role: Admin}}, fault.WrongState},
		"one that has ended":    {[]Request{{Act: Add, Name: "bob", Role: Admin}, {Act: AddKey, Name: "bob", Key: keyB}, {Act: Expire, Name: "bob", Until: "2020-01-31"}}, fault.WrongState},
		"one that will end":     {[]Request{{Act: Add, Name: "bob", Role: Admin}, {Act: AddKey, Name: "bob", Key: keyB}, {Act: Expire, Name: "bob", Until: "2999-12-31"}}, fault.WrongState},
		"an operator":           {[]Request{{Act: Add, Name: "bob", Role: Operator}, {Act: AddKey, Name: "bob", Key: keyB}}, fault.WrongState},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.put("etc/shadow", "admin:!:20000:0:99999:7:::\n")
			r.ask(Request{Act: AddKey, Name: "admin", Key: keyA}, "")
			print := r.list()["admin"].Keys[0].Fingerprint
			for _, act := range tc.acts {
				r.ask(act, "")
			}
			r.ask(Request{Act: RemoveKey, Name: "admin", Key: print}, tc.want)
		})
	}
	r := newRig(t) // where admin has a password, and an operator's only key goes
	r.ask(Request{Act: Add, Name: "bob", Role: Operator}, "")
	for _, who := range []string{"admin", "bob"} {
		r.ask(Request{Act: AddKey, Name: who, Key: keyA}, "")
		r.ask(Request{Act: RemoveKey, Name: who, Key: r.list()[who].Keys[0].Fingerprint}, "")
	}
}

// The last administrator who can sign in is given no day to end on, near or far, and
// is not removed; whoever is not the last is.
func TestLastAdministrator(t *testing.T) {
	r := newRig(t)
	r.put("etc/shadow", "admin:!:20000:0:99999:7:::\n") // bob is the one way in
	r.ask(Request{Act: Add, Name: "bob", Role: Admin}, "")
	r.ask(Request{Act: AddKey, Name: "bob", Key: keyA}, "")
	r.ask(Request{Act: Add, Name: "eve", Role: Operator}, "")
	r.ask(Request{Act: AddKey, Name: "eve", Key: keyA}, "")
	for day, reason := range map[string]string{"2020-01-31": "last way in for an administrator", "2999-12-31": "whose account never ends"} {
		_, _, err := Do(t.Context(), r.socket, Request{Act: Expire, Name: "bob", Until: day})
		if fault.CodeOf(err) != fault.WrongState || !strings.Contains(err.Error(), reason) || !strings.Contains(err.Error(), "passwd admin") {
			t.Errorf("the last administrator ends on %s: %v", day, err)
		}
	}
	r.ask(Request{Act: Remove, Name: "bob"}, fault.WrongState)
	if bob := r.list()["bob"]; bob.Until != "" || len(bob.Keys) != 1 {
		t.Errorf("refused, and bob is %+v", bob)
	}
	r.ask(Request{Act: Expire, Name: "eve", Until: "2020-01-31"}, "")
	r.ask(Request{Act: Expire, Name: "bob", Until: "never"}, "")

	r.ask(Request{Act: AddKey, Name: "admin", Key: keyB}, "")
	r.ask(Request{Act: Expire, Name: "bob", Until: "2999-12-31"}, "")
	r.ask(Request{Act: Expire, Name: "bob", Until: "2020-01-31"}, "")
	r.ask(Request{Act: Expire, Name: "bob", Until: "2999-12-31"}, "")
	r.ask(Request{Act: Remove, Name: "bob"}, "")
}

// The journal tells who did what from where, which key it was, and in no words but
// its own.
func TestTold(t *testing.T) {
	r := newRig(t)
	r.ask(Request{Act: AddKey, Name: "admin", Key: keyA}, "")
	print := r.list()["admin"].Keys[0].Fingerprint
	r.ask(Request{Act: Passwd, Name: "admin", Password: "correct horse 1"}, "")
	r.ask(Request{Act: RemoveKey, Name: "admin", Key: print}, "")
	r.ask(Request{Act: RemoveKey, Name: "admin", Key: "x\ny"}, fault.NotFound)
	r.ask(Request{Act: Add, Name: "eve\nadmin: account", Role: "x\ny"}, fault.InvalidName)
	lines := strings.Split(strings.TrimSpace(r.log.String()), "\n")
	for i, want := range []string{"from 192.0.2.7: account admin: add-key " + print, "account admin: passwd", "account admin: remove-key " + print, "admin has no key \\\"x\\\\ny", "account \\\"eve\\\\nadmin: account\\\": add \\\"x\\\\ny\\\": refused"} {
		if len(lines) != 5 || !strings.Contains(lines[i], want) || !strings.Contains(lines[i], "caller_from=192.0.2.7") {
			t.Errorf("want %q in\n%s", want, r.log.String())
		}
	}
	if strings.Contains(r.log.String(), "correct horse") {
		t.Error("the journal has a password")
	}
}

// An operator has its own password to set, and reads the rest.
func TestRoles(t *testing.T) {
	r := newRig(t)
	r.as(bus.Operator)
	for act := range rules {
		r.ask(Request{Act: act, Name: "admin", Password: "correct horse 1", Key: keyA, Until: "never"}, fault.NotPermitted)
	}
	if stored, _ := r.passwords(); len(r.list()) != 1 || len(stored) > 0 {
		t.Errorf("there are %v, stored %v", r.list(), stored)
	}
	r.put("etc/passwd", "root:x:0:0::/root:"+shellPath+"\n") // whoever runs the test
	r.ask(Request{Act: Passwd, Password: "correct horse 1"}, "")
	r.ask(Request{Act: AddKey, Key: keyA}, fault.NotPermitted)
	r.put("etc/shadow", "root:$y$j9T$salt$digest:20000:0:99999:7:::\n") // from now on the current one is asked for
	r.ask(Request{Act: Passwd, Password: "correct horse 2"}, fault.NotPermitted)
	r.ask(Request{Act: Passwd, Password: "correct horse 2", Current: "a guess"}, fault.NotPermitted)
	r.as(bus.Admin)
	r.ask(Request{Act: Passwd, Name: "root", Password: "correct horse 2", Current: "a guess"}, fault.NotPermitted)
	r.ask(Request{Act: Passwd, Password: "correct horse 1", Current: "the old horse"}, "")
	r.mu.Lock()
	if r.paused != 3 {
		t.Errorf("%d of three wrong passwords had a pause", r.paused)
	}
	r.mu.Unlock()
	r.ask(Request{Act: Remove}, fault.WrongState)
	r.as(bus.None)
	r.ask(Request{Act: List}, fault.NotPermitted)
	stored, _ := r.passwords()
	if diff := cmp.Diff(map[string]string{"root": "correct horse 1"}, stored); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

// The sessions of who is evicted end: a process under another user ID.
func TestEvict(t *testing.T) {
	r := newRig(t)
	sleeper := exec.Command("setpriv", "--reuid=64321", "--regid=64321", "--clear-groups", "sleep", "600")
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc", filepath.Join(r.Root, "proc")); err != nil {
		t.Fatal(err)
	}
	r.put("etc/passwd", "guest:x:64321:802::/home/guest:"+shellPath+"\n")
	ended := make(chan error, 1)
	go func() { ended <- sleeper.Wait() }()
	for giveUp := time.Now().Add(time.Minute); !r.list()["guest"].Active; { // it becomes the user
		if time.Now().After(giveUp) {
			_ = sleeper.Process.Kill()
			t.Fatal("it never was somebody's process")
		}
	}
	r.ask(Request{Act: Evict, Name: "guest"}, "")
	if !r.has("run/quorate/signed-out/guest") {
		t.Error("the sessions of Web Admin go on")
	}
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended: %v", err)
	}
}

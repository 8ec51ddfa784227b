package password

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pam/pamtest"
)

func TestMain(m *testing.M) { os.Exit(pamtest.Main(m)) }

// The system's own helper compares, on a machine with the accounts of pamtest.
func TestRight(t *testing.T) {
	for _, tc := range []struct{ account, password string }{
		{"admin", "correct horse 2"}, {"admin", ""}, {"admin", pamtest.Password + "0"}, {"none", ""}, {"locked", pamtest.Password},
	} {
		if err := Right(t.Context(), tc.account, tc.password); fault.CodeOf(err) != fault.NotPermitted {
			t.Errorf("%s with %q: %v", tc.account, tc.password, err)
		}
	}
	if err := Right(t.Context(), "admin", pamtest.Password); err != nil {
		t.Error(err)
	}
	if err := Right(t.Context(), "nobody-there", pamtest.Password); err == nil {
		t.Error("an account that is not there has a password")
	}
}

func TestCheck(t *testing.T) {
	for _, tc := range []struct{ password, why string }{
		{"correct horse 1", ""}, {"eight ch", ""}, {"äöüäöüäö", ""}, {strings.Repeat("ab", 256), ""},
		{"seven c", "too short: 7"}, {"", "too short: 0"}, {"äöüäöüä", "too short: 7"},
		{strings.Repeat("ab", 257), "too long"}, {"with\ttab and", "typed everywhere"}, {"line\nfeed and", "typed everywhere"},
		{"\xff\xfe1234567", "typed everywhere"}, {"aaaaaaaaaa", "again and again"}, {"Password", "first that anybody"},
	} {
		err := Check(tc.password)
		switch {
		case tc.why == "" && err != nil, tc.why != "" && (err == nil || !strings.Contains(err.Error(), tc.why)):
			t.Errorf("Check(%q) = %v, want %q", tc.password, err, tc.why)
		case err != nil && len(tc.password) > 4 && strings.Contains(err.Error(), tc.password) && tc.password != "Password":
			t.Errorf("the refusal repeats the password: %v", err)
		}
	}
}

func TestCheckHash(t *testing.T) {
	digest := strings.Repeat("a", 86)
	for _, tc := range []struct {
		hash string
		good bool
	}{
		{"$6$salt$" + digest, true}, {"$6$rounds=10000$salt$" + digest, true}, {"$5$salt$" + digest[:43], true},
		{"$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7", true},
		{"correct horse 1", false}, {"", false}, {"!", false}, {"$6$salt$" + digest[:85], false}, {"$6$salt$", false},
		{"$1$salt$aaaaaaaaaaaaaaaaaaaaaa", false}, {"$6$salt$" + digest + "\nroot:x", false}, {"$6$sa:lt$" + digest, false}, {"$6$" + digest, false},
	} {
		err := CheckHash(tc.hash)
		if (err == nil) != tc.good {
			t.Errorf("CheckHash(%q) = %v", tc.hash, err)
		}
		if err != nil && len(tc.hash) > 1 && strings.Contains(err.Error(), tc.hash) {
			t.Errorf("the refusal repeats the value: %v", err)
		}
	}
}

func TestMissing(t *testing.T) {
	const shadow = "root:*:20000::::::\nadmin2:$y$x:1\nadmin:%s:20000:0:99999:7:::\n"
	for field, want := range map[string]bool{"!": true, "!*": true, "*": true, "": true, "!$6$locked": true, "$6$salt$digest": false} {
		if got := Missing(strings.Replace(shadow, "%s", field, 1), "admin"); got != want {
			t.Errorf("a field %q: %v", field, got)
		}
	}
	if !Missing("adm:$6$a$b:1\n", "admin") {
		t.Error("an account that is not there has a password")
	}
}

// rig is a node whose account file is a test's.
type rig struct {
	Server
	stored   string
	storing  error
	reloads  int
	socket   string
	outcomes chan error
}

func newRig(t *testing.T, shadow string) *rig {
	t.Helper()
	dir := t.TempDir()
	r := &rig{socket: filepath.Join(dir, "s"), outcomes: make(chan error, 16)}
	r.Files = Files{Shadow: filepath.Join(dir, "shadow"), Recover: filepath.Join(dir, "recover"), SSH: filepath.Join(dir, "sshd_config.d", "20-password.conf"), SignIn: filepath.Join(dir, "signin.sock")}
	r.Log = slog.New(slog.DiscardHandler)
	r.Store = func(_ context.Context, p string) error {
		if r.storing == nil {
			r.stored = p
		}
		return r.storing
	}
	r.Reload = func(context.Context) error { r.reloads++; return nil }
	if err := os.WriteFile(r.Shadow, []byte(shadow), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r.outcomes <- r.Serve(context.Background(), conn)
			conn.Close()
		}
	}()
	return r
}

const locked, taken = "admin:!:20000::::::\n", "admin:$6$s$d:20000::::::\n"

func TestFirstPassword(t *testing.T) {
	r := newRig(t, locked)
	if want, err := Ask(t.Context(), r.socket); want != First || err != nil {
		t.Fatalf("Ask = %q, %v", want, err)
	}
	if err := Set(t.Context(), r.socket, "short"); fault.CodeOf(err) != fault.InvalidArgument || r.stored != "" {
		t.Fatalf("a short password: %v, stored %q", err, r.stored)
	}
	if _, err := os.Stat(r.SSH); err == nil {
		t.Fatal("sshd takes passwords though none is set")
	}
	if err := Set(t.Context(), r.socket, "correct horse 1"); err != nil || r.stored != "correct horse 1" || r.reloads != 1 {
		t.Fatalf("%v, stored %q, %d reloads", err, r.stored, r.reloads)
	}
	text, err := os.ReadFile(r.SSH)
	if err != nil || !strings.Contains(string(text), "\nPasswordAuthentication yes\n") {
		t.Fatalf("%q, %v", text, err)
	}
}

// A node that has a password gives nothing to who reaches the socket.
func TestTaken(t *testing.T) {
	r := newRig(t, taken)
	if want, err := Ask(t.Context(), r.socket); want != None || err != nil {
		t.Fatalf("Ask = %q, %v", want, err)
	}
	err := Set(t.Context(), r.socket, "correct horse 2")
	if fault.CodeOf(err) != fault.NotPermitted || r.stored != "" || r.reloads != 0 {
		t.Fatalf("%v, stored %q", err, r.stored)
	}
}

func TestRecovery(t *testing.T) {
	r := newRig(t, taken)
	if err := os.WriteFile(r.Recover, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if want, err := Ask(t.Context(), r.socket); want != Recover || err != nil {
		t.Fatalf("Ask = %q, %v", want, err)
	}
	r.storing = errors.New("no space left on device")
	if err := Set(t.Context(), r.socket, "correct horse 2"); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Fatalf("a disk that is full: %v", err)
	}
	if want, _ := Ask(t.Context(), r.socket); want != Recover {
		t.Fatal("the recovery ended without a password")
	}
	r.storing = nil
	if err := Set(t.Context(), r.socket, "correct horse 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(r.SignIn), "signed-out", Account)); err != nil {
		t.Errorf("who signed in by the old password stays: %v", err)
	}
	if want, _ := Ask(t.Context(), r.socket); want != None {
		t.Fatalf("recovery goes on after the password was set: %q", want)
	}
}

func TestAbsent(t *testing.T) {
	if _, err := Ask(t.Context(), filepath.Join(t.TempDir(), "none")); fault.CodeOf(err) != fault.Unavailable {
		t.Fatal(err)
	}
}

func TestGarbledRequest(t *testing.T) {
	r := newRig(t, locked)
	for _, line := range []string{"{\n", "\n", strings.Repeat("x", longest+1), `{"password":1}` + "\n"} {
		conn, err := net.Dial("unix", r.socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(line)) // Serve may have hung up before it read all
		if err := <-r.outcomes; err == nil {
			t.Errorf("%.20q was served", line)
		}
		conn.Close()
	}
	if r.stored != "" {
		t.Errorf("stored %q", r.stored)
	}
}

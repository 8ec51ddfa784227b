package shell

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"quorate.org/daemon/account"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

// serveAccounts answers at a socket for the account files of a test, and notes
// the tools and passwords.
func serveAccounts(t *testing.T) (socket string, done *[]string) {
	t.Helper()
	root, notes := t.TempDir(), &[]string{}
	files := map[string]string{
		"passwd": "admin:x:800:801::/home/admin:/usr/bin/mmp\nbob:x:1000:802::/home/bob:/usr/bin/mmp\n",
		"shadow": "admin:$y$j9T$salt$digest:20000:0:99999:7:::\nbob:!:20000:0:99999:7::20908:\n",
		"group":  "quorate-admin:x:801:\nquorate-operator:x:802:\n",
	}
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	socket = filepath.Join(root, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	s := account.Server{
		Root: root, Role: func(uint32) bus.Role { return bus.Admin }, Log: slog.New(slog.DiscardHandler),
		Tool: func(_ context.Context, argv ...string) error {
			*notes = append(*notes, strings.Join(argv, " "))
			return nil
		},
		Pause: func(context.Context) {},
		Right: func(_ context.Context, name, p string) error {
			if p != "the old horse" {
				return fault.New(fault.NotPermitted, "this is not your current password")
			}
			return nil
		},
		Store:  func(_ context.Context, name, p string) error { *notes = append(*notes, name+": "+p); return nil },
		Opened: func(context.Context) error { return nil },
		From:   func(context.Context, uint32) string { return "" },
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			if err := s.Serve(context.Background(), conn); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	}()
	return socket, notes
}

func TestAccountCommands(t *testing.T) {
	socket, notes := serveAccounts(t)
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
	const print = "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA"
	for _, tc := range []struct{ line, input, out, done string }{
		{"user", "", "USERNAME  ROLE      PASSWORD  EXPIRY      LOGGED IN\nadmin     admin     set       never       no\nbob       operator  none      2027-03-31  no\n", ""},
		{"user add eve operator", "correct horse 1\n", "Enter password: \nEnter password again: \nSUCCESS: account eve added, role operator\n",
			"useradd --uid 1001 --create-home --shell /usr/bin/mmp --no-user-group --gid quorate-operator eve, eve: correct horse 1"},
		{"user add eve admin --keys-only", "", "SUCCESS: account eve added, role admin\n",
			"useradd --uid 1002 --create-home --shell /usr/bin/mmp --no-user-group --gid quorate-admin --groups quorate-operator,systemd-journal eve"},
		{"user add eve crypto", "", "FAILURE: \"crypto\" is not one of admin, operator\n", ""},
		{"passwd bob", "short\n", "Enter new password: \nEnter new password again: \nFAILURE: the password is too short: 5 characters\nREMEDY: use at least 8\n", ""},
		{"passwd bob", "correct horse 2\n", "Enter new password: \nEnter new password again: \nSUCCESS: password of bob set\n", "bob: correct horse 2"},
		{"user expire bob never", "", "SUCCESS: account bob ends: never\n", "usermod --expiredate  bob"},
		{"user unlock bob", "", "SUCCESS: bob may sign in again\n", ""},
		{"ssh-key add bob " + key + " me at home", "", "SUCCESS: the key opens bob\n", ""},
		{"ssh-key", "", "USERNAME  TYPE         FINGERPRINT                                         COMMENT\nbob       ssh-ed25519  " + print + "  me at home\n", ""},
		{"ssh-key remove bob " + print, "", "SUCCESS: the key opens bob no more\n", ""},
		{"user info nobody", "", "FAILURE: there is no account \"nobody\"", ""},
		{"user del bob", "", "SUCCESS: account bob removed\n", "usermod --expiredate 1970-01-02 bob, userdel bob"},
	} {
		*notes = nil
		p := sitDown(t, grammar.Admin, tc.input)
		p.cfg.Accounts = socket
		p.Execute(t.Context(), tc.line)
		if got := p.seen.String(); !strings.HasPrefix(got, tc.out) {
			t.Errorf("%s printed\n%s\nwant\n%s", tc.line, got, tc.out)
		}
		if got := strings.Join(*notes, ", "); got != tc.done {
			t.Errorf("%s did %q, want %q", tc.line, got, tc.done)
		}
	}
}

// Who sets their own password is asked for the one they have, when they have one.
func TestOwnPassword(t *testing.T) {
	socket, notes := serveAccounts(t)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	const asked = "Enter current password: \nEnter new password: \nEnter new password again: \n"
	for _, tc := range []struct{ line, field, input, out, done string }{
		{"passwd", "$y$j9T$salt$digest", "the old horse\ncorrect horse 3\n", asked + "SUCCESS: password of " + me.Username + " set\n", me.Username + ": correct horse 3"},
		{"passwd " + me.Username, "$y$j9T$salt$digest", "a guess\ncorrect horse 3\n", asked + "FAILURE: this is not your current password\n", ""},
		{"passwd", "!", "correct horse 3\n", "Enter new password: \nEnter new password again: \nSUCCESS: password of " + me.Username + " set\n", me.Username + ": correct horse 3"},
	} {
		for name, line := range map[string]string{"passwd": ":x:0:0::/root:/usr/bin/mmp\n", "shadow": ":" + tc.field + ":20000:0:99999:7:::\n"} {
			if err := os.WriteFile(filepath.Join(filepath.Dir(socket), "etc", name), []byte(me.Username+line), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		*notes = nil
		p := sitDown(t, grammar.Admin, tc.input)
		p.cfg.Accounts = socket
		p.Execute(t.Context(), tc.line)
		if got := p.seen.String(); got != tc.out {
			t.Errorf("%s printed\n%s\nwant\n%s", tc.line, got, tc.out)
		}
		if got := strings.Join(*notes, ", "); got != tc.done {
			t.Errorf("%s did %q, want %q", tc.line, got, tc.done)
		}
	}
}

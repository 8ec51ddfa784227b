package signin_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/journal/journaltest"
	"quorate.org/daemon/pam"
	"quorate.org/daemon/pam/pamtest"
	"quorate.org/daemon/signin"
)

// TestMain lets the test binary be the process of one sign-in too.
func TestMain(m *testing.M) {
	if os.Getenv("SIGNIN_TEST_SERVE") != "" {
		serveOne()
		return
	}
	os.Exit(pamtest.Main(m))
}

// serveOne is cmd/signin with a journal on standard error.
func serveOne() {
	c, err := net.FileConn(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	s := &signin.Server{Bus: signin.BusSocket(), Log: slog.New(journal.Text(os.Stderr, slog.LevelInfo)), Check: func(user string, password []byte, from string) (string, error) {
		return pam.Check(pam.Request{Service: pamtest.Service, User: user, Password: password, From: from})
	}}
	if err := s.Serve(context.Background(), c.(*net.UnixConn)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// listen does what the socket unit does: a process for each connection.
func listen(t *testing.T) (path string, log *journaltest.Text) {
	t.Helper()
	dir, err := os.MkdirTemp("", "signin")
	if err != nil {
		t.Fatal(err)
	}
	path, log = filepath.Join(dir, "socket"), &journaltest.Text{}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var processes sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		processes.Wait()
		os.RemoveAll(dir)
	})
	processes.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			processes.Go(func() { serve(t, c.(*net.UnixConn), log) })
		}
	})
	return path, log
}

func serve(t *testing.T, c *net.UnixConn, log *journaltest.Text) {
	in, err := c.File()
	c.Close()
	if err != nil {
		t.Error(err)
		return
	}
	defer in.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "SIGNIN_TEST_SERVE=1")
	cmd.Stdin, cmd.Stderr = in, log
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(log, err)
	}
}

func open(t *testing.T, path, user, password string) (*signin.Session, error) {
	t.Helper()
	return signin.Open(t.Context(), path, user, password, "192.0.2.7")
}

// asked is an XMPP service that knows two methods and tells who called.
type asked struct {
	bus.XmppServer
	callers chan bus.Caller
}

func (a *asked) CallBridges(_ context.Context, who bus.Caller) ([]bus.CallBridge, error) {
	a.callers <- who
	return nil, nil
}

func (a *asked) SetDomain(_ context.Context, who bus.Caller, _ string) error {
	a.callers <- who
	return nil
}

// The services see the person, in the person's role, because the kernel tells
// the bus who connected; the test itself runs as root.
func TestTheServicesSeeThePerson(t *testing.T) {
	bustest.Start(t)
	path, log := listen(t)
	service := serveAsked(t)
	for _, tt := range []struct {
		user string
		uid  uint32
		role bus.Role
		may  bool
	}{{"admin", 800, bus.Admin, true}, {"operator", 807, bus.Operator, false}} {
		s, err := open(t, path, tt.user, pamtest.Password)
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if s.User != tt.user || s.UID != tt.uid || s.Role != tt.role {
			t.Errorf("session %+v", s)
		}
		conn, err := bus.Over(s.Conn, s.UID)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Xmpp().CallBridges(t.Context()); err != nil {
			t.Fatal(err)
		}
		if who := <-service.callers; who.User != tt.user || who.UID != tt.uid || who.Role != tt.role {
			t.Errorf("the service saw %+v", who)
		}
		err = conn.Xmpp().SetDomain(t.Context(), "meet.example")
		if tt.may != (err == nil) || !tt.may && fault.CodeOf(err) != fault.NotPermitted {
			t.Errorf("%s changed something: %v", tt.user, err)
		}
		if tt.may {
			<-service.callers
		}
	}
}

func serveAsked(t *testing.T) *asked {
	t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	service := &asked{callers: make(chan bus.Caller, 1)}
	if _, err := conn.ServeXmpp(service, bus.XmppProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	return service
}

// What ends an account's sessions ends those that are open, one whose password was
// just found right, and none of another account or later.
func TestEnd(t *testing.T) {
	bustest.Start(t)
	path, log := listen(t)
	sessions := map[string]*signin.Session{}
	begin := func(key, user string) {
		s, err := open(t, path, user, pamtest.Password)
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		t.Cleanup(func() { s.Conn.Close() })
		sessions[key] = s
	}
	begin("first", "admin")
	begin("other", "operator")
	if sessions["first"].Ended() {
		t.Error("it ends by itself")
	}
	if err := signin.End(path, "admin"); err != nil {
		t.Fatal(err)
	}
	begin("second", "admin")
	for key, want := range map[string]bool{"first": true, "second": false, "other": false} {
		if got := sessions[key].Ended(); got != want {
			t.Errorf("the %s session has ended: %v", key, got)
		}
	}
	if err := signin.End(path, "admin"); err != nil || !sessions["second"].Ended() {
		t.Errorf("the second end ends nothing: %v", err)
	}
	if s, err := open(t, path, "../admin", pamtest.Password); err == nil {
		t.Errorf("a session %+v", s)
	}
}

// A sign-in that is under way when the sessions end is one of them.
func TestEndMeanwhile(t *testing.T) {
	bustest.Start(t)
	path, _ := listen(t)
	front := filepath.Join(filepath.Dir(path), "front") // between who asks and the service: ends the sessions once it is asked
	l, err := net.Listen("unix", front)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		err = signin.End(path, "admin")
		serve(t, c.(*net.UnixConn), &journaltest.Text{})
		if err != nil {
			t.Error(err)
		}
	}()
	s, err := open(t, front, "admin", pamtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Conn.Close()
	if !s.Ended() {
		t.Error("a session by the password of before goes on")
	}
}

// Nobody gets another's rights out of a connection.
func TestTheConnectionIsOnlyTheOpeners(t *testing.T) {
	bustest.Start(t)
	path, log := listen(t)
	s, err := open(t, path, "operator", pamtest.Password)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if _, err := bus.Over(s.Conn, 0); fault.CodeOf(err) != fault.NotPermitted {
		t.Errorf("the bus took an operator for root: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	bustest.Start(t)
	path, log := listen(t)
	for _, tt := range []struct{ user, password, want string }{
		{"admin", "wrong", "the name or the password is wrong"},
		{"hunter2", pamtest.Password, "the name or the password is wrong"},
		{"eve", pamtest.Password, "the account eve may not use Web Admin"},
		{"eve", "wrong", "the name or the password is wrong"},
		{"quorate-web", pamtest.Password, "the account quorate-web may not use Web Admin"},
	} {
		s, err := open(t, path, tt.user, tt.password)
		if s != nil || fault.CodeOf(err) != fault.NotPermitted || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s with %s: %+v, %v", tt.user, tt.password, s, err)
		}
	}
	if text := log.String(); strings.Contains(text, pamtest.Password) || strings.Contains(text, "hunter2") || strings.Contains(text, "password=") {
		t.Errorf("the journal holds what may be a password: %s", text)
	}
}

func TestTheJournalTellsEachSignIn(t *testing.T) {
	bustest.Start(t)
	path, log := listen(t)
	if _, err := open(t, path, "admin", "wrong"); err == nil {
		t.Fatal("a wrong password")
	}
	s, err := open(t, path, "admin", pamtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	s.Conn.Close()
	want := []string{`admin did not sign in from 192.0.2.7: the name or the password is wrong`, `admin signed in from 192.0.2.7 as administrator`}
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text := log.String()
		if strings.Contains(text, want[0]) && strings.Contains(text, want[1]) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the journal is %s", text)
		}
	}
}

// What is no request is answered, in bounds.
func TestBadRequests(t *testing.T) {
	path, _ := listen(t)
	for _, line := range []string{"\n", "{\n", "[]\n", `{"user":"admin","password":"eA==","from":"here"}` + "\n", `{"user":"admin","extra":1}` + "\n",
		`{"user":"` + strings.Repeat("x", 5000) + "\"}\n"} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if err := c.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), `"code":"InvalidArgument"`) {
			t.Errorf("%.40q: %s, %v", line, buf[:n], err)
		}
	}
}

// Nobody can sign in when the bus or the sign-in itself is not there, which is
// no word about the password.
func TestOutOfOrder(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent")
	path, _ := listen(t)
	if _, err := open(t, path, "admin", pamtest.Password); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("without a bus: %v", err)
	}
	if _, err := open(t, "/nonexistent", "admin", pamtest.Password); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("without a socket: %v", err)
	}
}

// Who asks may give up.
func TestOpenEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path) // accepts in the kernel, answers never
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := signin.Open(ctx, path, "admin", "x", "192.0.2.7"); fault.CodeOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

// FuzzAnswer: what comes back from the socket never yields a session without a
// descriptor, and never a panic.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"user":"admin","uid":800,"role":3}`))
	f.Add([]byte(`{"error":{"code":"NotPermitted","message":"no"}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			if c, err := l.Accept(); err == nil {
				_, _ = c.Write(line) // the other end may have had enough
				c.Close()
			}
		}()
		if s, err := signin.Open(context.Background(), path, "admin", "x", "192.0.2.7"); err == nil {
			t.Errorf("a session %+v of nothing", s)
		}
	})
}

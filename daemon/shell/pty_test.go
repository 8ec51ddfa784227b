package shell

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a person's terminal with mmp running in it.
type terminal struct {
	t      *testing.T
	cmd    *exec.Cmd
	master *os.File

	mu     sync.Mutex // guards screen
	screen strings.Builder
	more   chan struct{} // holds a tick when the screen has changed
	ended  chan struct{} // closed when nothing more is read
}

// signIn starts mmp in a new terminal and waits for the prompt.
func signIn(t *testing.T, home string) *terminal {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := mmp(home)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	x := &terminal{t: t, cmd: cmd, master: master, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go x.read()
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		<-x.ended
		master.Close()
	})
	x.await("cb1> ")
	return x
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 120}))
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func (x *terminal) read() {
	defer close(x.ended)
	buf := make([]byte, 4096)
	for {
		n, err := x.master.Read(buf)
		x.mu.Lock()
		x.screen.Write(buf[:n])
		x.mu.Unlock()
		select {
		case x.more <- struct{}{}:
		default:
		}
		if err != nil { // EIO: the last process has left the terminal
			return
		}
	}
}

func (x *terminal) shown() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.screen.String()
}

// await waits until the screen ends with text.
func (x *terminal) await(text string) {
	x.t.Helper()
	limit := time.After(10 * time.Second)
	for !strings.HasSuffix(x.shown(), text) {
		select {
		case <-x.more:
		case <-limit:
			x.t.Fatalf("%q did not appear; the screen is\n%q", text, x.shown())
		}
	}
}

// keys sends keys and returns what the screen shows until it ends with text.
func (x *terminal) keys(keys, until string) string {
	x.t.Helper()
	x.mu.Lock()
	x.screen.Reset()
	x.mu.Unlock()
	if _, err := io.WriteString(x.master, keys); err != nil {
		x.t.Fatal(err)
	}
	x.await(until)
	return x.shown()
}

const prompt = "\r\ncb1> "

func TestTerminalSession(t *testing.T) {
	n := startNode(t)
	n.set(func() { n.cluster = "LEADER" })
	home := t.TempDir()
	x := signIn(t, home)

	if out := x.keys("xmpp cl\tst\t\r", prompt); !strings.Contains(out, "State: LEADER\r\nList of peers\r\n") {
		t.Errorf("the completed line printed %q", out)
	}
	if out := x.keys("xmpp cluster \t", "> xmpp cluster "); !strings.Contains(out, "disable  enable  initialize  join") {
		t.Errorf("completion offers %q", out)
	}
	if out := x.keys("disable\x03", prompt); strings.Contains(out, "SUCCESS") {
		t.Errorf("^C ran the line: %q", out)
	}
	x.keys("xmpp callbridge add-secret cb7\r", "Enter callbridge secret: ")
	if out := x.keys("hush\r", prompt); strings.Contains(out, "hush") || !strings.Contains(out, "SUCCESS: call bridge cb7 added") {
		t.Errorf("the secret printed %q", out)
	}
	x.keys("xmpp callbridge add-secret cb8\r", "Enter callbridge secret: ")
	if out := x.keys("hus\x03", prompt); !strings.Contains(out, "FAILURE: cancelled, nothing was changed") {
		t.Errorf("^C at the secret printed %q", out)
	}
	x.keys("reboot\r", "Are you sure? (Y/n) ")
	if out := x.keys("n\r", prompt); !strings.Contains(out, "FAILURE: not confirmed, nothing was changed") {
		t.Errorf("the refused confirmation printed %q", out)
	}
	if out := x.keys("\x1b[A\x1b[A\x1b[A\x1b[A\r", prompt); !strings.Contains(out, "State: LEADER") {
		t.Errorf("the fourth last line is not the status: %q", out)
	}
	// Lines pasted together, one of them the answer to the one before.
	out := x.keys("cb1> xmpp callbridge add-secret cb9\rpasted\rcb1> xmpp callbridge list\r", "Connected  : none\r\ncb1> ")
	if strings.Contains(strings.SplitN(out, "Secret  ", 2)[0], "pasted") {
		t.Errorf("the pasted secret was shown: %q", out)
	}
	x.end(t, "\x04")
	want := []string{"callbridge cb7 hush", "callbridge cb9 pasted"}
	if got := n.changes(); strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("changed %q, want %q", got, want)
	}
	checkHistory(t, filepath.Join(home, ".mmp_history"))

	x = signIn(t, home)
	if out := x.keys("\x1b[A\r", prompt); !strings.Contains(out, "Callbridge : cb9") {
		t.Errorf("the next session recalls %q", out)
	}
	x.end(t, "exit\r")
}

// end ends the session with these keys and checks its exit status.
func (x *terminal) end(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(x.master, keys); err != nil {
		t.Fatal(err)
	}
	if err := x.cmd.Wait(); err != nil {
		t.Errorf("the session ended with %v", err)
	}
}

// checkHistory wants the lines typed, for their owner only, and no answers.
func checkHistory(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the history is for %v, %v", info.Mode(), err)
	}
	for _, secret := range []string{"hush", "pasted", "\nn\n"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the history has %q:\n%s", secret, text)
		}
	}
	if !strings.Contains(string(text), "xmpp callbridge add-secret cb7\n") {
		t.Errorf("the history lacks what was typed:\n%s", text)
	}
}

func TestTerminalInterrupts(t *testing.T) {
	n := startNode(t)
	program(t, "journalctl", `trap 'echo interrupted; exit 2' INT; echo started; while :; do sleep 0.1; done`)
	x := signIn(t, t.TempDir())
	x.keys("journalctl -f\r", "started\r\n")
	if out := x.keys("\x03", prompt); !strings.Contains(out, "interrupted") {
		t.Errorf("^C in a program printed %q", out)
	}
	x.keys("xmpp cluster join slow.example\r", "join slow.example\r\n")
	<-n.joining
	if out := x.keys("\x03", prompt); !strings.Contains(out, "FAILURE: cancelled; what the service has begun it may still finish") {
		t.Errorf("^C in a command printed %q", out)
	}
	x.end(t, "exit\r")
}

// What is typed while a command runs is kept, and a secret among it not shown.
func TestTypedAhead(t *testing.T) {
	n := startNode(t)
	x := signIn(t, t.TempDir())
	x.keys("xmpp cluster join slow.example\r", "join slow.example\r\n")
	<-n.joining
	if _, err := io.WriteString(x.master, "xmpp callbridge add-secret cb5\rahead\r"); err != nil {
		t.Fatal(err)
	}
	close(n.release)
	x.await("SUCCESS: call bridge cb5 added" + prompt)
	if out := x.shown(); strings.Contains(out, "ahead") {
		t.Errorf("the secret was shown: %q", out)
	}
	x.end(t, "exit\r")
}

package shell

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pkg/sftp"
)

// mainVariable makes the test binary stand for mmp.
const mainVariable = "SHELL_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVariable) != "" {
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// mmp prepares the program with these arguments.
func mmp(home string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), mainVariable+"=1", "QUORATE_HOSTNAME=cb1.meet.example", "HOME="+home)
	return cmd
}

func TestOneShot(t *testing.T) {
	startNode(t)
	for _, tc := range []struct {
		args  []string
		input string
		want  string
		code  int
	}{
		{[]string{"-c", "xmpp cluster status"}, "", "State: STANDALONE\n", 0},
		{[]string{"xmpp", "cluster", "status"}, "", "State: STANDALONE\n", 0},
		{[]string{"xmpp cluster status"}, "", "State: STANDALONE\n", 0},
		{[]string{"-c", "xmpp cluster statu"}, "", "Unknown command: xmpp cluster statu\n", 1},
		{[]string{"-c", "xmpp callbridge add-secret cb1"}, "secret\n", "Enter callbridge secret: \nSUCCESS: call bridge cb1 added\n", 0},
		{[]string{"pki", "csr", "x", "O:Big Firm"}, "", "SUCCESS: created x.key and x.csr", 0},
		{nil, "xmpp cluster status\nnonsense\n", "State: STANDALONE\n", 1},
	} {
		cmd := mmp(t.TempDir(), tc.args...)
		cmd.Stdin = strings.NewReader(tc.input)
		out, err := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != tc.code || !strings.HasPrefix(string(out), tc.want) {
			t.Errorf("%q: exit status %d, %v, printed %q", tc.args, code, err, out)
		}
	}
}

// As sshd starts it for the SFTP subsystem of an account whose shell it is.
func TestM212LoginShellServesSFTP(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "xmpp.csr"), []byte("request"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-c", "/usr/bin/mmp --sftp"}, {"--sftp"}} {
		cmd := mmp(t.TempDir(), args...)
		cmd.Env = append(cmd.Env, "QUORATE_EXCHANGE="+dir)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c, err := sftp.NewClientPipe(out, in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Stat("/xmpp.csr"); err != nil {
			t.Errorf("%q: stat xmpp.csr: %v", args, err)
		}
		if _, err := c.Open("/etc/passwd"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: get /etc/passwd: %v, want no such file", args, err)
		}
		if f, err := c.Create("/new.cer"); err != nil {
			t.Errorf("%q: put new.cer: %v", args, err)
		} else if err := f.Close(); err != nil {
			t.Errorf("%q: put new.cer: %v", args, err)
		}
		c.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%q ended with %v", args, err)
		}
	}
	cmd := mmp(t.TempDir(), "--sftp")
	cmd.Env = append(cmd.Env, "QUORATE_EXCHANGE="+dir+"/nowhere")
	if out, err := cmd.CombinedOutput(); err == nil || !strings.HasPrefix(string(out), "FAILURE: opening exchange folder") {
		t.Errorf("without a folder: %v, printed %q", err, out)
	}
}

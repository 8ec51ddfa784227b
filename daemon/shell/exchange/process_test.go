package exchange_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/shell/exchange"
)

// The test binary stands for the server program when this names a folder.
const serveVariable = "EXCHANGE_TEST_SERVE"

// confineVariable makes it confine itself and try to look outside.
const confineVariable = "EXCHANGE_TEST_CONFINE"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(serveVariable) != "":
		os.Exit(serve(os.Getenv(serveVariable)))
	case os.Getenv(confineVariable) != "":
		lookOutside(os.Getenv(confineVariable))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func serve(dir string) int {
	type stdio struct {
		io.Reader
		io.WriteCloser
	}
	if err := exchange.Serve(stdio{os.Stdin, os.Stdout}, dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// lookOutside prints what became of the confinement and of three looks.
func lookOutside(dir string) {
	err := exchange.Confine(dir)
	_, outside := os.ReadFile("/etc/passwd")
	_, inside := os.ReadFile(filepath.Join(dir, "xmpp.csr"))
	written := os.WriteFile(filepath.Join(dir, "new"), nil, 0o644)
	fmt.Printf("confined=%v outside=%v inside=%v written=%v",
		err == nil, errors.Is(outside, unix.EACCES), inside == nil, written == nil)
}

// The wall is there exactly when the kernel and the build can make it: a build
// with cgo, as the race detector needs, can not.
func TestConfine(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), confineVariable+"="+folder(t))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	want := "confined=true outside=true inside=true written=true"
	if errno != 0 || builtWithCgo {
		want = "confined=false outside=false inside=true written=true"
	}
	if string(out) != want {
		t.Errorf("got  %s\nwant %s", out, want)
	}
}

// OpenSSH's client is the one people have.
func TestM212OpenSSHClient(t *testing.T) {
	dir := folder(t)
	program := filepath.Join(t.TempDir(), "server")
	script := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s'\n", serveVariable, dir, os.Args[0])
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	local := t.TempDir()
	if err := os.WriteFile(filepath.Join(local, "up.cer"), []byte("uploaded"), 0o600); err != nil {
		t.Fatal(err)
	}
	batch := strings.Join([]string{
		"-get /etc/passwd", "-get ../secret", "-get own.key", "-mkdir sub",
		"put -p up.cer", "rename up.cer renamed.cer", "get xmpp.csr", "ls -l", "pwd",
	}, "\n")
	cmd := exec.Command("sftp", "-q", "-b", "-", "-D", program)
	cmd.Dir, cmd.Stdin = local, strings.NewReader(batch)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{
		`File "/etc/passwd" not found`, `File "/../secret" not found`, "Permission denied", "renamed.cer", "Remote working directory: /\n",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("sftp does not print %q:\n%s", want, out)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "renamed.cer"): "uploaded", filepath.Join(local, "xmpp.csr"): "request",
	} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v; want %q", filepath.Base(path), got, err, want)
		}
	}
	for _, name := range []string{"passwd", "secret", "own.key"} {
		if _, err := os.Stat(filepath.Join(local, name)); err == nil {
			t.Errorf("%s was fetched", name)
		}
	}
}

// Package bustest gives a test a message bus of its own.
//
// It starts a private dbus-daemon in a temporary folder and points
// $DBUS_SYSTEM_BUS_ADDRESS at it, so that everything that speaks to the system
// bus in the test speaks to it. Tests that use it can not run in parallel
// within one package, because the environment is one.
package bustest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// configuration is that of a system bus with the policy filled in.
const configuration = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
%s
</busconfig>
`

// open lets every user of the machine connect, own, send and receive: the
// services' own access rules are what most tests look at.
const open = `  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>`

// Start starts an open bus for the length of the test and returns its address,
// which is also in $DBUS_SYSTEM_BUS_ADDRESS. It needs Debian's dbus-daemon
// package.
func Start(t testing.TB) string {
	t.Helper()
	return StartWith(t, open)
}

// StartWith is Start with elements of a busconfig as the bus's whole policy.
func StartWith(t testing.TB, policy string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // a socket path must be short; t.TempDir's may not be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "bus.conf")
	text := fmt.Sprintf(configuration, filepath.Join(dir, "socket"), policy)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	address := launch(t, config)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	return address
}

func launch(t testing.TB, config string) (address string) {
	t.Helper()
	cmd := exec.Command("dbus-daemon", "--nofork", "--print-address=1", "--config-file="+config)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting dbus-daemon: %v", err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		cmd.Wait()
		t.Fatalf("reading the address of dbus-daemon: %v\n%s", err, complaints.String())
	}
	return strings.TrimSpace(line)
}

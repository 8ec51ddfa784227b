package bus_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// TestMain lets the test binary run once more as another user.
func TestMain(m *testing.M) {
	if os.Getenv("BUS_TEST_CALLER") != "" {
		callAsStranger()
		return
	}
	os.Exit(m.Run())
}

// callAsStranger prints the fault code of one read and one change.
func callAsStranger() {
	c, err := bus.Dial()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, read := c.Xmpp().Status(ctx)
	_, properties := c.Xmpp().Properties(ctx)
	change := c.Xmpp().SetDomain(ctx, "evil.example")
	fmt.Println(fault.CodeOf(read), fault.CodeOf(properties), fault.CodeOf(change))
}

func TestStrangerMayDoNothing(t *testing.T) {
	bustest.Start(t)
	impl, _, changes := serveXmpp(t)
	if got, want := asStranger(t), "NotPermitted NotPermitted NotPermitted"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if c := <-changes; c.Method != "SetDomain" || c.Caller.UID != 65534 || c.Caller.Role != bus.None || fault.CodeOf(c.Err) != fault.NotPermitted {
		t.Errorf("journaled: %+v", c)
	}
	if len(impl.asks()) != 0 {
		t.Errorf("the service was asked: %v", impl.asks())
	}
}

// The policy files of the image, under the defaults of a Debian system bus,
// already keep a stranger's call from reaching the service.
func TestPolicyFiles(t *testing.T) {
	policy := `  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
  </policy>
`
	for _, name := range []string{bus.XmppName, bus.ConfigName, bus.CertificatesName, bus.CallBridgeName, bus.FirewallName} {
		path, err := filepath.Abs("../../config/dbus/" + name + ".conf")
		if err != nil {
			t.Fatal(err)
		}
		policy += "  <include>" + path + "</include>\n"
	}
	// Only the image has the services' users; here root stands for the owner.
	policy += `  <policy user="root"><allow own="org.quorate.Xmpp1"/></policy>`
	bustest.StartWith(t, policy)
	impl, _, changes := serveXmpp(t)
	if err := dial(t).Xmpp().SetDomain(t.Context(), "meet.example"); err != nil {
		t.Errorf("root: %v", err)
	}
	<-changes
	if got, want := asStranger(t), "NotPermitted NotPermitted NotPermitted"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(changes) != 0 || len(impl.asks()) != 1 {
		t.Errorf("a stranger's call came through: %v", impl.asks())
	}
}

// asStranger runs callAsStranger as nobody and returns what it printed.
func asStranger(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(copySelf(t))
	cmd.Env = append(os.Environ(), "BUS_TEST_CALLER=1")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// copySelf puts the test binary where another user may run it.
func copySelf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "caller")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	path := filepath.Join(dir, "caller")
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

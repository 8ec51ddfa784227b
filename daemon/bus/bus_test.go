package bus_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

func serveXmpp(t *testing.T) (*fakeXmpp, *bus.XmppObject, chan bus.Change) {
	t.Helper()
	impl := &fakeXmpp{joining: make(chan struct{}), joined: make(chan struct{})}
	changes := make(chan bus.Change, 32)
	object, err := dial(t).ServeXmpp(impl, bus.XmppProperties{State: "STANDALONE"}, func(c bus.Change) { changes <- c })
	if err != nil {
		t.Fatal(err)
	}
	return impl, object, changes
}

func TestXmppEveryMethod(t *testing.T) {
	bustest.Start(t)
	impl, _, _ := serveXmpp(t)
	x, ctx := dial(t).Xmpp(), t.Context()
	close(impl.joined)
	if got, err := x.ClusterStatus(ctx); err != nil || !cmp.Equal(got, clusterStatus) {
		t.Errorf("ClusterStatus: %v\n%s", err, cmp.Diff(clusterStatus, got))
	}
	if got, err := x.Status(ctx); err != nil || got.Domain != "meet.example" || got.ClientPort != 5222 || len(got.Listen) != 2 {
		t.Errorf("Status: %v, %+v", err, got)
	}
	if got, err := x.Preflight(ctx); err != nil || len(got) != 2 || got[1].Remedy != "xmpp certs" {
		t.Errorf("Preflight: %v, %+v", err, got)
	}
	if got, err := x.Applied(ctx, 4); err != nil || len(got) != 1 || !got[0].OK {
		t.Errorf("Applied: %v, %+v", err, got)
	}
	if got, err := x.CallBridgeAdd(ctx, "cb1"); err != nil || got != "s3cret" {
		t.Errorf("CallBridgeAdd: %v, %q", err, got)
	}
	if got, err := x.CallBridges(ctx); err != nil || len(got) != 1 || got[0].Secret != "root" {
		t.Errorf("CallBridges: %v, %+v", err, got)
	}
	if got, err := x.Users(ctx); err != nil || len(got) != 0 {
		t.Errorf("Users: %v, %+v", err, got)
	}
	if got, err := x.Domains(ctx); err != nil || len(got) != 1 || got[0].Users != 3 {
		t.Errorf("Domains: %v, %+v", err, got)
	}
	if got, err := x.ClusterRecover(ctx, true); err != nil || got != "what two nodes knew" {
		t.Errorf("ClusterRecover: %v, %q", err, got)
	}
	for _, err := range []error{
		x.CallBridgeAddSecret(ctx, "cb2", "z"), x.CallBridgeDel(ctx, "cb2"), x.DomainAdd(ctx, "d"), x.DomainDel(ctx, "d"), x.UserAdd(ctx, "u", "p"), x.UserPasswd(ctx, "u", "q"),
		x.UserDel(ctx, "u"), x.ClusterEnable(ctx), x.ClusterInitialize(ctx), x.ClusterJoin(ctx, "cb1"), x.ClusterRemove(ctx, ""),
		x.ClusterDisable(ctx), x.Reset(ctx, true),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"CallBridgeAdd cb1 ", "CallBridgeAddSecret cb2 z ", "CallBridgeDel cb2 ", "DomainAdd d ", "DomainDel d ", "UserAdd u p ", "UserPasswd u q ", "UserDel u ",
		"ClusterEnable ", "ClusterInitialize ", "ClusterJoin cb1 ", "ClusterRemove  ", "ClusterDisable ", "Reset force "}
	if diff := cmp.Diff(want, impl.asks()); diff != "" {
		t.Error(diff)
	}
}

func TestFaultKeepsMessageAndRemedy(t *testing.T) {
	bustest.Start(t)
	serveXmpp(t)
	err := dial(t).Xmpp().SetDomain(t.Context(), "bad domain")
	want := error(fault.Mend(fault.InvalidArgument, "bad domain is not a domain", "xmpp domain <name>"))
	if diff := cmp.Diff(want, err); diff != "" {
		t.Error(diff)
	}
}

func TestAbsentServiceIsUnavailable(t *testing.T) {
	bustest.Start(t)
	c := dial(t)
	_, xmpp := c.Xmpp().Status(t.Context())
	_, config := c.Config().Values(t.Context())
	_, certs := c.Certificates().List(t.Context())
	_, host := c.Machine().Hostname(t.Context())
	for _, err := range []error{xmpp, config, certs, host, c.Machine().Power(t.Context(), "reboot"), c.Machine().UnitAction(t.Context(), "quorate-xmpp.service", "start")} {
		if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "is not running") {
			t.Errorf("got %v", err)
		}
	}
}

func TestNoBusIsUnavailable(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	if _, err := bus.Dial(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestLongCallHoldsNothingUp(t *testing.T) {
	bustest.Start(t)
	impl, _, _ := serveXmpp(t)
	x := dial(t).Xmpp()
	result := make(chan error, 1)
	go func() { result <- x.ClusterJoin(t.Context(), "cb1") }()
	<-impl.joining
	if _, err := x.Status(t.Context()); err != nil {
		t.Errorf("a call beside a long one: %v", err)
	}
	close(impl.joined)
	if err := <-result; err != nil {
		t.Error(err)
	}
}

func TestCloseEndsCallsInProgress(t *testing.T) {
	bustest.Start(t)
	impl := &fakeXmpp{joining: make(chan struct{}), joined: make(chan struct{})}
	server := dial(t)
	if _, err := server.ServeXmpp(impl, bus.XmppProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	x := dial(t).Xmpp()
	go func() { result <- x.ClusterJoin(t.Context(), "cb1") }()
	<-impl.joining
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("got %v", err)
	}
}

func TestCallerGivesUp(t *testing.T) {
	bustest.Start(t)
	impl, _, _ := serveXmpp(t)
	x := dial(t).Xmpp()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- x.ClusterJoin(ctx, "cb1") }()
	<-impl.joining
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(impl.joined)
}

func TestSecondOwnerIsRefused(t *testing.T) {
	bustest.Start(t)
	serveXmpp(t)
	_, err := dial(t).ServeXmpp(&fakeXmpp{}, bus.XmppProperties{}, nil)
	if fault.CodeOf(err) != fault.Exists {
		t.Errorf("got %v", err)
	}
}

func TestChangesAreJournaledWithoutSecrets(t *testing.T) {
	bustest.Start(t)
	_, _, changes := serveXmpp(t)
	x := dial(t).Xmpp()
	if err := x.CallBridgeAddSecret(t.Context(), "cb1", "hunter2"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Status(t.Context()); err != nil { // a read is not journaled
		t.Fatal(err)
	}
	x.SetDomain(t.Context(), "bad domain")
	first, second := <-changes, <-changes
	if first.Method != "CallBridgeAddSecret" || first.Args != `name="cb1" secret=…` || first.Err != nil || first.Caller.UID != uint32(os.Geteuid()) || first.Caller.PID == 0 {
		t.Errorf("first: %+v", first)
	}
	if second.Method != "SetDomain" || fault.CodeOf(second.Err) != fault.InvalidArgument {
		t.Errorf("second: %+v", second)
	}
}

func TestPropertiesAndWatch(t *testing.T) {
	bustest.Start(t)
	c := dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	ticks, err := c.Xmpp().Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, object, _ := serveXmpp(t)
	<-ticks // the service came
	if p, err := c.Xmpp().Properties(t.Context()); err != nil || p.State != "STANDALONE" {
		t.Errorf("first: %v, %+v", err, p)
	}
	want := bus.XmppProperties{State: "LEADER", Leader: "aa", Term: 2, Enabled: true, Linked: []string{"cb2"}}
	if err := object.Publish(want); err != nil {
		t.Fatal(err)
	}
	for range ticks {
		got, err := c.Xmpp().Properties(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if cmp.Equal(got, want) {
			break
		}
	}
	cancel()
	for range ticks { // closes when its context ends
	}
}

// busctl is how an administrator looks without our own tools.
func TestBusctlIntrospects(t *testing.T) {
	address := bustest.Start(t)
	serveXmpp(t)
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"introspect", bus.XmppName, "/org/quorate/Xmpp1", bus.XmppName}, []string{".ClusterJoin", "method", ".State", `"STANDALONE"`, "emits-change"}},
		{[]string{"tree", bus.XmppName}, []string{"/org/quorate/Xmpp1"}},
		{[]string{"call", bus.XmppName, "/org/quorate/Xmpp1", bus.XmppName, "ClusterStatus"}, []string{`"state" s "LEADER"`}},
		{[]string{"get-property", bus.XmppName, "/org/quorate/Xmpp1", bus.XmppName, "Term"}, []string{"t 0"}},
	} {
		out, err := exec.Command("busctl", append([]string{"--address=" + address, "--no-pager"}, tt.args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("busctl %v: %v\n%s", tt.args, err, out)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("busctl %v lacks %q:\n%s", tt.args, want, out)
			}
		}
	}
	out, err := exec.Command("busctl", "--address="+address, "call", bus.XmppName, "/org/quorate/Xmpp1", bus.XmppName, "SetDomain", "s", "bad domain").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "bad domain is not a domain") {
		t.Errorf("a refusal by busctl: %v\n%s", err, out)
	}
	out, err = exec.Command("busctl", "--address="+address, "call", bus.XmppName, "/org/quorate/Xmpp1", bus.XmppName, "SetDomain", "i", "1").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "takes (s), not (i)") {
		t.Errorf("a wrong signature by busctl: %v\n%s", err, out)
	}
}

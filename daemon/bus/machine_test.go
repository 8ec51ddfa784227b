package bus_test

import (
	"slices"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// fakeSystem plays systemd1, hostname1 and login1.
type fakeSystem struct {
	conn *dbus.Conn

	mu    sync.Mutex
	asked []string
	jobs  int
}

func (f *fakeSystem) note(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, s)
}

func (f *fakeSystem) asks() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

// job answers with a path and then ends the job, as the manager does, after
// that of a job nobody asked about.
func (f *fakeSystem) job(unit, result string) (dbus.ObjectPath, *dbus.Error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.jobs += 2
	other, job := dbus.ObjectPath("/job/other"), dbus.ObjectPath("/job/own")
	const signal = "org.freedesktop.systemd1.Manager.JobRemoved"
	f.conn.Emit("/org/freedesktop/systemd1", signal, uint32(f.jobs), other, "x.service", "failed")
	f.conn.Emit("/org/freedesktop/systemd1", signal, uint32(f.jobs+1), job, unit, result)
	return job, nil
}

func (f *fakeSystem) StartUnit(unit, _ string) (dbus.ObjectPath, *dbus.Error) {
	if unit == "none.service" {
		return "", dbus.NewError("org.freedesktop.systemd1.NoSuchUnit", []any{"Unit none.service not found."})
	}
	f.note("start " + unit)
	return f.job(unit, "done")
}

func (f *fakeSystem) RestartUnit(unit, _ string) (dbus.ObjectPath, *dbus.Error) {
	return f.job(unit, "failed")
}

func (f *fakeSystem) EnableUnitFiles(units []string, _, _ bool) (bool, []struct{ A, B, C string }, *dbus.Error) {
	f.note("enable " + units[0])
	return true, nil, nil
}

func (f *fakeSystem) DisableUnitFiles(units []string, _ bool) ([]struct{ A, B, C string }, *dbus.Error) {
	f.note("disable " + units[0])
	return nil, nil
}

func (f *fakeSystem) Reload() *dbus.Error { f.note("daemon-reload"); return nil }

func (f *fakeSystem) ResetFailedUnit(unit string) *dbus.Error {
	f.note("reset-failed " + unit)
	return nil
}

type unitRow struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

func (f *fakeSystem) ListUnitsByPatterns(_, patterns []string) ([]unitRow, *dbus.Error) {
	return []unitRow{{Name: patterns[0], Description: "XMPP", Load: "loaded", Active: "active", Sub: "running", Path: "/u", JobPath: "/"}}, nil
}

func (f *fakeSystem) Reboot(bool) *dbus.Error { f.note("reboot"); return nil }

func (f *fakeSystem) PowerOff(bool) *dbus.Error {
	return dbus.NewError("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", []any{"Interactive authentication required."})
}

func (f *fakeSystem) SetStaticHostname(name string, _ bool) *dbus.Error {
	f.note("hostname " + name)
	return nil
}

func (f *fakeSystem) Get(_, property string) (dbus.Variant, *dbus.Error) {
	return dbus.MakeVariant(map[string]string{"Hostname": "cb1"}[property]), nil
}

func startSystem(t *testing.T) *fakeSystem {
	t.Helper()
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f := &fakeSystem{conn: conn}
	for _, o := range []struct{ name, path, iface string }{
		{"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"},
		{"org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"},
		{"org.freedesktop.hostname1", "/org/freedesktop/hostname1", "org.freedesktop.hostname1"},
		{"org.freedesktop.hostname1", "/org/freedesktop/hostname1", "org.freedesktop.DBus.Properties"},
	} {
		if err := conn.Export(f, dbus.ObjectPath(o.path), o.iface); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.RequestName(o.name, dbus.NameFlagDoNotQueue); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestMachine(t *testing.T) {
	bustest.Start(t)
	f := startSystem(t)
	m, ctx := dial(t).Machine(), t.Context()
	for _, err := range []error{
		m.UnitAction(ctx, "quorate-xmpp.service", "start"), m.UnitAction(ctx, "ssh.service", "enable"), m.UnitAction(ctx, "ssh.service", "disable"),
		m.UnitAction(ctx, "ssh.service", "reset-failed"), m.Power(ctx, "reboot"), m.SetHostname(ctx, "cb2"),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{"start quorate-xmpp.service", "enable ssh.service", "daemon-reload", "disable ssh.service", "daemon-reload", "reset-failed ssh.service", "reboot", "hostname cb2"}
	if diff := cmp.Diff(want, f.asks()); diff != "" {
		t.Error(diff)
	}
	if units, err := m.Units(ctx, []string{"quorate-xmpp.service"}); err != nil || !cmp.Equal(units, []bus.Unit{{Name: "quorate-xmpp.service", Description: "XMPP", Load: "loaded", Active: "active", Sub: "running"}}) {
		t.Errorf("%v, %+v", err, units)
	}
	if name, err := m.Hostname(ctx); err != nil || name != "cb1" {
		t.Errorf("%v, %q", err, name)
	}
	for _, tt := range []struct {
		err  error
		want *fault.Error
	}{
		{m.UnitAction(ctx, "quorate-xmpp.service", "restart"), fault.Mend(fault.WrongState, `the job of quorate-xmpp.service ended with "failed"`, "journalctl -u quorate-xmpp.service")},
		{m.UnitAction(ctx, "none.service", "start"), fault.New(fault.NotFound, "Unit none.service not found.")},
		{m.UnitAction(ctx, "ssh.service", "explode"), fault.Mend(fault.InvalidArgument, `unknown unit action "explode"`, "use start, stop, restart, reload, try-restart, reload-or-restart, enable, disable or reset-failed")},
		{m.Power(ctx, "poweroff"), fault.Mend(fault.NotPermitted, "not permitted by the login service: Interactive authentication required.", "sign in as an administrator")},
		{m.Power(ctx, "explode"), fault.Mend(fault.InvalidArgument, `unknown power action "explode"`, "use reboot or poweroff")},
	} {
		if diff := cmp.Diff(error(tt.want), tt.err); diff != "" {
			t.Error(diff)
		}
	}
}

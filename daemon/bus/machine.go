package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// Machine calls the system's own services: units (systemd1), host name
// (hostname1), time zone (timedate1) and power (login1). Only the configuration service uses it. A
// service that is absent is a fault.Unavailable.
type Machine struct{ conn *Conn }

// Machine returns the client of the system's services; it makes no call.
func (c *Conn) Machine() *Machine { return &Machine{c} }

const (
	systemdManager = "org.freedesktop.systemd1.Manager"
	hostnameIface  = "org.freedesktop.hostname1"
	timedateIface  = "org.freedesktop.timedate1"
)

var (
	systemdService  = service{"org.freedesktop.systemd1", "/org/freedesktop/systemd1", "the service manager (systemd)", ""}
	hostnameService = service{hostnameIface, "/org/freedesktop/hostname1", "the host name service", "systemd-hostnamed"}
	timedateService = service{timedateIface, "/org/freedesktop/timedate1", "the time and date service", "systemd-timedated"}
	loginService    = service{loginName, loginPath, "the login service", "systemd-logind"}
)

// Origin returns where the login session of a process comes from: a remote host or
// a terminal, and nothing when it has none.
func (m *Machine) Origin(ctx context.Context, pid uint32) string { return m.conn.origin(ctx, pid) }

// unitJobs are the actions that queue a job, by the manager's method.
var unitJobs = map[string]string{
	"start": "StartUnit", "stop": "StopUnit", "restart": "RestartUnit", "reload": "ReloadUnit",
	"try-restart": "TryRestartUnit", "reload-or-restart": "ReloadOrRestartUnit",
}

// UnitAction runs start, stop, restart, reload, try-restart, reload-or-restart,
// enable, disable or reset-failed on a unit. A job is waited for; its failure is
// a fault.WrongState.
func (m *Machine) UnitAction(ctx context.Context, unit, action string) error {
	if method, ok := unitJobs[action]; ok {
		return m.runJob(ctx, method, unit)
	}
	switch action {
	case "enable":
		return m.unitFiles(ctx, "EnableUnitFiles", []any{[]string{unit}, false, false})
	case "disable":
		return m.unitFiles(ctx, "DisableUnitFiles", []any{[]string{unit}, false})
	case "reset-failed":
		return m.systemd(ctx, "ResetFailedUnit", []any{unit})
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("unknown unit action %q", action),
		"use start, stop, restart, reload, try-restart, reload-or-restart, enable, disable or reset-failed")
}

// runJob queues a job and waits for its JobRemoved. The match is added before
// the call, so the signal can not be missed; systemd sends it to the client
// that queued the job without a subscription.
func (m *Machine) runJob(ctx context.Context, method, unit string) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	signals := make(chan *dbus.Signal, 64)
	m.conn.raw.Signal(signals)
	defer m.conn.raw.RemoveSignal(signals)
	match := []dbus.MatchOption{dbus.WithMatchInterface(systemdManager), dbus.WithMatchMember("JobRemoved")}
	if err := m.conn.raw.AddMatchSignalContext(ctx, match...); err != nil {
		return decodeError(ctx, systemdService, err)
	}
	defer func() { _ = m.conn.raw.RemoveMatchSignal(match...) }()
	var job dbus.ObjectPath
	if err := m.systemd(ctx, method, []any{unit, "replace"}, &job); err != nil {
		return err
	}
	result, err := awaitJob(ctx, signals, job)
	if err != nil {
		return fault.Mend(fault.Timeout, "the job of "+unit+" is still running", "systemctl status "+unit)
	}
	if result != "done" && result != "skipped" {
		return fault.Mend(fault.WrongState, fmt.Sprintf("the job of %s ended with %q", unit, result), "journalctl -u "+unit)
	}
	return nil
}

// Begin queues the start of a unit and waits for nothing.
func (m *Machine) Begin(ctx context.Context, unit string) error {
	var job dbus.ObjectPath
	return m.systemd(ctx, "StartUnit", []any{unit, "replace"}, &job)
}

// Busy says whether a unit whose name matches the pattern starts, stops or waits
// to: for one that runs once and ends, whether it runs.
func (m *Machine) Busy(ctx context.Context, pattern string) (bool, error) {
	rows, err := m.list(ctx, []string{pattern})
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(rows, func(r unitRow) bool { return r.Job != 0 || r.Active == "activating" }), nil
}

func awaitJob(ctx context.Context, signals <-chan *dbus.Signal, job dbus.ObjectPath) (result string, err error) {
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case s, ok := <-signals:
			if !ok {
				return "", dbus.ErrClosed
			}
			// JobRemoved(u id, o job, s unit, s result)
			if s.Name == systemdManager+".JobRemoved" && len(s.Body) == 4 && s.Body[1] == job {
				result, _ := s.Body[3].(string)
				return result, nil
			}
		}
	}
}

// Forget removes the state folder of a service (systemctl clean --what=state)
// while it is stopped, and starts it again.
func (m *Machine) Forget(ctx context.Context, unit string) error {
	if err := m.runJob(ctx, "StopUnit", unit); err != nil {
		return err
	}
	cleaned := m.systemd(ctx, "CleanUnit", []any{unit, []string{"state"}})
	return errors.Join(cleaned, m.runJob(ctx, "StartUnit", unit))
}

func (m *Machine) unitFiles(ctx context.Context, method string, args []any) error {
	if err := m.systemd(ctx, method, args); err != nil {
		return err
	}
	return m.systemd(ctx, "Reload", nil)
}

// unitRow is one of the a(ssssssouso) that ListUnitsByPatterns answers.
type unitRow struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

func (m *Machine) list(ctx context.Context, patterns []string) (rows []unitRow, err error) {
	err = m.systemd(ctx, "ListUnitsByPatterns", []any{[]string{}, patterns}, &rows)
	return rows, err
}

// Units lists the units whose names match any of the shell patterns.
func (m *Machine) Units(ctx context.Context, patterns []string) ([]Unit, error) {
	rows, err := m.list(ctx, patterns)
	if err != nil {
		return nil, err
	}
	units := make([]Unit, len(rows))
	for i, r := range rows {
		units[i] = Unit{Name: r.Name, Description: r.Description, Load: r.Load, Active: r.Active, Sub: r.Sub}
	}
	return units, nil
}

// Power acts on the machine: "reboot" or "poweroff".
func (m *Machine) Power(ctx context.Context, act string) error {
	method, ok := map[string]string{"reboot": "Reboot", "poweroff": "PowerOff"}[act]
	if !ok {
		return fault.Mend(fault.InvalidArgument, fmt.Sprintf("unknown power action %q", act), "use reboot or poweroff")
	}
	return m.conn.call(ctx, work, loginService, loginManager, loginPath, method, []any{false})
}

// SetHostname sets the static host name, which also becomes the transient one.
func (m *Machine) SetHostname(ctx context.Context, name string) error {
	return m.conn.call(ctx, work, hostnameService, hostnameIface, hostnameService.path, "SetStaticHostname", []any{name, false})
}

// Hostname returns the static host name, or the transient one when none is set.
func (m *Machine) Hostname(ctx context.Context) (string, error) {
	for _, property := range []string{"StaticHostname", "Hostname"} {
		var v dbus.Variant
		err := m.conn.call(ctx, quick, hostnameService, propertiesInterface, hostnameService.path, "Get", []any{hostnameIface, property}, &v)
		if err != nil {
			return "", err
		}
		if s, _ := v.Value().(string); s != "" {
			return s, nil
		}
	}
	return "", fault.Mend(fault.NotFound, "no host name is set", "hostname <name>")
}

// SetTimezone sets the time zone. A name that the database does not have is a
// fault.InvalidArgument.
func (m *Machine) SetTimezone(ctx context.Context, zone string) error {
	return m.conn.call(ctx, work, timedateService, timedateIface, timedateService.path, "SetTimezone", []any{zone, false})
}

// Timezone returns the name of the time zone.
func (m *Machine) Timezone(ctx context.Context) (string, error) {
	var v dbus.Variant
	err := m.conn.call(ctx, quick, timedateService, propertiesInterface, timedateService.path, "Get", []any{timedateIface, "Timezone"}, &v)
	zone, _ := v.Value().(string)
	return zone, err
}

func (m *Machine) systemd(ctx context.Context, method string, args []any, results ...any) error {
	return m.conn.call(ctx, work, systemdService, systemdManager, systemdService.path, method, args, results...)
}

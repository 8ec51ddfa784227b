package upgrade

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// ReportPath is where the report of this machine is.
const ReportPath = "/run/quorate-upgrade/report.json"

// KeysPath is where the public keys of those who may sign updates are.
const KeysPath = "/usr/share/quorate/update.pem"

// ReadReport returns the report in a file. A machine without one is no
// appliance.
func ReadReport(path string) (bus.Upgrade, error) {
	var r bus.Upgrade
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fault.Mend(fault.Unavailable, "nothing is known of versions: this is no appliance, or it has just started", "systemctl start quorate-upgrade@status")
	}
	if err != nil {
		return r, fmt.Errorf("reading the report on versions: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("reading the report on versions: %w", err)
	}
	return r, nil
}

// tell replaces the report; a reader sees one or the other.
func (m *Machine) tell() error {
	data, err := json.Marshal(m.report)
	if err != nil {
		return fmt.Errorf("writing the report on versions: %w", err)
	}
	next := filepath.Join(filepath.Dir(m.Report), ".report.new")
	if err := errors.Join(os.WriteFile(next, data, 0o644), os.Rename(next, m.Report)); err != nil {
		return fmt.Errorf("writing the report on versions: %w", err)
	}
	return nil
}

// phase tells how far an act is. That it can not be told does not stop the act.
func (m *Machine) phase(text string, percent int) {
	if m.report.Phase == text && m.report.Percent == percent {
		return
	}
	m.report.Phase, m.report.Percent = text, percent
	if err := m.tell(); err != nil {
		m.Log.Warn("telling how far it is", "error", err)
	}
}

// act runs one act and reports its beginning and its end. A refusal is an end
// that was told, not a failure of this program.
func (m *Machine) act(name string, do func() (text string, err error)) error {
	m.report = bus.Upgrade{Act: name, Phase: "begins", Running: m.Version, Next: m.Version}
	if err := m.tell(); err != nil {
		return err
	}
	text, err := do()
	if _, lookErr := m.look(); lookErr != nil {
		err = errors.Join(err, lookErr)
	}
	m.report.Phase, m.report.Percent, m.report.Text = bus.UpgradeDone, 100, text
	var refusal *fault.Error
	switch {
	case errors.As(err, &refusal):
		m.report.Code, m.report.Text, m.report.Remedy = string(refusal.Code), refusal.Message, refusal.Remedy
		m.Log.Warn(name + ": " + refusal.Message)
		err = nil
	case err != nil:
		m.report.Code, m.report.Text, m.report.Remedy = string(fault.Internal), err.Error(), "journalctl -t upgrade"
	}
	return errors.Join(err, m.tell())
}

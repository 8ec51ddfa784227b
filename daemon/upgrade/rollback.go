package upgrade

import (
	"fmt"
	"log/slog"
	"slices"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/update"
)

// Rollback makes the version that does not run the one that starts, from the
// next start of the machine on.
func (m *Machine) Rollback() error {
	return m.act("rollback", m.rollback)
}

func (m *Machine) rollback() (string, error) {
	list, err := m.started()
	if err != nil {
		return "", err
	}
	other, ok := m.other(list)
	if !ok {
		return "", fault.Mend(fault.WrongState, fmt.Sprintf("version %s is the only one on this node", m.Version), "upgrade <file>")
	}
	if m.report.Next == other.version {
		return "", fault.Mend(fault.WrongState, fmt.Sprintf("version %s starts already when the node restarts", other.version), "reboot")
	}
	if err := m.prefer(other, list); err != nil {
		return "", err
	}
	m.Log.Warn(fmt.Sprintf("rolled back from version %s to version %s", m.Version, other.version), slog.String("version", other.version), journal.ID(journal.UpgradeRolledBack))
	return fmt.Sprintf("version %s starts when the node restarts", other.version), nil
}

// prefer lets the boot loader take an image: one that is spent gets new tries,
// and a later one that runs is set aside. In this order, so that at any moment
// there is one to start.
func (m *Machine) prefer(i image, list []image) error {
	if i.spent() {
		if err := i.renamed(m.Images, tries); err != nil {
			return err
		}
	}
	at := slices.IndexFunc(list, func(i image) bool { return i.version == m.Version })
	if at < 0 || update.Compare(m.Version, i.version) < 0 {
		return nil
	}
	return list[at].renamed(m.Images, 0)
}

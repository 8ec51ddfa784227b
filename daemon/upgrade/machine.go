package upgrade

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"slices"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// Machine is what an act works on.
type Machine struct {
	Version  string              // that runs
	Images   string              // the folder of kernel images on the EFI system partition; empty without one
	Exchange string              // where updates are uploaded
	Work     string              // private folder the parts are unpacked in; the transfer files name it too
	Report   string              // the file that tells what was found and done
	Keys     []ed25519.PublicKey // who may sign updates

	// Write writes the unpacked parts of a version into the free set: Sysupdate.
	Write func(ctx context.Context, version string) error
	Log   *slog.Logger

	report bus.Upgrade
}

// Look finds out what is installed, journals what has failed, and tells it.
func (m *Machine) Look() error {
	list, err := m.look()
	if err != nil {
		return err
	}
	for _, i := range list {
		if i.failed() && i.version != m.Version {
			m.Log.Error(fmt.Sprintf("version %s did not come up in %d starts and was undone: version %s runs", i.version, i.done, m.Version),
				slog.String("version", i.version), journal.ID(journal.UpgradeUndone))
		}
	}
	return m.tell()
}

// look reads the kernel images into the report.
func (m *Machine) look() ([]image, error) {
	m.report.Running, m.report.Next, m.report.Versions = m.Version, m.Version, nil
	if m.Images == "" {
		return nil, nil
	}
	list, err := images(m.Images)
	if err != nil {
		return nil, err
	}
	m.report.Next = next(list)
	for _, i := range list {
		state, text := i.state(m.Version)
		m.report.Versions = append(m.report.Versions, bus.Version{Version: i.version, State: state, Text: text})
	}
	return list, nil
}

// other returns the image of the version that does not run.
func (m *Machine) other(list []image) (image, bool) {
	at := slices.IndexFunc(list, func(i image) bool { return i.version != m.Version })
	if at < 0 {
		return image{}, false
	}
	return list[at], true
}

// started looks whether the boot loader is in charge of this machine at all.
func (m *Machine) started() ([]image, error) {
	if m.Images == "" {
		return nil, fault.Mend(fault.WrongState, "this machine was not started by its boot loader: another version would never start",
			"start it from its disk, by UEFI")
	}
	return m.look()
}

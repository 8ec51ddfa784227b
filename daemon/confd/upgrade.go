package confd

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"regexp"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/update"
	"quorate.org/daemon/upgrade"
)

// upgradeUnits are the runs of the one program that may write a version; what it
// is to do is the name of the instance.
const upgradeUnits = "quorate-upgrade@*.service"

// updateNames are those that are fit for the name of a unit.
var updateNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,120}\` + update.Suffix + `$`)
})

// Upgrades tells the versions on this node, the updates in the exchange folder,
// and how far an upgrade is.
func (s *Service) Upgrades(ctx context.Context) (bus.Upgrade, error) {
	busy, err := s.Machine.Busy(ctx, upgradeUnits)
	if err != nil && fault.CodeOf(err) != fault.Unavailable {
		return bus.Upgrade{}, err
	}
	// Read after that: what is not busy any more has told how it ended.
	u, err := upgrade.ReadReport(s.Report)
	if err != nil {
		return u, err
	}
	u.Busy = busy
	if !busy && u.Act != "" && u.Phase != bus.UpgradeDone {
		u.Phase, u.Code, u.Text, u.Remedy = bus.UpgradeDone, string(fault.Internal), "it ended before it was done; nothing was changed that runs", "journalctl -t upgrade"
	}
	u.Updates, err = s.updates()
	return u, err
}

// updates lists those in the exchange folder.
func (s *Service) updates() ([]bus.Update, error) {
	files, err := os.ReadDir(s.Exchange)
	if err != nil {
		return nil, fmt.Errorf("reading exchange folder: %w", err)
	}
	text, err := os.ReadFile(s.UpdateKeys)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of updates: %w", err)
	}
	keys, err := update.Keys(text)
	if err != nil {
		return nil, err
	}
	var list []bus.Update
	for _, f := range files {
		if updateNames().MatchString(f.Name()) {
			list = append(list, s.describeUpdate(f.Name(), keys))
		}
	}
	return list, nil
}

func (s *Service) describeUpdate(name string, keys []ed25519.PublicKey) bus.Update {
	u := bus.Update{File: name}
	f, err := upgrade.OpenFile(s.Exchange, name)
	if err != nil {
		u.Problem = reason(err)
		return u
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		u.Size = info.Size()
	}
	opened, err := update.Open(f, keys)
	if err != nil {
		u.Problem = reason(err)
		return u
	}
	u.Version = opened.Manifest.Version
	return u
}

// Upgrade begins to install an update.
func (s *Service) Upgrade(ctx context.Context, _ bus.Caller, file string) error {
	if !updateNames().MatchString(file) {
		return fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not the name of an update", file), "one has letters, digits, dots, _ and -, and ends in "+update.Suffix)
	}
	f, err := upgrade.OpenFile(s.Exchange, file)
	if err != nil {
		return err
	}
	f.Close()
	return s.begin(ctx, file)
}

// UpgradeRollback begins to make the other version the one that starts.
func (s *Service) UpgradeRollback(ctx context.Context, _ bus.Caller) error {
	return s.begin(ctx, "rollback")
}

// begin has systemd start the program, unless it runs already.
func (s *Service) begin(ctx context.Context, what string) error {
	busy, err := s.Machine.Busy(ctx, upgradeUnits)
	if err != nil {
		return err
	}
	if busy {
		return fault.Mend(fault.WrongState, "an upgrade or rollback is under way", "upgrade status")
	}
	return s.Machine.Begin(ctx, "quorate-upgrade@"+what+".service")
}

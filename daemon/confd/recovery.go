package confd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// RecoveryPath is where quorate-diskkey keeps the key of an encrypted disk: on it.
// UnlockedPath is there when the initrd has opened such a disk.
const (
	RecoveryPath = "/var/lib/quorate/disk/recovery-key"
	UnlockedPath = "/run/quorate/unlocked"
)

// RecoveryKey returns the key that opens the encrypted disk when the TPM does not,
// and journals who was shown it.
func (s *Service) RecoveryKey(_ context.Context, who bus.Caller) (string, error) {
	key, err := os.ReadFile(s.Recovery)
	if errors.Is(err, fs.ErrNotExist) {
		return "", s.keyless()
	}
	if err != nil {
		return "", fmt.Errorf("reading recovery key: %w", err)
	}
	s.Log.Warn(who.String()+" was shown the recovery key of the disk", slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.RecoveryKeyShown))
	return strings.TrimSpace(string(key)), nil
}

// keyless says why there is no recovery key.
func (s *Service) keyless() error {
	if _, err := os.Lstat(s.Unlocked); err == nil {
		return fault.Mend(fault.UnitFailed, "the disk of this node is encrypted, but its recovery key was not made",
			"systemctl restart quorate-diskkey makes it; journalctl -u quorate-diskkey says what went wrong")
	}
	return fault.Mend(fault.NotFound, "the disk of this node is not encrypted: its machine had no TPM 2.0 when it was made",
		"give the machine one, then backup snapshot, factory_reset full and backup rollback")
}

package account

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock has the processes of other connections wait until unlock.
func (s *Server) lock(name string) (unlock func(), err error) {
	dir := filepath.Join(s.Root, "/run/quorate/account")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("waiting for other changes: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("waiting for other changes: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("waiting for other changes: %w", err)
	}
	return func() { _ = f.Close() }, nil // and with it goes the lock
}

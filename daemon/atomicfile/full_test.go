package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/smalldisk"
)

// On a disk without room the old file stays whole, nothing is left beside it, and
// the error says what is the matter.
func TestDiskFull(t *testing.T) {
	dir := smalldisk.Mount(t)
	path := filepath.Join(dir, "a")
	if err := Replace(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	empty := smalldisk.Fill(t, dir)
	if err := Replace(path, make([]byte, 8192), 0o600); fault.CodeOf(err) != fault.DiskFull || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("got %v", err)
	}
	if text, err := os.ReadFile(path); string(text) != "old" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, Prefix+"*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	empty()
	if err := Replace(path, make([]byte, 8192), 0o600); err != nil {
		t.Error(err)
	}
}

package file

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/settings"
)

// ownMode is that of a file that was not there before: it may hold secrets.
const ownMode = 0o600

// header stands at the top of the drop-in the service writes.
const header = "Written by the configuration service; `config set` and `config unset` change it.\nAn edit here is read like any other, but its comments do not last."

// OwnText is the text of the service's own drop-in.
func OwnText(raw settings.Raw) []byte { return []byte(settings.DropIn(header, raw)) }

// Write replaces one file of the folder so that a crash at any moment leaves
// the old or the new text whole. The mode of a file that is there is kept, and its owner where this
// process may set it.
func Write(dir, name string, text []byte) error {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("making the folder of %s: %w", name, err)
	}
	if err := replace(path, text); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func replace(path string, text []byte) error {
	return atomicfile.ReplaceAs(path, text, func(f *os.File) error {
		mode := os.FileMode(ownMode)
		if old, err := os.Stat(path); err == nil {
			mode = old.Mode().Perm()
			keepOwner(f, old)
		}
		return f.Chmod(mode)
	})
}

// keepOwner gives f the owner of old. The service runs without the capability to
// do so for any but its own; then the file becomes its own, no more readable
// than before.
func keepOwner(f *os.File, old os.FileInfo) {
	was, ok := old.Sys().(*syscall.Stat_t)
	if ok && (int(was.Uid) != os.Geteuid() || int(was.Gid) != os.Getegid()) {
		_ = f.Chown(int(was.Uid), int(was.Gid))
	}
}

// Replace makes the folder hold texts by name and no other configuration file.
// Each file is replaced whole; the folder is so when Replace returns nil, and
// Replace can be repeated after a crash in between.
func Replace(dir string, texts map[string][]byte) error {
	names, err := list(dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if err := Write(dir, name, texts[name]); err != nil {
			return err
		}
	}
	for _, name := range names {
		if _, stays := texts[name]; stays {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("removing %s: %w", name, err)
		}
	}
	return nil
}

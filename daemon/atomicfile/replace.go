package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Prefix begins the name of a file that is being written: hidden, so that who
// reads the folder takes it for nothing.
const Prefix = ".quorate-"

// Replace puts data at path with a mode: temporary file, fsync, rename, fsync of
// the folder. The folder must be there.
func Replace(path string, data []byte, mode fs.FileMode) error {
	return ReplaceAs(path, data, func(f *os.File) error { return f.Chmod(mode) })
}

// ReplaceAs is Replace with mode and owner set by dress, before a byte is in the
// file. Until then it is readable by its owner alone.
func ReplaceAs(path string, data []byte, dress func(*os.File) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, Prefix+"*") // mode 0600
	if err != nil {
		return inWords(path, err)
	}
	err = dress(f)
	if err == nil {
		_, err = f.Write(data)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(inWords(path, err), os.Remove(f.Name()))
	}
	return SyncDir(dir)
}

// SyncDir makes what was renamed or removed in a folder outlast a power failure
// (fsync(2): that of the file does not).
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Create makes a file at path with what fill writes and returns its size in
// bytes. It appears when it is whole, and never replaces one that is there, nor
// one that comes meanwhile: that is fs.ErrExist. An error of fill is returned as
// it is, but for a disk without room.
func Create(path string, mode fs.FileMode, fill func(io.Writer) error) (size int64, err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, Prefix+"*")
	if err != nil {
		return 0, inWords(path, err)
	}
	defer os.Remove(f.Name()) // its other name, or what is left of it
	defer f.Close()           // what could fail has been synced by then
	if err := fill(f); err != nil {
		return 0, inWords(path, err)
	}
	if err := errors.Join(f.Chmod(mode), f.Sync()); err != nil {
		return 0, inWords(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if err := os.Link(f.Name(), path); err != nil { // link(2), unlike rename(2), fails when there is a file
		return 0, err
	}
	return info.Size(), SyncDir(dir)
}

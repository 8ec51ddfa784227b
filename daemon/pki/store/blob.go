package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"quorate.org/daemon/fault"
)

// tempPrefix begins the name of a file that is being written. Such a name has
// none of the endings of a certificate file, so no scan takes it.
const tempPrefix = ".quorate-"

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// writeBlob stores data under its hash; a blob that is there already is left alone.
func (s *Store) writeBlob(data []byte) (sum string, err error) {
	sum = sumOf(data)
	if _, err := s.readBlob(sum); err == nil {
		return sum, nil
	}
	if err := replaceFile(s.blobPath(sum), data, 0o600); err != nil {
		return "", fmt.Errorf("storing file: %w", err)
	}
	return sum, nil
}

// readBlob returns a blob and makes sure it is what was stored.
func (s *Store) readBlob(sum string) ([]byte, error) {
	data, err := os.ReadFile(s.blobPath(sum))
	if err != nil {
		return nil, fmt.Errorf("reading certificate store: %w", err)
	}
	if sumOf(data) != sum {
		return nil, fault.Mend(fault.Internal, "a file of the certificate store is damaged on disk", "upload it again under the same name")
	}
	return data, nil
}

// sweep removes blobs and unfinished files that x does not name. It may fail
// without harm: the next publish tries again. An open descriptor stays valid.
func (s *Store) sweep(x *index) {
	named := map[string]bool{}
	for _, e := range x.Files {
		named[e.Blob] = true
	}
	removeIf(s.blobDir(), func(name string) bool { return !named[name] })
	removeIf(s.cfg.Dir, func(name string) bool { return strings.HasPrefix(name, tempPrefix) })
}

func removeIf(dir string, match func(name string) bool) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, f := range files {
		if f.Type().IsRegular() && match(f.Name()) {
			_ = os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

// replaceFile puts data at path so that a reader, or a start after a power
// failure, finds either the old bytes or the new ones: temporary file, fsync,
// rename, fsync of the folder.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

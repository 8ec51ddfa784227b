package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
)

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
	if err := atomicfile.Replace(s.blobPath(sum), data, 0o600); err != nil {
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
	removeIf(s.cfg.Dir, func(name string) bool { return strings.HasPrefix(name, atomicfile.Prefix) })
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

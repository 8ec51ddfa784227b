package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"time"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/pki"
)

// indexVersion is the form of the index file.
const indexVersion = 1

// index names the blobs. A published index is never changed.
type index struct {
	Version int               `json:"version"`
	Files   map[string]entry  `json:"files"`
	Written map[string]string `json:"written"` // exports in the exchange folder: name → SHA-256
}

// entry is one stored file.
type entry struct {
	Kind   pki.Kind  `json:"kind"`
	Blob   string    `json:"blob"`           // SHA-256 of the stored bytes, in hex
	Source string    `json:"source"`         // SHA-256 of the bytes as they were uploaded
	Note   string    `json:"note,omitempty"` // what was repaired or should be known
	Added  time.Time `json:"added"`
}

func newIndex() *index {
	return &index{Version: indexVersion, Files: map[string]entry{}, Written: map[string]string{}}
}

func (x *index) clone() *index {
	return &index{Version: x.Version, Files: maps.Clone(x.Files), Written: maps.Clone(x.Written)}
}

// readIndex reads the index; a store without one is empty.
func readIndex(path string) (*index, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return newIndex(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading certificate index: %w", err)
	}
	x := newIndex()
	if err := json.Unmarshal(data, x); err != nil {
		return nil, fmt.Errorf("reading certificate index %s: %w", path, err)
	}
	if x.Version != indexVersion {
		return nil, fmt.Errorf("reading certificate index %s: version %d is not %d", path, x.Version, indexVersion)
	}
	return x, nil
}

// publish makes next the index, on disk first. Callers hold mu.
func (s *Store) publish(next *index) error {
	data, err := json.MarshalIndent(next, "", "\t")
	if err != nil {
		return fmt.Errorf("encoding certificate index: %w", err)
	}
	if err := atomicfile.Replace(s.indexPath(), data, 0o600); err != nil {
		return fmt.Errorf("writing certificate index: %w", err)
	}
	s.index = next
	s.sweep(next)
	return nil
}

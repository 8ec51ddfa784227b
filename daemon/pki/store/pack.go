package store

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Packed is a stored file outside the store: its name and its bytes, PEM.
type Packed struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// Pack returns every stored file, private keys included.
func (s *Store) Pack() ([]Packed, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := []Packed{}
	for _, name := range slices.Sorted(maps.Keys(s.index.Files)) {
		data, err := s.readBlob(s.index.Files[name].Blob)
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", name, err)
		}
		files = append(files, Packed{name, data})
	}
	return files, nil
}

// Unpacking is what taking packed files in changes.
type Unpacking struct {
	New, Changed, Same []string
	Kept               []string // stored files that are not among the packed ones
}

// Compare checks packed files and says what Unpack would change.
func (s *Store) Compare(files []Packed) (Unpacking, error) {
	in, err := arriving(files)
	if err != nil {
		return Unpacking{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.compare(in)
}

// Unpack takes packed files in, all or none; of the same name they replace the
// stored one, others stay. Nobody judges whether that spoils what is in use:
// going back is what was asked for.
func (s *Store) Unpack(files []Packed) (Report, error) {
	in, err := arriving(files)
	if err != nil {
		return Report{}, err
	}
	s.scanning.Lock()
	defer s.scanning.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range in { // a rejected upload of that name would be taken for a renewal
		if _, lies := s.problems[name]; lies {
			if err := s.hide(name); err != nil {
				return Report{}, err
			}
			delete(s.problems, name)
		}
	}
	report, err := s.put(in, nil, s.index.clone(), nil)
	return report, errors.Join(err, s.showAll(in))
}

// arriving parses packed files.
func arriving(files []Packed) (arrivals, error) {
	in := arrivals{}
	for _, f := range files {
		if err := pki.CheckName(f.Name); err != nil {
			return nil, err
		}
		c, err := pki.ParseFile(f.Name, f.Data)
		if err != nil {
			return nil, fault.New(fault.Incomplete, fmt.Sprintf("%s in the backup can not be used: %v", f.Name, err))
		}
		in[f.Name] = c
	}
	return in, nil
}

// compare runs under mu.
func (s *Store) compare(in arrivals) (u Unpacking, err error) {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		data, err := in[name].PEM()
		if err != nil {
			return u, err
		}
		switch e, had := s.index.Files[name]; {
		case !had:
			u.New = append(u.New, name)
		case e.Blob != sumOf(data):
			u.Changed = append(u.Changed, name)
		default:
			u.Same = append(u.Same, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.index.Files)) {
		if in[name] == nil {
			u.Kept = append(u.Kept, name)
		}
	}
	return u, nil
}

// Clear removes every file of the store, and whatever lies in the exchange
// folder, ours or not.
func (s *Store) Clear() (Report, error) {
	s.scanning.Lock()
	defer s.scanning.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	files, err := os.ReadDir(s.cfg.Exchange) // first: else the next look takes them in again
	if err != nil {
		return Report{}, fmt.Errorf("reading exchange folder: %w", err)
	}
	for _, f := range files {
		if err := os.RemoveAll(filepath.Join(s.cfg.Exchange, f.Name())); err != nil {
			return Report{}, fmt.Errorf("emptying the exchange folder: %w", err)
		}
	}
	report := Report{Changed: slices.Sorted(maps.Keys(s.index.Files))}
	s.problems = map[string]Problem{}
	return report, s.publish(newIndex())
}

package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Config says where the store lives.
type Config struct {
	Dir      string           // the store's own folder
	Exchange string           // the SFTP exchange folder
	Settle   time.Duration    // a file unchanged for so long counts as written; 0 means 200 ms
	Now      func() time.Time // the wall clock; nil means time.Now
}

// Store is the certificate store of one node.
type Store struct {
	cfg Config

	scanning sync.Mutex      // one Scan at a time
	looks    map[string]look // guarded by scanning

	mu       sync.Mutex
	index    *index             // guarded by mu; replaced, never changed
	problems map[string]Problem // guarded by mu: files of the exchange folder that were not taken in
}

// Open opens the store in cfg.Dir, making both folders where they are missing.
func Open(cfg Config) (*Store, error) {
	if cfg.Settle == 0 {
		cfg.Settle = 200 * time.Millisecond
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{cfg: cfg, looks: map[string]look{}, problems: map[string]Problem{}}
	if err := os.MkdirAll(s.blobDir(), 0o700); err != nil {
		return nil, fmt.Errorf("making certificate store: %w", err)
	}
	if err := os.MkdirAll(cfg.Exchange, 0o770); err != nil {
		return nil, fmt.Errorf("making exchange folder: %w", err)
	}
	var err error
	if s.index, err = readIndex(s.indexPath()); err != nil {
		return nil, err
	}
	s.sweep(s.index)
	return s, nil
}

// Exchange returns the path of the exchange folder.
func (s *Store) Exchange() string { return s.cfg.Exchange }

func (s *Store) blobDir() string            { return filepath.Join(s.cfg.Dir, "blobs") }
func (s *Store) indexPath() string          { return filepath.Join(s.cfg.Dir, "index.json") }
func (s *Store) blobPath(sum string) string { return filepath.Join(s.blobDir(), sum) }
func (s *Store) outside(name string) string { return filepath.Join(s.cfg.Exchange, name) }

// current returns the index, which the caller may read but not change.
func (s *Store) current() *index {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.index
}

// Read returns what the stored file name holds. Of a file that lies in the
// exchange folder only, the fault says why it was not taken in.
func (s *Store) Read(name string) (*pki.Contents, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	return s.contents(e)
}

// OpenKey opens a stored private key, as PEM, for reading.
func (s *Store) OpenKey(name string) (*os.File, error) {
	e, err := s.entry(name)
	if err != nil {
		return nil, err
	}
	if e.Kind != pki.KindKey {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("%s is a %s, not a private key", name, e.Kind))
	}
	f, err := os.Open(s.blobPath(e.Blob))
	if err != nil {
		return nil, fmt.Errorf("opening private key %s: %w", name, err)
	}
	return f, nil
}

func (s *Store) entry(name string) (entry, error) {
	if err := pki.CheckName(name); err != nil {
		return entry{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.index.Files[name]; ok {
		return e, nil
	}
	if p, ok := s.problems[name]; ok {
		return entry{}, p.fault()
	}
	return entry{}, notFound(name)
}

func (s *Store) contents(e entry) (*pki.Contents, error) {
	data, err := s.readBlob(e.Blob)
	if err != nil {
		return nil, err
	}
	return pki.Parse(data)
}

func notFound(name string) error {
	return fault.Mend(fault.NotFound, fmt.Sprintf("there is no file %s", name),
		"upload it by SFTP; pki list shows the files")
}

// wait sleeps for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

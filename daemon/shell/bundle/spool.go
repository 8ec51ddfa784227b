package bundle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
)

// spool keeps the end of what is written to it: two halves, of which the older
// is given up when the newer is full. So it holds between half its limit and
// all of it.
type spool struct {
	limit        int64 // of one half, bytes
	older, newer half
}

// half is an unnamed temporary file.
type half struct {
	f    *os.File
	w    *bufio.Writer
	size int64
}

func newSpool(limit int64) (*spool, error) {
	older, err := newHalf()
	if err != nil {
		return nil, err
	}
	newer, err := newHalf()
	if err != nil {
		return nil, errors.Join(err, older.f.Close())
	}
	return &spool{limit: limit / 2, older: older, newer: newer}, nil
}

func newHalf() (half, error) {
	f, err := os.CreateTemp("", "logbundle-")
	if err != nil {
		return half{}, fmt.Errorf("making a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil { // it lives as long as it is open
		return half{}, errors.Join(fmt.Errorf("making a temporary file: %w", err), f.Close())
	}
	return half{f: f, w: bufio.NewWriter(f)}, nil
}

// add appends a line, whole.
func (s *spool) add(line string) error {
	if s.newer.size+int64(len(line)) > s.limit {
		s.older, s.newer = s.newer, s.older
		if err := s.newer.empty(); err != nil {
			return err
		}
	}
	s.newer.size += int64(len(line))
	if _, err := s.newer.w.WriteString(line); err != nil {
		return fmt.Errorf("keeping the journal: %w", err)
	}
	return nil
}

func (h *half) empty() error {
	h.w.Reset(h.f)
	h.size = 0
	_, err := h.f.Seek(0, io.SeekStart)
	if err = errors.Join(err, h.f.Truncate(0)); err != nil {
		return fmt.Errorf("keeping the journal: %w", err)
	}
	return nil
}

// read returns all that is kept, oldest first, and its size in bytes.
func (s *spool) read() (io.Reader, int64, error) {
	for _, h := range []half{s.older, s.newer} {
		if err := h.w.Flush(); err != nil {
			return nil, 0, fmt.Errorf("keeping the journal: %w", err)
		}
	}
	both := io.MultiReader(io.NewSectionReader(s.older.f, 0, s.older.size), io.NewSectionReader(s.newer.f, 0, s.newer.size))
	return both, s.older.size + s.newer.size, nil
}

// Close frees the files.
func (s *spool) Close() error { return errors.Join(s.older.f.Close(), s.newer.f.Close()) }

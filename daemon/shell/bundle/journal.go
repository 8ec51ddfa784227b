package bundle

import (
	"encoding/json"
	"errors"
	"fmt"

	"quorate.org/daemon/logs"
)

// Journal holds the newest entries of the journal twice, as lines and as JSON,
// until their sizes are known: a tar archive wants them first.
type Journal struct {
	lines, full *spool
	redactor    *Redactor
}

// NewJournal returns an empty Journal that keeps at most limit bytes, in
// unnamed temporary files, and drops the oldest entries over it.
func NewJournal(r *Redactor, limit int64) (*Journal, error) {
	lines, err := newSpool(limit / 2)
	if err != nil {
		return nil, err
	}
	full, err := newSpool(limit / 2)
	if err != nil {
		return nil, errors.Join(err, lines.Close())
	}
	return &Journal{lines: lines, full: full, redactor: r.Fresh()}, nil
}

// Add keeps an entry without its secrets. Entries come oldest first.
func (j *Journal) Add(e logs.Entry) error {
	e = j.redactor.Entry(e)
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("writing an entry as JSON: %w", err)
	}
	return errors.Join(j.lines.add(e.Line()+"\n"), j.full.add(string(data)+"\n"))
}

// AddTo adds both files to an archive.
func (j *Journal) AddTo(a *Archive) error {
	for _, part := range []struct {
		name string
		s    *spool
	}{{"journal.txt", j.lines}, {"journal.json", j.full}} {
		r, size, err := part.s.read()
		if err == nil {
			err = a.File(part.name, r, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close frees the temporary files.
func (j *Journal) Close() error { return errors.Join(j.lines.Close(), j.full.Close()) }

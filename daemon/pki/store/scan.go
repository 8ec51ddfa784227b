package store

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	"quorate.org/daemon/pki"
)

// Report is what a change did, for the journal and for those who use the files.
type Report struct {
	Changed  []string   // stored files that are new, differ or have gone, sorted
	Notes    []Note     // what was taken in
	Problems []Problem  // what was not, where that is news
	Ask      []Question // what waits until the members of the cluster were asked
}

// Note tells of one file that was taken in.
type Note struct {
	File    string
	Renewed bool
	Text    string // what was repaired or should be known; may be empty
}

// Scan takes in what is new in the exchange folder. A file that was written
// less than the settling time ago is waited for once; if it still changes then
// it is listed as incomplete, and the next Scan looks again.
func (s *Store) Scan(ctx context.Context, uses Uses) (Report, error) {
	s.scanning.Lock()
	defer s.scanning.Unlock()
	uploads, young, err := s.gather()
	if err == nil && young {
		if err = wait(ctx, s.cfg.Settle); err == nil {
			uploads, _, err = s.gather()
		}
	}
	if err != nil {
		return Report{}, err
	}
	return s.take(uploads, uses)
}

// take puts the good uploads into the store and lists the others. Callers hold
// scanning.
func (s *Store) take(uploads []upload, uses Uses) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in, sums, problems := s.sort(uploads)
	p := plan(s.view(), in, uses, s.cfg.Now())
	for name, err := range p.refused {
		problems[name] = rejected(name, err)
	}
	report, err := s.put(in, sums, s.forget(uploads), p.notes)
	if err != nil {
		return Report{}, err
	}
	report.Ask = p.ask
	report.Problems = s.list(problems)
	return report, s.hideKeys(uploads)
}

// list makes problems what is listed and returns those that are news. While the
// members are asked again the last answer stays. Callers hold mu.
func (s *Store) list(problems map[string]Problem) (news []Problem) {
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		p := problems[name]
		old, had := s.problems[name]
		switch {
		case had && asking(p.Reason):
			problems[name] = old
		case moving(p.Reason) || asking(p.Reason) || had && old.same(p):
		default:
			news = append(news, p)
		}
	}
	s.problems = problems
	return news
}

// sort tells new files from known and from bad ones. Callers hold mu.
func (s *Store) sort(uploads []upload) (in arrivals, sums map[string]string, problems map[string]Problem) {
	in, sums, problems = arrivals{}, map[string]string{}, map[string]Problem{}
	for _, u := range uploads {
		switch {
		case u.err != nil:
			problems[u.name] = unread(u.name, u.err)
		case s.index.Files[u.name].Source == u.sum || s.index.Written[u.name] == u.sum:
		case u.contents.Kind == pki.KindPKCS12:
			problems[u.name] = waiting(u.name, pki.KindPKCS12, "pki import")
		case u.contents.Kind == pki.KindLocked:
			problems[u.name] = waiting(u.name, pki.KindKey, "pki unlock")
		default:
			in[u.name], sums[u.name] = u.contents, u.sum
		}
	}
	return in, sums, problems
}

// forget returns an index without the exports that have left the exchange
// folder. Callers hold mu.
func (s *Store) forget(uploads []upload) *index {
	next := s.index.clone()
	for name, sum := range s.index.Written {
		if !slices.ContainsFunc(uploads, func(u upload) bool { return u.name == name && (u.sum == sum || u.sum == "") }) {
			delete(next.Written, name)
		}
	}
	return next
}

// hideKeys removes from the exchange folder every private key that is in the
// store, unless the file has changed since it was read. Callers hold both.
func (s *Store) hideKeys(uploads []upload) error {
	for _, u := range uploads {
		e, ok := s.index.Files[u.name]
		if !ok || u.sum == "" || e.Kind != pki.KindKey || e.Source != u.sum || !s.unchanged(u.name) {
			continue
		}
		if err := s.hide(u.name); err != nil {
			return err
		}
	}
	return nil
}

// put stores the arrivals as a change of next and publishes it when anything
// differs. sums are the hashes of the uploaded bytes. Callers hold mu.
func (s *Store) put(in arrivals, sums map[string]string, next *index, notes map[string]string) (Report, error) {
	var report Report
	for _, name := range slices.Sorted(maps.Keys(in)) {
		old, had := next.Files[name]
		e, err := s.keep(in[name])
		if err != nil {
			return Report{}, err
		}
		if e.Source = e.Blob; sums[name] != "" {
			e.Source = sums[name]
		}
		if had && old.Blob == e.Blob {
			e.Added, e.Note = old.Added, old.Note
		} else {
			e.Note = join(join(e.Note, s.dropped(old, in[name])), notes[name])
			report.Changed = append(report.Changed, name)
			report.Notes = append(report.Notes, Note{File: name, Renewed: had, Text: e.Note})
		}
		next.Files[name] = e
	}
	if len(in) == 0 && maps.Equal(next.Written, s.index.Written) {
		return report, nil
	}
	return report, s.publish(next)
}

// keep writes the blob of one file, certificates in sending order.
func (s *Store) keep(c *pki.Contents) (entry, error) {
	e := entry{Kind: c.Kind, Added: s.cfg.Now().UTC()}
	if !pki.InOrder(c.Certificates) {
		e.Note = repair(c)
	}
	data, err := c.PEM()
	if err != nil {
		return entry{}, err
	}
	e.Blob, err = s.writeBlob(data)
	return e, err
}

// repair puts certificates in sending order and says what that changed.
func repair(c *pki.Contents) (note string) {
	before := c.Certificates
	c.Certificates = pki.Order(before)
	if n := len(before) - len(c.Certificates); n > 0 {
		note = "a repeated certificate was dropped"
	}
	if unlike := slices.CompareFunc(before[:len(c.Certificates)], c.Certificates, func(a, b *x509.Certificate) int {
		return bytes.Compare(a.Raw, b.Raw)
	}); unlike != 0 {
		note = join(note, "the order was repaired: issuers follow what they issued, the root is last")
	}
	return note
}

// dropped names what a renewed certificate covered and the new one does not.
// Callers hold mu.
func (s *Store) dropped(old entry, next *pki.Contents) string {
	if old.Blob == "" || len(next.Certificates) == 0 {
		return ""
	}
	before, err := s.contents(old)
	if err != nil || len(before.Certificates) == 0 {
		return ""
	}
	var gone []string
	for _, name := range pki.Inspect(before).Names {
		if !slices.Contains(pki.Inspect(next).Names, name) {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("it no longer names %s", strings.Join(gone, ", "))
}

func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// view reads the store as it is. Callers hold mu.
func (s *Store) view() view {
	x := s.index
	return func(name string) *pki.Contents {
		if e, ok := x.Files[name]; ok {
			if c, err := s.contents(e); err == nil {
				return c
			}
		}
		return nil
	}
}

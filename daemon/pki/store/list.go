package store

import (
	"cmp"
	"crypto/x509"
	"maps"
	"slices"
	"strings"

	"quorate.org/daemon/pki"
)

// File is one line of the list: a stored file, or one of the exchange folder
// that was not taken in. A name has two lines while a refused renewal of it
// lies in the exchange folder.
type File struct {
	Name   string
	State  State
	Reason string // what is wrong and what mends it, or what was repaired
	Facts  pki.Facts
}

// List returns every file, sorted by name, as the last Scan left it.
func (s *Store) List() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []File
	for name, e := range s.index.Files {
		out = append(out, s.stored(name, e))
	}
	for name := range s.index.Written {
		out = append(out, File{Name: name, State: Ready, Reason: "exported: fetch it by SFTP",
			Facts: pki.Facts{Kind: pki.KindPKCS12}})
	}
	for name, p := range s.problems {
		out = append(out, File{Name: name, State: p.State, Reason: p.Reason.Error(), Facts: pki.Facts{Kind: cmp.Or(p.Kind, guess(name))}})
	}
	slices.SortFunc(out, func(a, b File) int {
		return strings.Compare(a.Name+"\x00"+string(a.State), b.Name+"\x00"+string(b.State))
	})
	return out
}

// Inspect describes one file. Of a name with two lines it is the stored one.
func (s *Store) Inspect(name string) (File, error) {
	if err := pki.CheckName(name); err != nil {
		return File{}, err
	}
	var found *File
	for _, f := range s.List() {
		if f.Name == name && (found == nil || f.State == Ready) {
			found = &f
		}
	}
	if found == nil {
		return File{}, notFound(name)
	}
	return *found, nil
}

// IssuerFile returns the stored file that holds the issuer of a certificate, the
// first of several by name, or "".
func (s *Store) IssuerFile(child *x509.Certificate) string {
	x := s.current()
	for _, name := range slices.Sorted(maps.Keys(x.Files)) {
		c, err := s.contents(x.Files[name])
		if err == nil && slices.ContainsFunc(c.Certificates, func(p *x509.Certificate) bool { return pki.Issued(p, child) }) {
			return name
		}
	}
	return ""
}

// stored describes a stored file. Callers hold mu.
func (s *Store) stored(name string, e entry) File {
	c, err := s.contents(e)
	if err != nil {
		return File{Name: name, State: Rejected, Reason: err.Error(), Facts: pki.Facts{Kind: e.Kind}}
	}
	return File{Name: name, State: Ready, Reason: e.Note, Facts: pki.Inspect(c)}
}

// guess tells from its name what a file that could not be read is meant to be.
func guess(name string) pki.Kind {
	switch _, ext := pki.Split(strings.TrimSuffix(name, partSuffix)); ext {
	case ".key":
		return pki.KindKey
	case ".csr":
		return pki.KindRequest
	case ".p12", ".pfx":
		return pki.KindPKCS12
	}
	return pki.KindCertificate
}

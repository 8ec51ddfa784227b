package store

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// view is what names stand for: in the store now, or after a change.
type view func(name string) *pki.Contents

// arrivals are files on their way into the store.
type arrivals map[string]*pki.Contents

// over is the view after the arrivals are in.
func (a arrivals) over(now view) view {
	return func(name string) *pki.Contents {
		if c, ok := a[name]; ok {
			return c
		}
		return now(name)
	}
}

// planning is one change of the store under judgement.
type planning struct {
	now  view
	uses Uses
	at   time.Time

	refused map[string]error
	ask     []Question        // what only the members of the cluster can judge
	notes   map[string]string // what should be known of a file that comes in
}

// plan takes out of in, and notes with the reason, every arrival that would
// spoil what is in use: a service that works now must work afterwards, with all
// its files taken together, so a certificate of a new key waits until the key
// has come too. A file that nothing uses may be replaced by anything.
func plan(now view, in arrivals, uses Uses, at time.Time) *planning {
	p := &planning{now: now, uses: uses, at: at, refused: map[string]error{}, notes: map[string]string{}}
	if !uses.Known {
		for name := range in {
			if now(name) != nil {
				p.refuse(in, name, uses.free(name))
			}
		}
		return p
	}
	for _, name := range uses.Trust {
		if err := spoilsTrust(now(name), in[name]); err != nil {
			p.refuse(in, name, err)
		}
	}
	for p.round(in) { // a refusal can spoil another service that shares the file
	}
	for _, name := range uses.Trust {
		p.notes[name] = join(p.notes[name], p.distrusted(name, in[name]))
	}
	return p
}

func (p *planning) refuse(in arrivals, name string, err error) {
	p.refused[name] = err
	delete(in, name)
}

// round judges every service once and reports whether anything was refused.
func (p *planning) round(in arrivals) (again bool) {
	for _, s := range p.uses.Services {
		next := in.over(p.now)
		err := spoils(s, p.now, next, p.at)
		if err == nil {
			err = p.splits(s, next)
		}
		if err == nil {
			continue
		}
		for _, name := range s.files() {
			if in[name] != nil {
				p.refuse(in, name, err)
				again = true
			}
		}
	}
	return again
}

// spoils returns why s, which works by the view now, would not work by next.
func spoils(s Service, now, next view, at time.Time) error {
	if works(s, now, at) != nil {
		return nil
	}
	err := works(s, next, at)
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return fault.Mend(f.Code, fmt.Sprintf("%s; %s, which is in use, is kept", f.Message, s.Certificate), remedy(f, s))
}

func remedy(f *fault.Error, s Service) string {
	if f.Code == fault.KeyMismatch {
		return fmt.Sprintf("upload the matching %s and %s: they change together", s.Key, s.Certificate)
	}
	return f.Remedy
}

// works checks the files of a service with each other.
func works(s Service, files view, at time.Time) error {
	m := pki.Material{}
	key, cert := files(s.Key), files(s.Certificate)
	if key == nil || cert == nil {
		return notFound(s.Certificate)
	}
	if key.Key == nil {
		return wrongKind(s.Key, key.Kind)
	}
	if len(cert.Certificates) == 0 {
		return wrongKind(s.Certificate, cert.Kind)
	}
	m.Key, m.Certificate = key.Key, cert.Certificates
	if bundle := files(s.Bundle); bundle != nil {
		if len(bundle.Certificates) == 0 {
			return wrongKind(s.Bundle, bundle.Kind)
		}
		m.Bundle = bundle.Certificates
	}
	return pki.Check(m, at).Err()
}

func wrongKind(name string, k pki.Kind) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("%s can not be a %s", name, k))
}

// distrusted names whom a trust file in use no longer trusts once next takes its
// place. That may be meant, so it is only told.
func (p *planning) distrusted(name string, next *pki.Contents) string {
	old := p.now(name)
	if old == nil || next == nil {
		return ""
	}
	t, err := pki.NewTrust(next.Certificates, nil)
	if err != nil {
		return ""
	}
	var gone []string
	for _, c := range old.Certificates {
		if _, err := t.Accept([]*x509.Certificate{c}, "", pki.Names(c), p.at); err != nil {
			gone = append(gone, pki.Subject(c))
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return "it no longer trusts " + strings.Join(gone, ", ")
}

// spoilsTrust returns why next can not take the place of a trust file.
func spoilsTrust(now, next *pki.Contents) error {
	if now == nil || next == nil || len(next.Certificates) > 0 {
		return nil
	}
	return fault.New(fault.InUse, fmt.Sprintf("the file is in use to tell whom the cluster trusts, and can not become a %s", next.Kind))
}

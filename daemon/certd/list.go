package certd

import (
	"context"
	"crypto/x509"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/store"
)

// List returns every file of the store and what was not taken in.
func (s *Service) List(ctx context.Context) ([]bus.Certificate, error) {
	if err := s.takeWithin(ctx, listWithin); err != nil {
		return nil, err
	}
	var out []bus.Certificate
	for _, f := range s.store.List() {
		out = append(out, s.describe(f))
	}
	return out, nil
}

// Inspect describes one file.
func (s *Service) Inspect(ctx context.Context, file string) (bus.Certificate, error) {
	if err := s.takeWithin(ctx, listWithin); err != nil {
		return bus.Certificate{}, err
	}
	f, err := s.store.Inspect(file)
	if err != nil {
		return bus.Certificate{}, err
	}
	c := s.describe(f)
	if f.State == store.Ready {
		c.Chain = s.explain(file)
	}
	return c, nil
}

// explain says of each certificate of a file who issued it, and which file of
// the store or of the public CAs has that.
func (s *Service) explain(file string) []string {
	certs, err := s.certificates(file)
	if err != nil {
		return nil
	}
	return pki.Explain(certs, s.now(), func(child *x509.Certificate) string {
		if other := s.store.IssuerFile(child); other != "" {
			return other
		}
		if s.public.Issued(child) {
			return "the public CAs that clients know"
		}
		return ""
	})
}

// describe puts a file in the words of the bus. A file that was not taken in is
// used by nobody.
func (s *Service) describe(f store.File) bus.Certificate {
	c := bus.Certificate{
		File: f.Name, Kind: string(f.Facts.Kind), State: string(f.State), Reason: f.Reason,
		Subject: f.Facts.Subject, Issuer: f.Facts.Issuer, Names: strings.Join(f.Facts.Names, ", "),
		Fingerprint: f.Facts.Fingerprint,
	}
	if f.State == store.Ready {
		c.UsedBy = s.knownUses().Files[f.Name]
	}
	if !f.Facts.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = f.Facts.NotBefore.UTC().Format(time.RFC3339), f.Facts.NotAfter.UTC().Format(time.RFC3339)
		c.DaysLeft = pki.DaysLeft(f.Facts.NotAfter, s.now())
	}
	return c
}

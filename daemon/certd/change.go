package certd

import (
	"context"
	"fmt"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki"
)

// CSR makes base.csr, and base.key where there is none yet.
func (s *Service) CSR(ctx context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return s.make(ctx, base, attrs, s.store.Request)
}

// SelfSigned makes base.cer, and base.key where there is none yet. Without a
// common name the certificate is for base.
func (s *Service) SelfSigned(ctx context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return s.make(ctx, base, attrs, func(base string, a *pki.Attributes) ([]string, error) {
		if a.Subject.CommonName == "" {
			a.Subject.CommonName = base
		}
		return s.store.SelfSigned(base, a)
	})
}

func (s *Service) make(ctx context.Context, base string, attrs []string, do func(string, *pki.Attributes) ([]string, error)) ([]string, error) {
	a, err := pki.ParseAttributes(attrs)
	if err != nil {
		return nil, err
	}
	if err := s.scan(ctx); err != nil { // an uploaded key of that name is used
		return nil, err
	}
	files, err := do(base, a)
	s.changed(files)
	return files, err
}

// Import opens a PKCS#12 file of the exchange folder; any other file is looked
// at and its state reported.
func (s *Service) Import(ctx context.Context, _ bus.Caller, file, passphrase string) ([]string, error) {
	if err := s.scan(ctx); err != nil {
		return nil, err
	}
	files, report, err := s.store.Import(file, passphrase, s.knownUses())
	s.tell(report)
	return files, err
}

// Export writes base.p12 into the exchange folder, and says so in the journal.
func (s *Service) Export(ctx context.Context, who bus.Caller, base, passphrase string) (string, error) {
	if err := s.scan(ctx); err != nil {
		return "", err
	}
	file, err := s.store.Export(base, passphrase)
	if err != nil {
		return "", err
	}
	s.log.Warn(fmt.Sprintf("%s exported the private key %s.key as %s", who, base, file), slog.String("file", file),
		slog.String("caller", who.User), slog.String("caller_from", who.From), journal.ID(journal.KeyExported))
	return file, nil
}

// Remove deletes a file that is not in use. It asks for the present
// configuration, and refuses when it can not be had.
func (s *Service) Remove(ctx context.Context, _ bus.Caller, file string) error {
	if err := s.scan(ctx); err != nil {
		return err
	}
	uses, err := s.askUses(ctx)
	if err != nil {
		uses.Known = false
	}
	report, err := s.store.Remove(file, uses)
	s.tell(report)
	return err
}

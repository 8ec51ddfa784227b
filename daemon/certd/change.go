package certd

import (
	"context"
	"fmt"
	"log/slog"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/store"
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
	ctx, cancel := context.WithTimeout(ctx, askWithin) // for both questions, if there are two
	defer cancel()
	if err := s.take(ctx, true); err != nil {
		return nil, err
	}
	var files []string
	err := s.change(ctx, nil, func(uses store.Uses) (report store.Report, err error) {
		files, report, err = s.store.Import(file, passphrase, uses)
		return report, err
	})
	return files, err
}

// Unlock takes an encrypted private key of the exchange folder in.
func (s *Service) Unlock(ctx context.Context, _ bus.Caller, file, passphrase string) error {
	if err := s.scan(ctx); err != nil {
		return err
	}
	return s.change(ctx, nil, func(uses store.Uses) (store.Report, error) { return s.store.Unlock(file, passphrase, uses) })
}

// Upload puts a file into the exchange folder, takes it in by the rules for all
// uploads, and returns its line: the reason where it was refused.
func (s *Service) Upload(ctx context.Context, _ bus.Caller, name string, content []byte) (bus.Certificate, error) {
	if err := s.store.Upload(name, content); err != nil {
		return bus.Certificate{}, err
	}
	if err := s.take(ctx, false); err != nil {
		return bus.Certificate{}, err
	}
	f, err := s.store.Uploaded(name)
	if err != nil {
		return bus.Certificate{}, err
	}
	return s.describe(f), nil
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
	var uses store.Uses // not known
	if values, err := s.askSettings(ctx); err == nil {
		uses = usesOf(values)
	}
	report, err := s.store.Remove(file, uses)
	s.tell(report)
	return err
}

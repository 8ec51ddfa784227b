package certd

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// soon is from how many days before expiry Check warns.
const soon = 30

// Match checks that a key and a certificate belong together.
func (s *Service) Match(ctx context.Context, key, cert string) error {
	if err := s.scan(ctx); err != nil {
		return err
	}
	k, err := s.key(key)
	if err != nil {
		return err
	}
	certs, err := s.certificates(cert)
	if err != nil {
		return err
	}
	return pki.Match(k, certs[0])
}

// Verify checks the chain of a certificate by a bundle. The third argument is a
// CA file of the store that the chain must lead to, or else a domain that the
// certificate must name; "" asks for neither.
func (s *Service) Verify(ctx context.Context, cert, bundle, caOrDomain string) error {
	if err := s.scan(ctx); err != nil {
		return err
	}
	certs, err := s.certificates(cert)
	if err != nil {
		return err
	}
	issuers, err := s.certificates(bundle)
	if err != nil {
		return err
	}
	ca, domain, err := s.caOrDomain(caOrDomain)
	if err != nil {
		return err
	}
	if _, err := pki.Verify(certs, issuers, ca, s.now()); err != nil || domain == "" {
		return err
	}
	return pki.NamesDomain(certs[0], domain)
}

func (s *Service) caOrDomain(arg string) (ca []*x509.Certificate, domain string, err error) {
	if arg == "" {
		return nil, "", nil
	}
	if ca, err = s.certificates(arg); err == nil {
		return ca, "", nil
	}
	if _, ext := pki.Split(arg); ext != "" {
		return nil, "", err
	}
	return nil, arg, nil
}

// Check says whether the files can serve domain, with warnings. bundle and
// domain may be "".
func (s *Service) Check(ctx context.Context, key, cert, bundle, domain string) ([]string, error) {
	if err := s.scan(ctx); err != nil {
		return nil, err
	}
	m := pki.Material{Domain: domain}
	var err error
	if m.Key, err = s.key(key); err != nil {
		return nil, err
	}
	if m.Certificate, err = s.certificates(cert); err != nil {
		return nil, err
	}
	if bundle != "" {
		if m.Bundle, err = s.certificates(bundle); err != nil {
			return nil, err
		}
	}
	v := pki.Check(m, s.now())
	if err := v.Err(); err != nil {
		return nil, err
	}
	if left := pki.DaysLeft(m.Certificate[0].NotAfter, s.now()); left < soon {
		v.Warnings = append(v.Warnings, fmt.Sprintf("%s expires in %s", cert, days(left)))
	}
	return v.Warnings, nil
}

// CheckTrust says whether a file can be the cluster trust, with warnings.
func (s *Service) CheckTrust(ctx context.Context, file string) ([]string, error) {
	if err := s.scan(ctx); err != nil {
		return nil, err
	}
	certs, err := s.certificates(file)
	if err != nil {
		return nil, err
	}
	trust, err := pki.NewTrust(certs, s.public)
	if err != nil {
		return nil, err
	}
	return trust.Warnings(s.now()), nil
}

// Get returns the certificates or the signing request of a file as PEM, never a
// key. It does not look at the exchange folder: services call it when told of a
// change.
func (s *Service) Get(_ context.Context, file string) ([]byte, error) {
	if c, err := s.store.Read(file); err == nil && c.Request != nil {
		return c.PEM()
	}
	certs, err := s.certificates(file)
	if err != nil {
		return nil, err
	}
	return pki.EncodeCertificates(certs), nil
}

// Scan looks at the exchange folder now.
func (s *Service) Scan(ctx context.Context) error { return s.take(ctx, false) }

func (s *Service) key(file string) (crypto.Signer, error) {
	c, err := s.store.Read(file)
	if err != nil {
		return nil, err
	}
	if c.Key == nil {
		return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%s holds a %s, not a private key", file, c.Kind), "pki list shows what each file holds")
	}
	return c.Key, nil
}

func (s *Service) certificates(file string) ([]*x509.Certificate, error) {
	c, err := s.store.Read(file)
	if err != nil {
		return nil, err
	}
	if len(c.Certificates) == 0 {
		return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%s holds a %s, not a certificate", file, c.Kind), "pki list shows what each file holds")
	}
	return c.Certificates, nil
}

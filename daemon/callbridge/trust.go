package callbridge

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// Trust decides whether a server is one of the domain's. A certificate of the
// trust file is accepted by its public key; the CAs in it and, where no file is
// configured, the public ones vouch for others. It is immutable.
type Trust struct {
	pins  map[pki.Pin]bool
	roots *x509.CertPool
	print []byte // what it was made of, to tell two apart
}

// NewTrust makes a Trust of the certificates of the trust files and a file of
// public roots, which may be empty.
func NewTrust(certs []*x509.Certificate, public []byte) *Trust {
	t := &Trust{pins: map[pki.Pin]bool{}, roots: x509.NewCertPool()}
	t.roots.AppendCertsFromPEM(public)
	t.print = fmt.Appendf(nil, "%d;", len(public))
	for _, c := range certs {
		t.pins[pki.PinOf(c)] = true
		if c.IsCA && c.BasicConstraintsValid {
			t.roots.AddCert(c)
		}
		t.print = append(t.print, c.Raw...)
	}
	return t
}

func (t *Trust) equal(o *Trust) bool {
	if t == nil || o == nil {
		return t == o
	}
	return bytes.Equal(t.print, o.print)
}

// accept judges the chain that the server t sent, leaf first, for domain (RFC
// 6120 §13.7.2: the reference identity is the domain, never the SRV target).
func (t *Trust) accept(chain []*x509.Certificate, domain string, at target, now time.Time) *fault.Error {
	if len(chain) == 0 {
		return fault.New(fault.Trust, at.String()+" sent no certificate")
	}
	leaf := chain[0]
	if t.pins[pki.PinOf(leaf)] {
		return nil
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: t.roots, Intermediates: between, CurrentTime: now})
	if err != nil {
		return distrust(err, leaf, at, now)
	}
	return wrongName(leaf, domain, at)
}

func wrongName(leaf *x509.Certificate, domain string, at target) *fault.Error {
	err := pki.NamesDomain(leaf, domain)
	var words *fault.Error
	if err == nil || !errors.As(err, &words) {
		return nil
	}
	mend := "give the server a certificate that names " + domain + ", or accept this one: callbridge trust <file>"
	if at.record != "" {
		mend += ". If the server is of another domain, mend the SRV record: dns check"
	}
	return fault.Mend(fault.CertificateName, "at "+at.String()+" "+words.Message, mend)
}

// distrust puts the verdict of crypto/x509 in words.
func distrust(err error, leaf *x509.Certificate, at target, now time.Time) *fault.Error {
	const clock = "renew it on the server; if it should be valid, check the clock of this node: date"
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && now.Before(invalid.Cert.NotBefore):
		return fault.Mend(fault.Trust, fmt.Sprintf("the certificate of %s at %s is not valid before %s",
			pki.Subject(invalid.Cert), at, stamp(invalid.Cert.NotBefore)), clock)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fault.Mend(fault.Trust, fmt.Sprintf("the certificate of %s at %s expired on %s",
			pki.Subject(invalid.Cert), at, stamp(invalid.Cert.NotAfter)), clock)
	case errors.As(err, &authority):
		return fault.Mend(fault.Trust, fmt.Sprintf("the certificate of %s at %s is issued by %s, which is not trusted",
			pki.Subject(leaf), at, pki.Name(leaf.Issuer)), "trust its issuer, or the certificate itself: callbridge trust <file>")
	}
	return fault.Mend(fault.Trust, fmt.Sprintf("the certificate of %s at %s can not be trusted: %v", pki.Subject(leaf), at, err),
		"give the server a certificate for servers, or accept this one: callbridge trust <file>")
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

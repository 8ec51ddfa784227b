package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"quorate.org/daemon/fault"
)

// Verify follows the first of certificate through bundle to a root, which must
// be among ca where that is given. It returns the path, leaf first.
func Verify(certificate, bundle, ca []*x509.Certificate, now time.Time) ([]*x509.Certificate, error) {
	if len(certificate) == 0 {
		return nil, incomplete("there is no certificate")
	}
	leaf := certificate[0]
	all := pool(certificate[1:], bundle, ca)
	path := append([]*x509.Certificate{leaf}, Chain(leaf, all, now)...)
	for i, c := range path {
		if err := checkDates(Role(path, i), c, now); err != nil {
			return nil, err
		}
	}
	last := path[len(path)-1]
	if !VouchesForItself(last) {
		return nil, missingIssuer(last, all)
	}
	if !meets(path, pool(bundle, ca)) {
		return nil, fault.Mend(fault.Trust, fmt.Sprintf("the bundle holds no issuer of %s, which vouches for itself", Subject(leaf)),
			"verify it against the bundle of the CA that issued it")
	}
	if len(ca) > 0 && !meets(path, ca) {
		return nil, fault.Mend(fault.Trust, fmt.Sprintf("the certificate leads to %s, which is not the given CA", Subject(last)),
			"verify it against the CA that issued it")
	}
	return path, verifyPath(path, now)
}

// Role says what the certificate at i is to the path.
func Role(path []*x509.Certificate, i int) string {
	switch {
	case i == 0:
		return "certificate"
	case VouchesForItself(path[i]):
		return "root certificate"
	}
	return "intermediate certificate"
}

// meets reports whether a certificate of the path is in the list.
func meets(path, list []*x509.Certificate) bool {
	return slices.ContainsFunc(path, func(c *x509.Certificate) bool { return slices.ContainsFunc(list, c.Equal) })
}

// verifyPath lets crypto/x509 judge what remains: path length, name constraints.
func verifyPath(path []*x509.Certificate, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(path[len(path)-1])
	for _, c := range path[:len(path)-1] {
		between.AddCert(c)
	}
	_, err := path[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err == nil {
		return nil
	}
	return failing(path, err)
}

// failing names the certificate of the path that err is about, where it tells.
func failing(path []*x509.Certificate, err error) error {
	for i, c := range path {
		if hash := weakHash(c.SignatureAlgorithm); hash != "" && !VouchesForItself(c) {
			return fault.Mend(fault.WeakKey, fmt.Sprintf("the %s of %s is signed with %s", Role(path, i), Subject(c), hash),
				"fetch a current one from your CA")
		}
	}
	why := strings.TrimPrefix(err.Error(), "x509: ")
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Cert != nil {
		return fault.New(fault.Trust, fmt.Sprintf("the chain is not valid at %s (%s)", Subject(invalid.Cert), why))
	}
	return fault.New(fault.Trust, fmt.Sprintf("the chain is not valid (%s)", why))
}

// missingIssuer explains why no certificate of the bundle continues from c.
func missingIssuer(c *x509.Certificate, bundle []*x509.Certificate) error {
	why := "is not in the bundle"
	for _, p := range bundle {
		if !bytes.Equal(p.RawSubject, c.RawIssuer) {
			continue
		}
		why = "is in the bundle with another key"
		if !p.IsCA {
			why = "is in the bundle, but not as a CA certificate"
		}
	}
	return fault.Mend(fault.Incomplete, fmt.Sprintf("the issuer %s of %s %s", Name(c.Issuer), Subject(c), why), fetchIssuer(c))
}

// fetchIssuer says where the certificate of c's issuer is to be found: at the
// address c itself names (RFC 5280 §4.2.2.1), else at the CA.
func fetchIssuer(c *x509.Certificate) string {
	for _, url := range c.IssuingCertificateURL {
		if !strings.ContainsFunc(url, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return "fetch it from " + url + " and put it into the bundle, intermediates first, root last"
		}
	}
	return "put the certificates of your CA into one file, intermediates first, root last"
}

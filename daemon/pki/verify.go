package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

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
	for _, c := range path {
		if err := checkDates("certificate", c, now); err != nil {
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
	var insecure x509.InsecureAlgorithmError
	if errors.As(err, &insecure) {
		return fault.Mend(fault.WeakKey, "a certificate of the chain is signed with an outdated hash", "fetch a current one from your CA")
	}
	return fault.New(fault.Trust, fmt.Sprintf("the chain is not valid (%v)", err))
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
	return fault.Mend(fault.Incomplete, fmt.Sprintf("the issuer %s of %s %s", c.Issuer, Subject(c), why),
		"put the certificates of your CA into one file, intermediates first, root last")
}

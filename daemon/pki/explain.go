package pki

import (
	"crypto/x509"
	"fmt"
	"time"
)

// Explain says of each certificate of a file what it is to the first one, until
// when it is valid, and who issued it: another one of the file, or one of the
// file that finder names. Where the issuer is nowhere it says where to get it.
func Explain(certs []*x509.Certificate, now time.Time, finder func(child *x509.Certificate) (file string)) []string {
	if len(certs) == 0 {
		return nil
	}
	path := append([]*x509.Certificate{certs[0]}, Chain(certs[0], certs[1:], now)...)
	var lines []string
	for i, c := range certs {
		lines = append(lines, fmt.Sprintf("%d: %s %s, %s, %s", i+1, part(path, c), Subject(c), term(c, now), origin(c, certs, finder)))
	}
	return lines
}

// part is what c is to the chain of the file's first certificate.
func part(path []*x509.Certificate, c *x509.Certificate) string {
	for i, p := range path {
		switch {
		case !p.Equal(c):
		case i > 0 && VouchesForItself(c):
			return "root"
		case i > 0:
			return "intermediate"
		}
	}
	switch {
	case c.IsCA && VouchesForItself(c):
		return "root"
	case c.IsCA:
		return "intermediate"
	}
	return "certificate"
}

func term(c *x509.Certificate, now time.Time) string {
	switch day := c.NotAfter.UTC().Format(time.DateOnly); {
	case now.After(c.NotAfter):
		return "expired on " + day
	case now.Before(c.NotBefore):
		return "not valid before " + c.NotBefore.UTC().Format(time.DateOnly)
	default:
		return "until " + day
	}
}

// origin says who issued c.
func origin(c *x509.Certificate, certs []*x509.Certificate, finder func(*x509.Certificate) string) string {
	if VouchesForItself(c) {
		return "issued by itself"
	}
	for i, p := range certs {
		if p != c && issued(p, c) {
			return fmt.Sprintf("issued by %d", i+1)
		}
	}
	if file := finder(c); file != "" {
		return fmt.Sprintf("issued by %s, which is in %s", Name(c.Issuer), file)
	}
	where := "your CA has it"
	if len(c.IssuingCertificateURL) > 0 {
		where = fetchIssuer(c)
	}
	return fmt.Sprintf("issued by %s, which is in no file; %s", Name(c.Issuer), where)
}

// Issued reports whether parent signed child.
func Issued(parent, child *x509.Certificate) bool { return issued(parent, child) }

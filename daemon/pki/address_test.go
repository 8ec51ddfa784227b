package pki_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/pkitest"
)

// TestClient judges clients' certificates (RFC 6120 §13.7.2.2, XEP-0178 §2).
func TestClient(t *testing.T) {
	ca, other := pkitest.NewCA(t, "ca"), pkitest.NewCA(t, "other")
	sub := ca.Sub(t, "sub", pkitest.Valid(pkitest.Now.AddDate(0, -1, 0), pkitest.Now.AddDate(0, 1, 0)))
	client, juliet := pkitest.Usage(x509.ExtKeyUsageClientAuth), pkitest.Addresses("juliet@meet.example", "Jule@meet.example")
	roots := x509.NewCertPool()
	roots.AddCert(ca.Cert)
	year := pkitest.Now.AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		shown []*x509.Certificate
		want  []string
		until time.Time
	}{
		"none":                 {nil, nil, time.Time{}},
		"addresses":            {pkitest.Certs(ca.Leaf(t, "x", client, juliet)), []string{"juliet@meet.example", "Jule@meet.example"}, year},
		"any use":              {pkitest.Certs(ca.Leaf(t, "x", pkitest.Usage(), juliet)), []string{"juliet@meet.example", "Jule@meet.example"}, year},
		"mail":                 {pkitest.Certs(ca.Leaf(t, "x", client, pkitest.Mail("juliet@meet.example"))), []string{"juliet@meet.example"}, year},
		"by an intermediate":   {pkitest.Certs(sub.Leaf(t, "x", client, juliet), sub), []string{"juliet@meet.example", "Jule@meet.example"}, pkitest.Now.AddDate(0, 1, 0)},
		"a server's":           {pkitest.Certs(ca.Leaf(t, "x", juliet)), nil, time.Time{}},
		"of another CA":        {pkitest.Certs(other.Leaf(t, "x", client, juliet)), nil, time.Time{}},
		"expired":              {pkitest.Certs(ca.Leaf(t, "x", client, juliet, pkitest.Valid(pkitest.Now.AddDate(0, -2, 0), pkitest.Now.AddDate(0, -1, 0)))), nil, time.Time{}},
		"for itself":           {pkitest.Certs(pkitest.SelfSigned(t, "x", client, juliet)), nil, time.Time{}},
		"no address":           {pkitest.Certs(ca.Leaf(t, "x", client)), nil, year},
		"without intermediate": {pkitest.Certs(sub.Leaf(t, "x", client, juliet)), nil, time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, until := pki.Client(c.shown, roots, pkitest.Now)
			if diff := cmp.Diff(c.want, got); diff != "" || !until.Equal(c.until) {
				t.Errorf("until %s, want %s\n%s", until, c.until, diff)
			}
		})
	}
	if got, _ := pki.Client(pkitest.Certs(ca.Leaf(t, "x", client, juliet)), nil, pkitest.Now); got != nil {
		t.Errorf("without a CA: %v", got)
	}
}

// FuzzAddresses: no subjectAltName makes it panic, and what it finds is UTF-8.
func FuzzAddresses(f *testing.F) {
	ca := pkitest.NewCA(f, "ca")
	for _, e := range ca.Leaf(f, "x", pkitest.Addresses("a@b", "ö@b")).Cert.Extensions {
		f.Add(e.Value)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c := &x509.Certificate{}
		c.Extensions = append(c.Extensions, subjectAltName(der))
		for _, a := range pki.Addresses(c) {
			if len(a) > len(der) {
				t.Errorf("%q of %x", a, der)
			}
		}
	})
}

func subjectAltName(der []byte) pkix.Extension {
	return pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der}
}

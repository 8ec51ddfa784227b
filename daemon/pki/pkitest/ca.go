// Package pkitest makes certificate authorities, keys and certificates for tests.
//
// It owns nothing and holds no state; keys are ECDSA P-256 unless an option says
// otherwise, because they are quick to make. Every function fails the test on an
// error and is safe for concurrent use by different tests.
package pkitest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// Now is the time at which certificates made here are valid: from a year before
// it to a year after it.
var Now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// Issued is a certificate with its key.
type Issued struct {
	Key  crypto.Signer
	Cert *x509.Certificate
}

// Option changes a certificate before it is signed.
type Option func(*order)

type order struct {
	tmpl *x509.Certificate
	key  crypto.Signer
}

// Names sets the DNS names.
func Names(names ...string) Option { return func(o *order) { o.tmpl.DNSNames = names } }

// Valid sets the dates.
func Valid(from, to time.Time) Option {
	return func(o *order) { o.tmpl.NotBefore, o.tmpl.NotAfter = from, to }
}

// Key sets the key, instead of a new one.
func Key(k crypto.Signer) Option { return func(o *order) { o.key = k } }

// Usage sets the extended key usages.
func Usage(u ...x509.ExtKeyUsage) Option { return func(o *order) { o.tmpl.ExtKeyUsage = u } }

// Addresses sets XMPP addresses (RFC 6120 §13.7.1.4), in place of DNS names.
func Addresses(list ...string) Option {
	return func(o *order) {
		var names []asn1.RawValue
		for _, a := range list {
			value, _ := asn1.MarshalWithParams(a, "utf8")
			id, _ := asn1.Marshal(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5})
			explicit, _ := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: value})
			names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: append(id, explicit...)})
		}
		der, err := asn1.Marshal(names)
		if err != nil {
			panic(err)
		}
		o.tmpl.DNSNames = nil
		o.tmpl.ExtraExtensions = append(o.tmpl.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Value: der})
	}
}

// Mail sets e-mail addresses, in place of DNS names.
func Mail(list ...string) Option {
	return func(o *order) { o.tmpl.DNSNames, o.tmpl.EmailAddresses = nil, list }
}

// Signature sets the signature algorithm.
func Signature(a x509.SignatureAlgorithm) Option {
	return func(o *order) { o.tmpl.SignatureAlgorithm = a }
}

// NewCA makes a self-signed CA.
func NewCA(t testing.TB, name string, options ...Option) *Issued {
	t.Helper()
	return issue(t, nil, authority(name), options)
}

// SelfSigned makes a server certificate that vouches for itself.
func SelfSigned(t testing.TB, name string, options ...Option) *Issued {
	t.Helper()
	return issue(t, nil, server(name), options)
}

// Sub makes a CA below ca.
func (ca *Issued) Sub(t testing.TB, name string, options ...Option) *Issued {
	t.Helper()
	return issue(t, ca, authority(name), options)
}

// Leaf makes a server certificate for name, issued by ca.
func (ca *Issued) Leaf(t testing.TB, name string, options ...Option) *Issued {
	t.Helper()
	return issue(t, ca, server(name), options)
}

// PEM returns the certificate.
func (i *Issued) PEM() []byte { return Bundle(i) }

// KeyPEM returns the private key as PKCS#8.
func (i *Issued) KeyPEM(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// Bundle returns several certificates in order, as PEM.
func Bundle(list ...*Issued) []byte {
	var out bytes.Buffer
	for _, i := range list {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Cert.Raw}))
	}
	return out.Bytes()
}

// Certs returns the certificates of several in order.
func Certs(list ...*Issued) []*x509.Certificate {
	var out []*x509.Certificate
	for _, i := range list {
		out = append(out, i.Cert)
	}
	return out
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
}

func server(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

func issue(t testing.TB, ca *Issued, tmpl *x509.Certificate, options []Option) *Issued {
	t.Helper()
	tmpl.NotBefore, tmpl.NotAfter = Now.AddDate(-1, 0, 0), Now.AddDate(1, 0, 0)
	o := &order{tmpl: tmpl}
	for _, option := range options {
		option(o)
	}
	var err error
	if o.key == nil {
		o.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(t, err)
	}
	tmpl.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	check(t, err)
	parent, signer := tmpl, o.key
	if ca != nil {
		parent, signer = ca.Cert, ca.Key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, o.key.Public(), signer)
	check(t, err)
	cert, err := x509.ParseCertificate(der)
	check(t, err)
	return &Issued{Key: o.key, Cert: cert}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"time"

	"quorate.org/daemon/fault"
)

// selfSignedYears is how long a self-signed certificate is valid.
const selfSignedYears = 2

// Request makes a certificate signing request (RFC 2986) for key.
func Request(key crypto.Signer, a *Attributes) (*Contents, error) {
	if a.Subject.CommonName == "" && len(a.DNSNames)+len(a.Addresses) == 0 {
		return nil, fault.Mend(fault.InvalidArgument, "the request names nobody", "give CN:<domain>")
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: a.Subject, DNSNames: a.DNSNames, IPAddresses: a.Addresses,
	}, key)
	if err != nil {
		return nil, fmt.Errorf("creating certificate request: %w", err)
	}
	r, err := readRequest(der)
	if err != nil {
		return nil, err
	}
	return &Contents{Kind: KindRequest, Request: r}, nil
}

// SelfSigned makes a server certificate that vouches for itself, valid for two
// years from an hour before now, so that a peer whose clock is behind takes it.
func SelfSigned(key crypto.Signer, a *Attributes, now time.Time) (*Contents, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("drawing serial number: %w", err)
	}
	tmpl := &x509.Certificate{
		SerialNumber:          serial.Add(serial, big.NewInt(1)), // never zero: RFC 5280 §4.1.2.2
		Subject:               a.Subject,
		DNSNames:              a.DNSNames,
		IPAddresses:           a.Addresses,
		NotBefore:             now.Add(-time.Hour),
		NotAfter:              now.AddDate(selfSignedYears, 0, 0),
		KeyUsage:              keyUsage(key),
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("creating self-signed certificate: %w", err)
	}
	cert, err := readCertificate(der)
	if err != nil {
		return nil, err
	}
	return Bundle([]*x509.Certificate{cert}), nil
}

// keyUsage adds keyEncipherment for RSA, which TLS 1.2 peers without forward
// secrecy look for (RFC 5280 §4.2.1.3).
func keyUsage(key crypto.Signer) x509.KeyUsage {
	if _, ok := key.(*ecdsa.PrivateKey); ok || DescribeKey(key.Public()) == "Ed25519" {
		return x509.KeyUsageDigitalSignature
	}
	return x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
}

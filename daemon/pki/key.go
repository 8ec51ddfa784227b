package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"quorate.org/daemon/fault"
)

const (
	minRSA = 2048
	maxRSA = 8192 // crypto/tls refuses larger ones in a handshake

	acceptedKeys = "use RSA of 2048 to 8192 bits, ECDSA P-256 or P-384, or Ed25519"
)

// CheckKey refuses a public key that may not serve: RSA from 2048 to 8192 bits,
// ECDSA on P-256 or P-384, and Ed25519 are accepted.
func CheckKey(pub crypto.PublicKey) error {
	if err := strong(pub); err != nil {
		return err
	}
	if k, ok := pub.(*ecdsa.PublicKey); ok && k.Curve == elliptic.P521() {
		return fault.Mend(fault.WeakKey, "ECDSA P-521 is not accepted", acceptedKeys) // few TLS peers offer it
	}
	return nil
}

// checkCertificateKey is CheckKey for what serves, and asks only strength of a
// CA: its key is chosen by others.
func checkCertificateKey(c *x509.Certificate) error {
	check := CheckKey
	if c.IsCA {
		check = strong
	}
	if check(c.PublicKey) == nil {
		return nil
	}
	return fault.Mend(fault.WeakKey,
		fmt.Sprintf("the certificate of %s holds a key that is not accepted (%s)", Subject(c), DescribeKey(c.PublicKey)), acceptedKeys)
}

func strong(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSA || n > maxRSA {
			return fault.Mend(fault.WeakKey, fmt.Sprintf("an RSA key of %d bits is not accepted", n), acceptedKeys)
		}
		return nil
	case *ecdsa.PublicKey:
		if n := k.Curve.Params().BitSize; n < 256 {
			return fault.Mend(fault.WeakKey, fmt.Sprintf("an ECDSA key of %d bits is not accepted", n), acceptedKeys)
		}
		return nil
	case ed25519.PublicKey:
		return nil
	}
	return fault.Mend(fault.WeakKey, fmt.Sprintf("a key of type %T is not accepted", pub), acceptedKeys)
}

// DescribeKey names a public key: "RSA 2048", "ECDSA P-256", "Ed25519".
func DescribeKey(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	}
	return fmt.Sprintf("%T", pub)
}

// Algorithm names a kind of key to make.
type Algorithm string

// The kinds of key GenerateKey makes. RSA 2048 is the default: issuing services
// with a minimum key size in bits (Active Directory's) refuse a 256-bit key.
const (
	RSA2048 Algorithm = "rsa2048"
	RSA3072 Algorithm = "rsa3072"
	RSA4096 Algorithm = "rsa4096"
	P256    Algorithm = "p256"
	P384    Algorithm = "p384"
	Ed25519 Algorithm = "ed25519"
)

// GenerateKey makes a private key; "" means RSA2048.
func GenerateKey(a Algorithm) (crypto.Signer, error) {
	switch a {
	case RSA2048, "":
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case RSA4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a kind of key", a),
		"use key:rsa2048, rsa3072, rsa4096, p256, p384 or ed25519")
}

// EncodeKey writes a private key as PKCS#8 PEM (RFC 5958, RFC 7468 §10).
func EncodeKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// Match reports whether key belongs to cert; if not the fault is KeyMismatch.
func Match(key crypto.Signer, cert *x509.Certificate) error {
	pub, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if ok && pub.Equal(cert.PublicKey) {
		return nil
	}
	return fault.Mend(fault.KeyMismatch, fmt.Sprintf("the private key does not belong to the certificate of %s", Subject(cert)),
		"use the key the certificate was requested with: pki match <key> <certificate>")
}

// AlgorithmOf returns the Algorithm that makes keys like pub, or "".
func AlgorithmOf(pub crypto.PublicKey) Algorithm {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return Algorithm(fmt.Sprintf("rsa%d", k.N.BitLen()))
	case *ecdsa.PublicKey:
		return Algorithm(fmt.Sprintf("p%d", k.Curve.Params().BitSize))
	case ed25519.PublicKey:
		return Ed25519
	}
	return ""
}

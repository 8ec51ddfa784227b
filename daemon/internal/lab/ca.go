package lab

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// CA is the administrator's certificate authority. Its key lies in the lab's
// directory and nowhere else.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newCA(base string) (*CA, error) {
	ca, err := NewCA("Lab CA")
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(ca.key)
	if err != nil {
		return nil, fmt.Errorf("encoding the CA's key: %w", err)
	}
	if err := os.WriteFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return nil, fmt.Errorf("writing the CA's key: %w", err)
	}
	if err := os.WriteFile(base+".cer", ca.PEM(), 0o644); err != nil {
		return nil, fmt.Errorf("writing the CA's certificate: %w", err)
	}
	return ca, nil
}

// NewCA makes an authority with a fresh key, kept in memory only.
func NewCA(name string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making the CA's key: %w", err)
	}
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("signing the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the CA's certificate: %w", err)
	}
	return &CA{cert: cert, key: key}, nil
}

func openCA(base string) (*CA, error) {
	keyDER, err := readPEM(base + ".key")
	if err != nil {
		return nil, err
	}
	certDER, err := readPEM(base + ".cer")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParseECPrivateKey(keyDER)
	if err != nil {
		return nil, fmt.Errorf("parsing the CA's key: %w", err)
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, fmt.Errorf("parsing the CA's certificate: %w", err)
	}
	return &CA{cert: cert, key: key}, nil
}

func readPEM(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(file), err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", filepath.Base(file))
	}
	return block.Bytes, nil
}

// PEM returns the authority's own certificate.
func (ca *CA) PEM() []byte { return certPEM(ca.cert.Raw) }

// Pool returns a pool that trusts this authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// Sign signs a PEM certificate request as public authorities do now: the names
// it asks for, usage serverAuth only, and returns the certificate as PEM.
func (ca *CA) Sign(csr []byte) ([]byte, error) {
	return ca.SignAt(csr, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
}

// SignAt is Sign with a validity of the caller's choice.
func (ca *CA) SignAt(csr []byte, from, to time.Time) ([]byte, error) {
	block, _ := pem.Decode(csr)
	if block == nil {
		return nil, fmt.Errorf("the certificate request is not PEM")
	}
	req, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate request: %w", err)
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fmt.Errorf("checking the certificate request: %w", err)
	}
	return ca.issue(req.Subject, req.DNSNames, req.URIs, req.PublicKey, from, to)
}

// Issue makes a key pair and a certificate for the names, both PEM.
func (ca *CA) Issue(from, to time.Time, names ...string) (cert, key []byte, err error) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("making a key: %w", err)
	}
	if cert, err = ca.issue(pkix.Name{CommonName: names[0]}, names, nil, &k.PublicKey, from, to); err != nil {
		return nil, nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a key: %w", err)
	}
	return cert, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func (ca *CA) issue(subject pkix.Name, names []string, uris []*url.URL, public any, from, to time.Time) ([]byte, error) {
	t := &x509.Certificate{
		SerialNumber: serial(), Subject: subject, DNSNames: names, URIs: uris, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, ca.cert, public, ca.key)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	return certPEM(der), nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// serial returns 127 random bits (RFC 5280 §4.1.2.2 allows 20 octets).
func serial() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic("lab: no randomness: " + err.Error())
	}
	return n
}

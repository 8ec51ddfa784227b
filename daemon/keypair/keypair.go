package keypair

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/pki"
)

// Read returns the key and certificate of two files of the store, with the
// issuers found in the certificate file and in bundle, which may be "". A key
// that does not match is a fault.KeyMismatch.
func Read(ctx context.Context, store *bus.Certificates, key, certificate, bundle string) (*tls.Certificate, error) {
	certs, err := Certificates(ctx, store, certificate)
	if err != nil {
		return nil, err
	}
	var issuers []*x509.Certificate
	if bundle != "" {
		if issuers, err = Certificates(ctx, store, bundle); err != nil {
			return nil, err
		}
	}
	signer, err := readKey(ctx, store, key)
	if err != nil {
		return nil, err
	}
	chain := pki.HandshakeChain(certs, issuers, time.Now())
	if len(chain) == 0 {
		return nil, fmt.Errorf("reading certificate %s: it is empty", certificate)
	}
	if err := pki.Match(signer, chain[0]); err != nil {
		return nil, err
	}
	out := &tls.Certificate{PrivateKey: signer, Leaf: chain[0]}
	for _, c := range chain {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out, nil
}

// Certificates returns the certificates of a file of the store.
func Certificates(ctx context.Context, store *bus.Certificates, file string) ([]*x509.Certificate, error) {
	pem, err := store.Get(ctx, file)
	if err != nil {
		return nil, err
	}
	return pki.ParseCertificates(pem)
}

// maxKey is more than any key has bytes.
const maxKey = 1 << 20

func readKey(ctx context.Context, store *bus.Certificates, file string) (crypto.Signer, error) {
	f, err := store.OpenKey(ctx, file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", file, err)
	}
	return pki.ParseKey(b)
}

package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"unicode/utf8"

	"software.sslmate.com/src/go-pkcs12"

	"quorate.org/daemon/fault"
)

// MinPassphrase is the shortest passphrase of an export, in characters: the
// file travels, so it is all that protects the key.
const MinPassphrase = 8

// Pair is a private key with its certificate and the chain above it.
type Pair struct {
	Key         crypto.Signer
	Certificate *x509.Certificate
	Chain       []*x509.Certificate // issuers in order, root last; may be empty
}

// Unseal opens a PKCS#12 file (RFC 7292). The key must be accepted by CheckKey
// and belong to the certificate; the chain is put in order.
func Unseal(data []byte, passphrase string) (*Pair, error) {
	if err := checkIterations(data, maxIterations); err != nil {
		return nil, err
	}
	key, cert, chain, err := pkcs12.DecodeChain(data, passphrase)
	if err != nil {
		return nil, unsealFault(err, passphrase)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.Mend(fault.WeakKey, "the key can not sign", acceptedKeys)
	}
	if err := CheckKey(signer.Public()); err != nil {
		return nil, err
	}
	for _, c := range append([]*x509.Certificate{cert}, chain...) {
		if err := checkCertificateKey(c); err != nil {
			return nil, err
		}
	}
	if err := Match(signer, cert); err != nil {
		return nil, err
	}
	return &Pair{Key: signer, Certificate: cert, Chain: Order(chain)}, nil
}

func unsealFault(err error, passphrase string) error {
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && passphrase == "":
		return fault.Mend(fault.InvalidArgument, "the PKCS#12 file needs its passphrase", "give the passphrase it was exported with")
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return fault.Mend(fault.InvalidArgument, "the passphrase does not open the PKCS#12 file", "give the passphrase it was exported with")
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the PKCS#12 file can not be read (%v)", err),
		"export it with one private key and its certificate")
}

// Seal writes p as a PKCS#12 file under passphrase, with AES-256 and SHA-256
// (RFC 8018 PBES2), and refuses a passphrase shorter than MinPassphrase.
func Seal(p *Pair, passphrase string) ([]byte, error) {
	if utf8.RuneCountInString(passphrase) < MinPassphrase {
		return nil, fault.Mend(fault.InvalidArgument, "the passphrase is too short",
			fmt.Sprintf("use at least %d characters", MinPassphrase))
	}
	data, err := pkcs12.Modern2023.Encode(p.Key, p.Certificate, p.Chain, passphrase)
	if err != nil {
		return nil, fmt.Errorf("sealing PKCS#12: %w", err)
	}
	return data, nil
}

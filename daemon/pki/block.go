package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// add puts one PEM block into c. Labels are those of RFC 7468 and of OpenSSL.
func (c *Contents) add(b *pem.Block) error {
	switch b.Type {
	case "CERTIFICATE", "X509 CERTIFICATE":
		return c.addCertificate(b.Bytes)
	case "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST":
		if c.Request != nil {
			return fault.New(fault.InvalidArgument, "the file holds more than one request")
		}
		r, err := readRequest(b.Bytes)
		c.Request = r
		return err
	case "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY":
		return c.addKey(b)
	case "EC PARAMETERS": // OpenSSL writes the curve before the key, which repeats it
		return nil
	case "ENCRYPTED PRIVATE KEY":
		return c.addLocked(readLocked(b.Bytes))
	case "PKCS7", "CMS":
		return fault.Mend(fault.InvalidArgument, "the file is a PKCS#7 bundle", "export the certificates as PEM: openssl pkcs7 -print_certs")
	}
	return fault.New(fault.InvalidArgument, fmt.Sprintf("a PEM block %q is neither a key, a certificate nor a request", b.Type))
}

func (c *Contents) addCertificate(der []byte) error {
	cert, err := readCertificate(der)
	if err != nil {
		return err
	}
	c.Certificates = append(c.Certificates, cert)
	return nil
}

func (c *Contents) addKey(b *pem.Block) error {
	if c.Key != nil || c.Locked != nil {
		return twoKeys()
	}
	if strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED") { // RFC 1421 §4.6.1.1
		return c.addLocked(readLegacyLocked(b))
	}
	key, err := readKey(b.Bytes)
	c.Key = key
	return err
}

func (c *Contents) addLocked(locked *Contents, err error) error {
	if err != nil {
		return err
	}
	if c.Key != nil || c.Locked != nil {
		return twoKeys()
	}
	c.Locked = locked.Locked
	return nil
}

func twoKeys() error {
	return fault.New(fault.InvalidArgument, "the file holds more than one private key")
}

func readCertificate(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, unreadable("certificate", err)
	}
	if err := checkCertificateKey(cert); err != nil {
		return nil, err
	}
	return cert, nil
}

func readRequest(der []byte) (*x509.CertificateRequest, error) {
	r, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, unreadable("certificate request", err)
	}
	if err := r.CheckSignature(); err != nil {
		return nil, unreadable("certificate request", err)
	}
	return r, CheckKey(r.PublicKey)
}

// readKey reads PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC 1 (RFC 5915).
func readKey(der []byte) (crypto.Signer, error) {
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		if rsaKey, e := x509.ParsePKCS1PrivateKey(der); e == nil {
			key, err = rsaKey, nil
		} else if ecKey, e := x509.ParseECPrivateKey(der); e == nil {
			key, err = ecKey, nil
		}
	}
	if err != nil {
		return nil, unreadable("private key", err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fault.Mend(fault.WeakKey, "the key can not sign", acceptedKeys)
	}
	if err := CheckKey(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

func unreadable(what string, err error) error {
	return fault.New(fault.InvalidArgument, fmt.Sprintf("the %s can not be read (%s)", what, strings.TrimPrefix(err.Error(), "x509: ")))
}

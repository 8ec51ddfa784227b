package pki

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// MaxFile bounds a key, certificate or bundle file, in bytes.
const MaxFile = 1 << 20

// Kind says what a file holds. The words are shown to administrators.
type Kind string

// The kinds of file.
const (
	KindKey         Kind = "key"         // one private key
	KindRequest     Kind = "csr"         // one certificate signing request
	KindCertificate Kind = "certificate" // one certificate
	KindBundle      Kind = "bundle"      // several certificates
	KindPKCS12      Kind = "pkcs12"      // a PKCS#12 file, still sealed by its passphrase
	KindLocked      Kind = "locked key"  // one private key, still encrypted under its passphrase
)

// Contents is what one file holds: exactly one of a key, a locked key, a
// request, certificates, or the sealed PKCS#12 bytes.
type Contents struct {
	Kind         Kind
	Key          crypto.Signer
	Locked       *Locked
	Request      *x509.CertificateRequest
	Certificates []*x509.Certificate
	Sealed       []byte
}

// Parse reads a whole file, PEM (RFC 7468) or DER. A file that ends too early is
// refused as Incomplete, so that an upload in progress is told from a bad file;
// keys that CheckKey refuses are refused here too.
func Parse(data []byte) (*Contents, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // editors on Windows put a byte order mark
	switch {
	case len(data) > MaxFile:
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the file is larger than %d bytes", MaxFile))
	case len(bytes.TrimSpace(data)) == 0:
		return nil, incomplete("the file is empty")
	case data[0] == 0x30:
		return parseDER(data)
	case bytes.Contains(data, []byte(pemBegin)) || bytes.HasPrefix([]byte(pemBegin), data):
		return parsePEM(data)
	}
	return nil, fault.Mend(fault.InvalidArgument, "the file is neither PEM nor DER",
		"export it from your CA as Base-64 (PEM) or DER")
}

// ParseFile is Parse for a file with a name: its ending must suit what it holds.
func ParseFile(name string, data []byte) (*Contents, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	c, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if _, ext := Split(name); !suits(ext, c.Kind) {
		return nil, fault.Mend(fault.InvalidName,
			fmt.Sprintf("the file holds a %s, which does not go with the ending %s", c.Kind, ext),
			"rename it to end in "+strings.Join(endings(c.Kind), ", "))
	}
	return c, nil
}

// ParseCertificates reads certificates only, as Certificates1.Get hands them out.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	c, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if len(c.Certificates) == 0 {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the file holds a %s where certificates are needed", c.Kind))
	}
	return c.Certificates, nil
}

// ParseKey reads a private key only.
func ParseKey(data []byte) (crypto.Signer, error) {
	c, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if c.Key == nil {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("the file holds a %s where a private key is needed", c.Kind))
	}
	return c.Key, nil
}

// PEM writes the contents in their stored form: PKCS#8 for keys, one block per
// certificate in order. PKCS#12 contents stay sealed, as bytes.
func (c *Contents) PEM() ([]byte, error) {
	switch c.Kind {
	case KindKey:
		return EncodeKey(c.Key)
	case KindRequest:
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: c.Request.Raw}), nil
	case KindPKCS12:
		return c.Sealed, nil
	case KindLocked:
		return nil, fault.New(fault.WrongState, "a locked key has no stored form")
	default:
		return EncodeCertificates(c.Certificates), nil
	}
}

// EncodeCertificates writes certificates as PEM, in order.
func EncodeCertificates(certs []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, c := range certs {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
	}
	return out.Bytes()
}

// Bundle returns the contents of a file with these certificates.
func Bundle(certs []*x509.Certificate) *Contents {
	kind := KindCertificate
	if len(certs) > 1 {
		kind = KindBundle
	}
	return &Contents{Kind: kind, Certificates: certs}
}

func suits(ext string, k Kind) bool {
	for _, e := range endings(k) {
		if e == ext {
			return true
		}
	}
	return false
}

func endings(k Kind) []string {
	switch k {
	case KindKey, KindLocked:
		return []string{".key", ".pem", ".der"}
	case KindRequest:
		return []string{".csr"}
	case KindPKCS12:
		return []string{".p12", ".pfx"}
	default:
		return []string{".cer", ".crt", ".pem", ".der"}
	}
}

func incomplete(message string) error {
	return fault.Mend(fault.Incomplete, message, "wait for the upload to end, or upload the file again")
}

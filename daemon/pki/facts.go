package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math"
	"net"
	"strings"
	"time"
	"unicode"
)

// Facts is what an administrator is told about a file. It never holds key bytes.
type Facts struct {
	Kind        Kind
	Key         string // kind of the public key
	Subject     string
	Issuer      string
	Names       []string // DNS names and addresses of the certificate
	NotBefore   time.Time
	NotAfter    time.Time // of a bundle: the earliest
	Fingerprint string    // SHA-256: of a certificate or request, else of the public key; "" when sealed
	Count       int       // certificates in the file
	Each        []Dated   // its certificates, in order
}

// Dated is one certificate of a file, as far as its end is concerned.
type Dated struct {
	Subject     string
	NotAfter    time.Time
	Fingerprint string // SHA-256
}

// Inspect tells what c holds; for a bundle the facts are those of its first
// certificate, except NotAfter.
func Inspect(c *Contents) Facts {
	f := Facts{Kind: c.Kind, Count: len(c.Certificates)}
	switch {
	case c.Key != nil:
		f.Key = DescribeKey(c.Key.Public())
		if der, err := x509.MarshalPKIXPublicKey(c.Key.Public()); err == nil {
			f.Fingerprint = Fingerprint(der)
		}
	case c.Request != nil:
		f.Key = DescribeKey(c.Request.PublicKey)
		f.Subject, f.Fingerprint = Name(c.Request.Subject), Fingerprint(c.Request.Raw)
		f.Names = names(c.Request.DNSNames, c.Request.IPAddresses)
	case len(c.Certificates) > 0:
		f.fromCertificates(c.Certificates)
	}
	return f
}

func (f *Facts) fromCertificates(certs []*x509.Certificate) {
	first := certs[0]
	f.Key = DescribeKey(first.PublicKey)
	f.Subject, f.Issuer = Subject(first), Name(first.Issuer)
	f.Names = Names(first)
	f.NotBefore, f.NotAfter = first.NotBefore, first.NotAfter
	f.Fingerprint = Fingerprint(first.Raw)
	for _, c := range certs {
		f.Each = append(f.Each, Dated{Subject(c), c.NotAfter, Fingerprint(c.Raw)})
		if c.NotAfter.Before(f.NotAfter) {
			f.NotAfter = c.NotAfter
		}
	}
}

// DaysLeft returns the whole days from now to t, rounded down; negative when past.
func DaysLeft(t, now time.Time) int { return int(math.Floor(t.Sub(now).Hours() / 24)) }

// Subject names a certificate in messages: its common name, else its first
// name, else its whole subject.
func Subject(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return Name(c.Subject)
	}
	if n := Names(c); len(n) > 0 {
		return n[0]
	}
	if s := Name(c.Subject); s != "" {
		return s
	}
	return "serial " + c.SerialNumber.String()
}

// Names returns the alternative names of a certificate: DNS names and addresses.
func Names(c *x509.Certificate) []string { return names(c.DNSNames, c.IPAddresses) }

func names(dns []string, addresses []net.IP) (out []string) {
	for _, name := range dns {
		out = append(out, printable(name))
	}
	for _, ip := range addresses {
		out = append(out, ip.String())
	}
	return out
}

// Name returns a distinguished name as people are shown it.
func Name(n pkix.Name) string { return printable(n.String()) }

// printable takes from a text what steers a terminal or turns the direction of
// reading: who made a certificate chose what stands in it.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// Fingerprint is the SHA-256 of a certificate or request in DER, in the colon
// form that browsers and openssl show.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}

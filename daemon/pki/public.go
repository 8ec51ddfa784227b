package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
)

// PublicRoots are the CAs the world trusts (Debian's ca-certificates): whoever
// asks them gets a certificate, so they can not tell members of a cluster from
// others. The zero value and nil hold none.
type PublicRoots struct {
	keys  map[Pin]string
	certs []*x509.Certificate
}

// ParsePublicRoots reads a file of concatenated PEM certificates, of any size;
// what can not be parsed is passed over.
func ParsePublicRoots(data []byte) *PublicRoots {
	p := &PublicRoots{keys: map[Pin]string{}}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil {
			p.keys[PinOf(c)] = Subject(c)
			p.certs = append(p.certs, c)
		}
	}
	return p
}

// Len returns the number of roots.
func (p *PublicRoots) Len() int {
	if p == nil {
		return 0
	}
	return len(p.certs)
}

// Issued reports whether one of the roots signed c, or is c itself.
func (p *PublicRoots) Issued(c *x509.Certificate) bool {
	return p != nil && p.leads(c, nil, nil)
}

// among returns those CA certificates of certs that are a public root or lead to one.
func (p *PublicRoots) among(certs []*x509.Certificate) map[Pin]bool {
	public := map[Pin]bool{}
	if p == nil {
		return public
	}
	for again := true; again; {
		again = false
		for _, c := range certs {
			if c.IsCA && !public[PinOf(c)] && p.leads(c, certs, public) {
				public[PinOf(c)], again = true, true
			}
		}
	}
	return public
}

// leads reports whether c is a public root, or signed by one or by a
// certificate already known to lead to one.
func (p *PublicRoots) leads(c *x509.Certificate, certs []*x509.Certificate, public map[Pin]bool) bool {
	if _, ok := p.keys[PinOf(c)]; ok {
		return true
	}
	for _, root := range p.certs {
		if issued(root, c) {
			return true
		}
	}
	for _, other := range certs {
		if public[PinOf(other)] && issued(other, c) {
			return true
		}
	}
	return false
}

// Pin is the SHA-256 of a SubjectPublicKeyInfo (RFC 7469 §2.4): it outlives the
// renewal of a certificate with the same key.
type Pin [sha256.Size]byte

// PinOf returns the pin of a certificate's public key.
func PinOf(c *x509.Certificate) Pin { return sha256.Sum256(c.RawSubjectPublicKeyInfo) }

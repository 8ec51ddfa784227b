package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"
)

// Order puts certificates in the order they are sent: each before its issuer,
// so leaves come first and the root last (RFC 8446 §4.4.2). Unrelated
// certificates keep their order; repeated ones are dropped.
func Order(certs []*x509.Certificate) []*x509.Certificate {
	rest := unique(certs)
	out := make([]*x509.Certificate, 0, len(rest))
	for len(rest) > 0 {
		i := firstFree(rest)
		out = append(out, rest[i])
		rest = append(rest[:i:i], rest[i+1:]...)
	}
	return out
}

// InOrder reports whether Order would leave certs as they are.
func InOrder(certs []*x509.Certificate) bool {
	ordered := Order(certs)
	if len(ordered) != len(certs) {
		return false
	}
	for i := range certs {
		if !certs[i].Equal(ordered[i]) {
			return false
		}
	}
	return true
}

// firstFree finds the first certificate that issued none of the others; in a
// circle of cross-signed ones it is the first.
func firstFree(certs []*x509.Certificate) int {
	for i, c := range certs {
		free := true
		for j, other := range certs {
			if i != j && issued(c, other) {
				free = false
				break
			}
		}
		if free {
			return i
		}
	}
	return 0
}

func unique(certs []*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	seen := map[string]bool{}
	for _, c := range certs {
		if !seen[string(c.Raw)] {
			seen[string(c.Raw)] = true
			out = append(out, c)
		}
	}
	return out
}

// Chain returns the issuers of leaf found in pool, nearest first. Of several
// issuers of the same name and key one that is valid at now is preferred. It
// ends at a self-signed certificate or where the next issuer is not in pool.
func Chain(leaf *x509.Certificate, pool []*x509.Certificate, now time.Time) []*x509.Certificate {
	var chain []*x509.Certificate
	used := map[*x509.Certificate]bool{leaf: true}
	for c := leaf; !VouchesForItself(c); {
		issuer := findIssuer(c, pool, used, now)
		if issuer == nil {
			break
		}
		used[issuer] = true
		chain = append(chain, issuer)
		c = issuer
	}
	return chain
}

func findIssuer(c *x509.Certificate, pool []*x509.Certificate, used map[*x509.Certificate]bool, now time.Time) *x509.Certificate {
	var found *x509.Certificate
	for _, p := range pool {
		if used[p] || !issued(p, c) {
			continue
		}
		if validAt(p, now) {
			return p
		}
		if found == nil {
			found = p
		}
	}
	return found
}

// HandshakeChain returns what a server sends: leaf and its issuers out of its
// own file and the bundle, without the root, which the peer must hold anyway
// (RFC 8446 §4.4.2).
func HandshakeChain(certificate, bundle []*x509.Certificate, now time.Time) []*x509.Certificate {
	if len(certificate) == 0 {
		return nil
	}
	leaf := certificate[0]
	out := []*x509.Certificate{leaf}
	for _, c := range Chain(leaf, pool(certificate[1:], bundle), now) {
		if !VouchesForItself(c) {
			out = append(out, c)
		}
	}
	return out
}

func pool(lists ...[]*x509.Certificate) []*x509.Certificate {
	var out []*x509.Certificate
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// issued reports whether parent signed child. A signature made with an
// outdated hash still links them: Check names that fault on its own.
func issued(parent, child *x509.Certificate) bool {
	if !bytes.Equal(parent.RawSubject, child.RawIssuer) {
		return false
	}
	err := child.CheckSignatureFrom(parent)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure)
}

// VouchesForItself reports whether c vouches for itself.
func VouchesForItself(c *x509.Certificate) bool {
	if !bytes.Equal(c.RawSubject, c.RawIssuer) {
		return false
	}
	err := c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &insecure)
}

func validAt(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

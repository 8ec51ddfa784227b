package pki

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"time"

	"quorate.org/daemon/fault"
)

// Trust decides which peers belong to the cluster. It is made from the file of
// `xmpp cluster trust`: every certificate in it pins its public key, and every
// CA certificate vouches for what it issued, as long as that names the domain
// or a node. It is immutable; With makes a wider one.
type Trust struct {
	pins    map[Pin]string
	anchors *x509.CertPool
	cas     []*x509.Certificate
	leaves  []*x509.Certificate
	ignored []string // public CAs, by name
}

// NewTrust makes a Trust. Public CAs beside other certificates are left out
// (Warnings tells so); a file of nothing but public CAs is refused.
func NewTrust(certs []*x509.Certificate, public *PublicRoots) (*Trust, error) {
	t := &Trust{pins: map[Pin]string{}, anchors: x509.NewCertPool()}
	open := public.among(certs)
	for _, c := range certs {
		if open[PinOf(c)] {
			t.ignored = append(t.ignored, Subject(c))
			continue
		}
		t.pins[PinOf(c)] = Subject(c)
		if c.IsCA && c.BasicConstraintsValid {
			t.anchors.AddCert(c)
			t.cas = append(t.cas, c)
		} else {
			t.leaves = append(t.leaves, c)
		}
	}
	switch {
	case len(t.pins) > 0:
		return t, nil
	case len(t.ignored) > 0:
		return nil, fault.Mend(fault.Trust,
			fmt.Sprintf("%s is a public CA: anyone can get a certificate from it, so it can not tell who belongs to the cluster", t.ignored[0]),
			"use the bundle of every node's certificate, or a CA of your own")
	}
	return nil, fault.Mend(fault.Trust, "the trust file holds no certificate", "use the bundle of every node's certificate, or a CA of your own")
}

// With returns a Trust that also accepts the public key of leaf: a renewal that
// a trusted peer announced before using it.
func (t *Trust) With(leaf *x509.Certificate) *Trust {
	wider := *t
	wider.pins = maps.Clone(t.pins)
	wider.pins[PinOf(leaf)] = Subject(leaf)
	return &wider
}

// Warnings tells what is odd about the file at now, in words.
func (t *Trust) Warnings(now time.Time) []string {
	var out []string
	for _, name := range t.ignored {
		out = append(out, fmt.Sprintf("%s is a public CA and is not used: only the certificates beside it are trusted", name))
	}
	for _, c := range t.cas {
		if !validAt(c, now) {
			out = append(out, fmt.Sprintf("the CA certificate of %s is valid from %s to %s only: what it issued is refused",
				Subject(c), stamp(c.NotBefore), stamp(c.NotAfter)))
		}
	}
	for _, c := range t.leaves {
		if now.After(c.NotAfter) {
			out = append(out, fmt.Sprintf("the certificate of %s expired on %s: its key stays trusted", Subject(c), stamp(c.NotAfter)))
		}
	}
	return out
}

// Accept judges the certificates a peer sent, leaf first, and says how they are
// trusted. A pinned key is accepted whatever the dates: the handshake proves the
// key, and a node with a wrong clock or a late renewal must not split the
// cluster. Through a CA the chain must be valid at now and the leaf must name
// domain or one of nodes (names or addresses); any of the TLS usages is enough,
// since public profiles no longer have clientAuth. Faults: Trust,
// CertificateName, Expired, NotYetValid.
func (t *Trust) Accept(peerCerts []*x509.Certificate, domain string, nodes []string, now time.Time) (how string, err error) {
	if len(peerCerts) == 0 {
		return "", fault.Mend(fault.Trust, "the peer sent no certificate", "set one on it: xmpp certs <key> <certificate> [<bundle>]")
	}
	leaf := peerCerts[0]
	if name, ok := t.pins[PinOf(leaf)]; ok {
		return "its key is in the trust file, as " + name, nil
	}
	root, err := t.verify(peerCerts, now)
	if err != nil {
		return "", err
	}
	for _, name := range append([]string{domain}, nodes...) {
		if name != "" && NamesDomain(leaf, name) == nil {
			return fmt.Sprintf("issued by %s, which is in the trust file, and names %s", root, name), nil
		}
	}
	return "", fault.Mend(fault.CertificateName,
		fmt.Sprintf("the peer's certificate of %s is issued by a trusted CA but names neither %s nor a node of the cluster", Subject(leaf), domain),
		"use a certificate that names the domain, or put this certificate into the trust bundle")
}

// verify finds a path to a trusted CA and returns the CA's name.
func (t *Trust) verify(peerCerts []*x509.Certificate, now time.Time) (string, error) {
	leaf, between := peerCerts[0], x509.NewCertPool()
	for _, c := range peerCerts[1:] {
		between.AddCert(c)
	}
	chains, err := leaf.Verify(x509.VerifyOptions{
		Roots: t.anchors, Intermediates: between, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	if err == nil {
		chain := chains[0]
		return Subject(chain[len(chain)-1]), nil
	}
	path := append([]*x509.Certificate{leaf}, Chain(leaf, pool(peerCerts[1:], t.cas), now)...)
	if slices.ContainsFunc(path, func(c *x509.Certificate) bool { return slices.ContainsFunc(t.cas, c.Equal) }) {
		for _, c := range path {
			if err := checkDates("peer's certificate", c, now); err != nil {
				return "", err
			}
		}
	}
	return "", fault.Mend(fault.Trust,
		fmt.Sprintf("the peer's certificate of %s (issuer %s) is neither in the trust file nor issued by a CA in it", Subject(leaf), Name(leaf.Issuer)),
		"put it into the trust bundle of this node: xmpp cluster trust <bundle>")
}

package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"quorate.org/daemon/keypair"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/settings"
)

// publicRoots is Debian's list of the CAs the world trusts; none of them may
// say who belongs to a cluster.
const publicRoots = "/etc/ssl/certs/ca-certificates.crt"

// material is the certificate, key and trust in effect.
type material struct {
	certificate *tls.Certificate
	trust       *pki.Trust
	trusted     []*x509.Certificate         // what trust is made of
	domains     map[string]*tls.Certificate // of further domains, by their name
	clients     *x509.CertPool              // CAs of clients' certificates; nil: none are asked for
}

// readMaterial fetches what the settings name from the certificate service. What
// can not be read any more stays as it was, since a running node must not lose its
// key to a mistyped name, and is told by an error of its own.
func (n *Node) readMaterial(ctx context.Context, v *settings.Values, old *material) (*material, []error) {
	m, errs := *old, []error(nil)
	note := func(err error, keep func()) {
		if err != nil {
			errs = append(errs, err)
		} else {
			keep()
		}
	}
	certificate, err := n.readPair(ctx, v.XMPP.Key, v.XMPP.Certificate, v.XMPP.Bundle)
	note(err, func() { m.certificate = certificate })
	trust, trusted, err := n.readTrust(ctx, v.Cluster.Trust)
	note(err, func() { m.trust, m.trusted = trust, trusted })
	clients, err := n.readPool(ctx, v.XMPP.ClientTrust)
	note(err, func() { m.clients = clients })
	domains, domainErrs := n.readDomains(ctx, v, old.domains)
	m.domains = domains
	return &m, append(errs, domainErrs...)
}

// readPair returns a key with its certificate, nil where none is set.
func (n *Node) readPair(ctx context.Context, key, certificate, bundle string) (*tls.Certificate, error) {
	if key == "" || certificate == "" {
		return nil, nil
	}
	return keypair.Read(ctx, n.conn.Certificates(), key, certificate, bundle)
}

// readPool returns the CAs of a file, nil where none is set.
func (n *Node) readPool(ctx context.Context, file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	certs, err := keypair.Certificates(ctx, n.conn.Certificates(), file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool, nil
}

func (n *Node) readTrust(ctx context.Context, file string) (*pki.Trust, []*x509.Certificate, error) {
	if file == "" {
		return nil, nil, nil
	}
	certs, err := keypair.Certificates(ctx, n.conn.Certificates(), file)
	if err != nil {
		return nil, nil, err
	}
	roots, err := os.ReadFile(publicRoots)
	if err != nil && !os.IsNotExist(err) {
		return nil, nil, fmt.Errorf("reading public CAs: %w", err)
	}
	trust, err := pki.NewTrust(certs, pki.ParsePublicRoots(roots))
	return trust, certs, err
}

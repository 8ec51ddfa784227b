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
	trusted     []*x509.Certificate // what trust is made of
}

// readMaterial fetches what the settings name from the certificate service.
// What can not be read leaves its field nil and is told by an error of its own.
func (n *Node) readMaterial(ctx context.Context, v *settings.Values) (*material, error, error) {
	m := &material{}
	var certErr, trustErr error
	if v.XMPP.Key != "" && v.XMPP.Certificate != "" {
		m.certificate, certErr = keypair.Read(ctx, n.conn.Certificates(), v.XMPP.Key, v.XMPP.Certificate, v.XMPP.Bundle)
	}
	if v.Cluster.Trust != "" {
		m.trust, m.trusted, trustErr = n.readTrust(ctx, v.Cluster.Trust)
	}
	return m, certErr, trustErr
}

func (n *Node) readTrust(ctx context.Context, file string) (*pki.Trust, []*x509.Certificate, error) {
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

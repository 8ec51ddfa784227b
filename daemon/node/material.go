package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"time"

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
}

// readMaterial fetches what the settings name from the certificate service.
// What can not be read leaves its field nil and is told by an error of its own.
func (n *Node) readMaterial(ctx context.Context, v *settings.Values) (*material, error, error) {
	m := &material{}
	var certErr, trustErr error
	if v.XMPP.Key != "" && v.XMPP.Certificate != "" {
		m.certificate, certErr = n.readPair(ctx, v.XMPP)
	}
	if v.Cluster.Trust != "" {
		m.trust, trustErr = n.readTrust(ctx, v.Cluster.Trust)
	}
	return m, certErr, trustErr
}

func (n *Node) readCertificates(ctx context.Context, file string) ([]*x509.Certificate, error) {
	pem, err := n.conn.Certificates().Get(ctx, file)
	if err != nil {
		return nil, err
	}
	return pki.ParseCertificates(pem)
}

func (n *Node) readPair(ctx context.Context, x settings.XMPP) (*tls.Certificate, error) {
	certs, err := n.readCertificates(ctx, x.Certificate)
	if err != nil {
		return nil, err
	}
	var bundle []*x509.Certificate
	if x.Bundle != "" {
		if bundle, err = n.readCertificates(ctx, x.Bundle); err != nil {
			return nil, err
		}
	}
	f, err := n.conn.Certificates().OpenKey(ctx, x.Key)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w", x.Key, err)
	}
	key, err := pki.ParseKey(b)
	if err != nil {
		return nil, err
	}
	chain := pki.HandshakeChain(certs, bundle, time.Now())
	if len(chain) == 0 {
		return nil, fmt.Errorf("reading certificate %s: it is empty", x.Certificate)
	}
	if err := pki.Match(key, chain[0]); err != nil {
		return nil, err
	}
	out := &tls.Certificate{PrivateKey: key, Leaf: chain[0]}
	for _, c := range chain {
		out.Certificate = append(out.Certificate, c.Raw)
	}
	return out, nil
}

func (n *Node) readTrust(ctx context.Context, file string) (*pki.Trust, error) {
	certs, err := n.readCertificates(ctx, file)
	if err != nil {
		return nil, err
	}
	roots, err := os.ReadFile(publicRoots)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("reading public CAs: %w", err)
	}
	return pki.NewTrust(certs, pki.ParsePublicRoots(roots))
}

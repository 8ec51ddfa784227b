package lab

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"
)

// webPort is Web Admin's by the default settings.
const webPort = "445"

// WebCertificates gives Web Admin of each node a certificate of the lab's CA, as
// a person does at the prompt, so that browsers that trust the CA show it. A
// node that has one keeps it.
func (l *Lab) WebCertificates(ctx context.Context, nodes ...*Node) error {
	w := &walk{lab: l, sessions: map[string]*Session{}}
	defer w.close()
	for _, n := range nodes {
		if n.presents(ctx) == nil {
			continue
		}
		if err := w.webCertificate(ctx, n); err != nil {
			return fmt.Errorf("giving Web Admin a certificate: %w", err)
		}
	}
	return nil
}

func (w *walk) webCertificate(ctx context.Context, n *Node) error {
	if _, err := w.typed(ctx, n, "pki csr web CN:"+n.name+"."+Domain); err != nil {
		return err
	}
	csr, err := w.get(ctx, n, "web.csr")
	if err != nil {
		return err
	}
	cert, err := w.lab.CA.Sign(csr)
	if err != nil {
		return err
	}
	if err := w.put(ctx, n, "web.cer", cert); err != nil {
		return err
	}
	if err := w.put(ctx, n, "ca.cer", w.lab.CA.PEM()); err != nil {
		return err
	}
	if _, err := w.typed(ctx, n, "webadmin certs web.key web.cer ca.cer"); err != nil {
		return err
	}
	return Wait(ctx, 10*time.Second, "Web Admin of "+n.name+" to use its certificate", func() error { return n.presents(ctx) })
}

// presents checks what a browser checks: the name and the issuer of the
// certificate at Web Admin's port.
func (n *Node) presents(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := n.lab.Dial(ctx, "tcp", net.JoinHostPort(n.addr, webPort))
	if err != nil {
		return err
	}
	defer conn.Close()
	return tls.Client(conn, &tls.Config{RootCAs: n.lab.CA.Pool(), ServerName: n.name + "." + Domain}).HandshakeContext(ctx)
}

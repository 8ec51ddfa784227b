package keypair

import (
	"context"
	"crypto/tls"
	"time"

	"quorate.org/daemon/pki"
)

// dialTime is enough for an address of this machine.
const dialTime = 2 * time.Second

// Presented returns the fingerprint of the certificate that a TLS server of this
// machine presents at an address. Nothing is sent there, so it need not be
// trusted.
func Presented(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return pki.Fingerprint(c.(*tls.Conn).ConnectionState().PeerCertificates[0].Raw), nil // a server always has one
}

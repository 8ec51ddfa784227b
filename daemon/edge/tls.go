package edge

import (
	"crypto/tls"
	"crypto/x509"
	"net"
)

// carrier is the TCP connection below a stream. It remembers the certificate
// that was presented on it, which tls.Conn does not tell and
// tls-server-end-point needs.
type carrier struct {
	net.Conn
	leaf *x509.Certificate
}

// tlsConfig returns the configuration for streams.
func tlsConfig(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, // RFC 7590 §3.1, RFC 9325 §3.1.1
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, err := get(hello)
			if c, ok := hello.Conn.(*carrier); ok && err == nil && cert != nil {
				c.leaf = leafOf(cert)
			}
			return cert, err
		},
		// A resumed session shows no certificate, which leaves
		// tls-server-end-point undefined, and holds on to a replaced one.
		SessionTicketsDisabled: true,
		// The outbox writes whole batches: small first records would only cost.
		DynamicRecordSizingDisabled: true,
	}
}

func leafOf(cert *tls.Certificate) *x509.Certificate {
	if cert.Leaf != nil || len(cert.Certificate) == 0 {
		return cert.Leaf
	}
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		return nil
	}
	return leaf
}

package edge

import (
	"crypto/tls"
	"crypto/x509"
)

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption
// (RFC 9325 §4.2, by RFC 7590 §3.2); TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// tlsConfig returns the configuration for streams.
func tlsConfig(c Config) *tls.Config {
	cfg := &tls.Config{
		MinVersion:   tls.VersionTLS12, // RFC 7590 §3.1, RFC 9325 §3.1.1
		CipherSuites: suites,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			tcp, ok := hello.Conn.(*carrier)
			if ok && tcp.domain != "" { // RFC 6120 §13.7.2.1: the client compares it with what 'to' says
				asked := *hello
				asked.ServerName, hello = tcp.domain, &asked
			}
			cert, err := c.GetCertificate(hello)
			if ok && err == nil && cert != nil {
				tcp.leaf = leafOf(cert)
			}
			return cert, err
		},
		// A resumed session shows no certificate, which leaves
		// tls-server-end-point undefined, and holds on to a replaced one.
		SessionTicketsDisabled: true,
		// The outbox writes whole batches: small first records would only cost.
		DynamicRecordSizingDisabled: true,
	}
	if c.ClientCAs != nil { // what it proves is judged behind the handshake, which it never fails
		cfg.ClientAuth, cfg.ClientCAs = tls.RequestClientCert, c.ClientCAs
	}
	return cfg
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

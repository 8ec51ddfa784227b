package sasl

import (
	"crypto"
	_ "crypto/sha256" // the hashes of tls-server-end-point
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
)

// The channel binding types on offer, as clients name them.
const (
	Exporter = "tls-exporter"         // RFC 9266
	EndPoint = "tls-server-end-point" // RFC 5929 §4
)

// Binding holds the channel binding data of one TLS connection; nil means that
// the type can not be used on it.
type Binding struct{ Exporter, EndPoint []byte }

// Types lists the usable channel binding types, the stronger first (XEP-0440
// §3).
func (b Binding) Types() []string {
	var types []string
	if b.Exporter != nil {
		types = append(types, Exporter)
	}
	if b.EndPoint != nil {
		types = append(types, EndPoint)
	}
	return types
}

// data returns the binding data of one type, nil if it is unknown or not usable.
func (b Binding) data(name string) []byte {
	switch name {
	case Exporter:
		return b.Exporter
	case EndPoint:
		return b.EndPoint
	}
	return nil
}

// BindingOf takes the channel binding data from the server's side of a TLS
// connection whose handshake is complete; cert is the certificate it presented
// there, nil if that is not known.
func BindingOf(state tls.ConnectionState, cert *x509.Certificate) Binding {
	var b Binding
	// RFC 9266 §2: this label, no context, 32 bytes. crypto/tls refuses where the
	// master secret may not be unique: TLS 1.2 without RFC 7627 (§4.2).
	if ekm, err := state.ExportKeyingMaterial("EXPORTER-Channel-Binding", nil, 32); err == nil {
		b.Exporter = ekm
	}
	if cert != nil {
		b.EndPoint = endPoint(cert)
	}
	return b
}

// endPoint hashes the certificate with the hash of its signature algorithm,
// SHA-256 in place of MD5 and SHA-1; undefined where there is not exactly one
// hash, as with Ed25519 (RFC 5929 §4.1).
func endPoint(cert *x509.Certificate) []byte {
	var h crypto.Hash
	switch cert.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.ECDSAWithSHA256:
		h = crypto.SHA256
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		h = crypto.SHA384
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		h = crypto.SHA512
	default:
		return nil
	}
	d := h.New()
	d.Write(cert.Raw)
	return d.Sum(nil)
}

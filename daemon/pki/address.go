package pki

import (
	"crypto/x509"
	"encoding/asn1"
	"time"
	"unicode/utf8"
)

var (
	oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidXMPPAddr       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 8, 5} // id-on-xmppAddr, RFC 6120 §13.7.1.4
)

// Addresses returns the XMPP addresses a client's certificate names: its
// XmppAddrs (RFC 6120 §13.7.2.2.1), or where it has none its e-mail addresses,
// by the local policy that a mailbox and an account of one name are one person's.
// They are as the certificate spells them.
func Addresses(c *x509.Certificate) []string {
	var list []string
	for _, e := range c.Extensions {
		if e.Id.Equal(oidSubjectAltName) {
			list = append(list, xmppAddrs(e.Value)...)
		}
	}
	if len(list) == 0 {
		return c.EmailAddresses
	}
	return list
}

// xmppAddrs reads the GeneralNames of a subjectAltName (RFC 5280 §4.2.1.6):
// otherName is [0] { type-id, [0] EXPLICIT value }.
func xmppAddrs(der []byte) []string {
	var names []asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &names); err != nil || len(rest) > 0 {
		return nil
	}
	var list []string
	for _, n := range names {
		if n.Class != asn1.ClassContextSpecific || n.Tag != 0 {
			continue
		}
		var id asn1.ObjectIdentifier
		rest, err := asn1.Unmarshal(n.Bytes, &id)
		if err != nil || !id.Equal(oidXMPPAddr) {
			continue
		}
		var value string
		if rest, err = asn1.UnmarshalWithParams(rest, &value, "tag:0,explicit,utf8"); err == nil && len(rest) == 0 && utf8.ValidString(value) {
			list = append(list, value)
		}
	}
	return list
}

// Client judges the certificates that a client showed, its own first: it has to
// be valid at now and lead to one of cas, for the use of a client. Then it proves
// the addresses until the first certificate of the path ends. There are none
// where it does not.
func Client(shown []*x509.Certificate, cas *x509.CertPool, now time.Time) (addresses []string, until time.Time) {
	if len(shown) == 0 || cas == nil {
		return nil, time.Time{}
	}
	issuers := x509.NewCertPool()
	for _, c := range shown[1:] {
		issuers.AddCert(c)
	}
	paths, err := shown[0].Verify(x509.VerifyOptions{Roots: cas, Intermediates: issuers, CurrentTime: now,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return nil, time.Time{}
	}
	for _, c := range paths[0] {
		if until.IsZero() || c.NotAfter.Before(until) {
			until = c.NotAfter
		}
	}
	return Addresses(shown[0]), until
}

package pki

import (
	"crypto/x509"
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// NamesDomain reports whether the subject alternative names of cert cover name,
// a domain or an address (RFC 6120 §13.7.1.2, RFC 9525 §6.3; one "*" label on
// the left counts). If not the fault is CertificateName. The common name does
// not count: no client looks at it.
func NamesDomain(cert *x509.Certificate, name string) error {
	host := name
	if ascii, err := hostName(name); err == nil {
		host = ascii
	}
	if cert.VerifyHostname(host) == nil {
		return nil
	}
	has := "names nobody (no subjectAltName)"
	if n := Names(cert); len(n) > 0 {
		has = "names " + strings.Join(n, ", ") + " only"
	} else if strings.EqualFold(cert.Subject.CommonName, host) {
		has = "has it as its common name only, which clients ignore"
	}
	return fault.Mend(fault.CertificateName,
		fmt.Sprintf("the certificate does not name %s: it %s", name, has),
		fmt.Sprintf("request one that does: pki csr <name> CN:%s", name))
}

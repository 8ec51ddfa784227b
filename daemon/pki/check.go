package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"quorate.org/daemon/fault"
)

// Material is what a service would use together.
type Material struct {
	Key         crypto.Signer
	Certificate []*x509.Certificate // the certificate file, leaf first
	Bundle      []*x509.Certificate // issuers, may be empty
	Domain      string              // "" while no domain is set: names are not checked
}

// Verdict is what Check found: every fault, and what is allowed but not good.
type Verdict struct {
	Faults   []*fault.Error
	Warnings []string
}

// Err returns the first fault, or nil.
func (v *Verdict) Err() error {
	if len(v.Faults) == 0 {
		return nil
	}
	return v.Faults[0]
}

func (v *Verdict) add(err error) {
	if f, ok := err.(*fault.Error); ok {
		v.Faults = append(v.Faults, f)
	}
}

func (v *Verdict) warn(format string, args ...any) {
	v.Warnings = append(v.Warnings, fmt.Sprintf(format, args...))
}

// Check judges whether m may serve at now. Faults are KeyMismatch, Expired or
// NotYetValid (of the leaf and of every issuer in the bundle's chain),
// CertificateName, WeakKey, InvalidArgument for a certificate that is not for
// servers, and Incomplete for a bundle that does not hold the issuer.
func Check(m Material, now time.Time) *Verdict {
	v := &Verdict{}
	if len(m.Certificate) == 0 {
		v.add(incomplete("there is no certificate"))
		return v
	}
	leaf := m.Certificate[0]
	if m.Key != nil {
		v.add(Match(m.Key, leaf))
	}
	v.add(checkDates("certificate", leaf, now))
	if m.Domain != "" {
		v.add(NamesDomain(leaf, m.Domain))
	}
	v.add(checkServer(leaf))
	v.checkStrength(leaf)
	v.checkChain(m, now)
	return v
}

func checkDates(what string, c *x509.Certificate, now time.Time) error {
	switch {
	case now.Before(c.NotBefore):
		return fault.Mend(fault.NotYetValid,
			fmt.Sprintf("the %s of %s is not valid before %s", what, Subject(c), stamp(c.NotBefore)),
			"check the clock of this node: date, ntp status")
	case now.After(c.NotAfter):
		return fault.Mend(fault.Expired,
			fmt.Sprintf("the %s of %s expired on %s", what, Subject(c), stamp(c.NotAfter)),
			"upload a renewed one under the same name; if it should be valid, check the clock of this node: date")
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// checkServer asks for the serverAuth usage, where usages are restricted
// (RFC 5280 §4.2.1.12).
func checkServer(c *x509.Certificate) error {
	if len(c.ExtKeyUsage)+len(c.UnknownExtKeyUsage) == 0 ||
		slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
		return nil
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("the certificate of %s is not for servers (no serverAuth usage)", Subject(c)),
		"have it issued with a web server profile")
}

func (v *Verdict) checkStrength(c *x509.Certificate) {
	if err := CheckKey(c.PublicKey); err != nil {
		v.add(err)
	}
	if hash := weakHash(c.SignatureAlgorithm); hash != "" && !VouchesForItself(c) {
		v.add(fault.Mend(fault.WeakKey, fmt.Sprintf("the certificate of %s is signed with %s, which clients refuse", Subject(c), hash),
			"have it issued with SHA-256 or better"))
	}
}

func weakHash(a x509.SignatureAlgorithm) string {
	switch a {
	case x509.SHA1WithRSA, x509.ECDSAWithSHA1, x509.DSAWithSHA1:
		return "SHA-1"
	case x509.MD5WithRSA, x509.MD2WithRSA:
		return "MD5"
	}
	return ""
}

// checkChain follows the issuers and says where they end.
func (v *Verdict) checkChain(m Material, now time.Time) {
	leaf := m.Certificate[0]
	if VouchesForItself(leaf) {
		v.warn("the certificate of %s is self-signed: not for production", Subject(leaf))
		return
	}
	chain := Chain(leaf, pool(m.Certificate[1:], m.Bundle), now)
	for _, c := range chain {
		what := "intermediate certificate"
		if VouchesForItself(c) {
			what = "root certificate"
		}
		v.add(checkDates(what, c, now))
		if hash := weakHash(c.SignatureAlgorithm); hash != "" && !VouchesForItself(c) {
			v.add(fault.Mend(fault.WeakKey, fmt.Sprintf("the intermediate certificate of %s is signed with %s", Subject(c), hash),
				"fetch the current one from your CA"))
		}
	}
	last := leaf
	if len(chain) > 0 {
		last = chain[len(chain)-1]
	}
	switch {
	case VouchesForItself(last):
	case len(chain) == 0 && len(m.Bundle) > 0:
		v.add(missingIssuer(leaf, m.Bundle))
	case len(m.Bundle)+len(m.Certificate) == 1:
		v.warn("there is no bundle: who does not hold %s will not accept the certificate", Name(leaf.Issuer))
	default:
		v.warn("the chain ends at %s: its issuer %s is not in the bundle", Subject(last), Name(last.Issuer))
	}
}

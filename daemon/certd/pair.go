package certd

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/settings"
)

// pair is a key and its certificates as the settings name them, and what breaks
// with them.
type pair struct {
	key, certificate, bundle string
	domain                   string // "" when names are not judged
	effect                          // of bad ones
	command                  string // sets them
}

func (s *Service) inspectXMPP(v settings.Values, domain string) *inspection {
	i := s.inspect("xmpp")
	x := v.XMPP
	if x.Key == "" && x.Certificate == "" && !x.Enabled {
		i.good("", "XMPP is off and has no certificate")
		return i
	}
	s.inspectPair(i, pair{x.Key, x.Certificate, x.Bundle, domain,
		effect{"clients and Call Bridges can not connect", "clients and Call Bridges will refuse to connect"}, "xmpp certs <key> <certificate> [<bundle>]"})
	return i
}

func (s *Service) inspectWeb(v settings.Values) *inspection {
	i := s.inspect("web")
	w := v.Web
	if w.Key == "" && w.Certificate == "" {
		i.good("", "Web Admin makes itself a certificate: browsers ask whether to trust it")
		return i
	}
	s.inspectPair(i, pair{w.Key, w.Certificate, w.Bundle, "",
		effect{"browsers refuse Web Admin", "browsers will refuse Web Admin"}, "webadmin certs <key> <certificate> [<bundle>]"})
	return i
}

// inspectPair judges the files with each other, then each certificate on the
// way to the root.
func (s *Service) inspectPair(i *inspection, p pair) {
	if p.key == "" || p.certificate == "" {
		i.bad("", fault.Mend(fault.NotFound, "no key and certificate are set", p.command), p.now)
		return
	}
	m, ok := s.material(i, p)
	if !ok {
		return
	}
	verdict := pki.Check(m, i.now)
	sound := true
	for _, f := range verdict.Faults {
		if f.Code == fault.Expired || f.Code == fault.NotYetValid {
			continue // each has a line of its own below
		}
		sound = false
		i.bad(p.certificate, f, p.now)
	}
	if sound {
		i.good(p.certificate, "%s", matching(p, m.Certificate[0]))
	}
	path := append([]*x509.Certificate{m.Certificate[0]}, pki.Chain(m.Certificate[0], slices.Concat(m.Certificate[1:], m.Bundle), i.now)...)
	s.inspectRoot(i, p, path)
	for at, c := range path {
		file := p.certificate
		if !slices.ContainsFunc(m.Certificate, c.Equal) {
			file = p.bundle
		}
		i.until(file, pki.Role(path, at), c, p.effect)
	}
}

func matching(p pair, leaf *x509.Certificate) string {
	if p.domain == "" {
		return fmt.Sprintf("%s belongs to %s, which names %s", p.key, p.certificate, strings.Join(pki.Names(leaf), ", "))
	}
	return fmt.Sprintf("%s belongs to %s, which names %s", p.key, p.certificate, p.domain)
}

// material reads the files; one that can not be read is told.
func (s *Service) material(i *inspection, p pair) (m pki.Material, ok bool) {
	var keyErr, certErr, bundleErr error
	m.Domain = p.domain
	m.Key, keyErr = s.key(p.key)
	m.Certificate, certErr = s.certificates(p.certificate)
	if p.bundle != "" {
		m.Bundle, bundleErr = s.certificates(p.bundle)
	}
	for _, f := range []struct {
		file string
		err  error
	}{{p.key, keyErr}, {p.certificate, certErr}, {p.bundle, bundleErr}} {
		if f.err != nil {
			i.bad(f.file, f.err, p.now)
		}
	}
	return m, errors.Join(keyErr, certErr, bundleErr) == nil
}

// inspectRoot says where the chain ends, and so who will accept it.
func (s *Service) inspectRoot(i *inspection, p pair, path []*x509.Certificate) {
	last := path[len(path)-1]
	public := slices.ContainsFunc(path, s.public.Issued)
	switch {
	case public:
		i.good(p.certificate, "the chain leads to a public CA: clients accept it as it is")
	case len(path) == 1 && pki.VouchesForItself(last):
		i.good(p.certificate, "the certificate of %s is self-signed, not for production: who does not trust it in particular refuses it", pki.Subject(last))
	case pki.VouchesForItself(last):
		i.good(p.certificate, "the chain leads to %s, which is no public CA: clients need it among their trusted roots", pki.Subject(last))
	default:
		remedy := "add it to the bundle: " + p.command
		if file, ok := s.elsewhere(last); ok {
			remedy = fmt.Sprintf("%s has it: %s", file, p.command)
		} else if len(last.IssuingCertificateURL) > 0 {
			remedy = "fetch it from " + last.IssuingCertificateURL[0]
		}
		i.bad(p.certificate, fault.Mend(fault.Incomplete,
			fmt.Sprintf("the chain ends at %s, whose issuer %s is missing", pki.Subject(last), pki.Name(last.Issuer)), remedy),
			"who does not hold that issuer refuses the certificate")
	}
}

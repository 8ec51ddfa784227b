package settings

import (
	"fmt"
	"slices"
	"strings"
)

// DomainCertificate is what a node shows for one further domain.
type DomainCertificate struct {
	Domain                   string
	Key, Certificate, Bundle string // file names in the certificate store; Bundle may be ""
}

// String returns the form that stands in xmpp.certificates.
func (c DomainCertificate) String() string {
	return strings.TrimSpace(strings.Join([]string{c.Domain, c.Key, c.Certificate, c.Bundle}, " "))
}

// Dress returns the entries of xmpp.certificates with those of one domain
// replaced by entry, or removed where that is nil.
func Dress(entries []string, domain string, entry *DomainCertificate) []string {
	rest := slices.DeleteFunc(slices.Clone(entries), func(e string) bool { return strings.HasPrefix(e, domain+" ") })
	if entry != nil {
		rest = append(rest, entry.String())
	}
	return rest
}

// Certificates returns the entries of xmpp.certificates.
func (x XMPP) Certificates() []DomainCertificate {
	list := make([]DomainCertificate, 0, len(x.DomainCertificates))
	for _, s := range x.DomainCertificates {
		if c, err := parseDomainCertificate(s); err == nil {
			list = append(list, c)
		}
	}
	return list
}

func parseDomainCertificate(s string) (c DomainCertificate, err error) {
	f := strings.Fields(s)
	if len(f) < 3 || len(f) > 4 {
		return c, fmt.Errorf(`%q does not have the form "second.example second.key second.cer [ca.cer]"`, s)
	}
	c = DomainCertificate{Domain: f[0], Key: f[1], Certificate: f[2]}
	if len(f) == 4 {
		c.Bundle = f[3]
	}
	if err := domain(c.Domain); err != nil {
		return c, err
	}
	for _, file := range f[1:] {
		if err := fileName(file); err != nil {
			return c, err
		}
	}
	return c, nil
}

func domainCertificates(value any) error {
	var seen []string
	for _, s := range value.([]string) {
		c, err := parseDomainCertificate(s)
		if err != nil {
			return err
		}
		if slices.Contains(seen, c.Domain) {
			return fmt.Errorf("%s is there twice", c.Domain)
		}
		seen = append(seen, c.Domain)
	}
	return nil
}

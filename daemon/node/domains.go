package node

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/settings"
)

// The further domains are the cluster's; the certificate that a node shows for one
// is its own setting, as xmpp.certificate is.

// prepared returns a domain as addresses have it.
func prepared(domain string) (string, error) {
	j, err := jid.New("", domain, "")
	if err != nil {
		return "", fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a domain name", domain), "use letters, digits, dots and hyphens, like meet.example")
	}
	return j.Domain(), nil
}

// DomainAdd implements org.quorate.Xmpp1.
func (n *Node) DomainAdd(ctx context.Context, _ bus.Caller, domain string) error {
	name, err := prepared(domain)
	if err != nil {
		return err
	}
	_, err = n.propose(ctx, replica.AddDomain(name))
	return err
}

// DomainDel implements org.quorate.Xmpp1.
func (n *Node) DomainDel(ctx context.Context, _ bus.Caller, domain string) error {
	name, err := prepared(domain)
	if err != nil {
		return err
	}
	_, err = n.propose(ctx, replica.DeleteDomain(name))
	return err
}

// Domains implements org.quorate.Xmpp1.
func (n *Node) Domains(ctx context.Context) ([]bus.Domain, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.learned(); err != nil {
		return nil, err
	}
	s, files := i.cluster.State(), n.values.Load().XMPP.Certificates()
	var list []bus.Domain
	for _, d := range s.SortedDomains() {
		row := bus.Domain{Name: d.Name}
		if at := slices.IndexFunc(files, func(c settings.DomainCertificate) bool { return c.Domain == d.Name }); at >= 0 {
			row.Key, row.Certificate, row.Bundle = files[at].Key, files[at].Certificate, files[at].Bundle
		}
		for name := range s.Accounts {
			if strings.HasSuffix(name, "@"+d.Name) {
				row.Users++
			}
		}
		if err := n.dressed(d.Name); err != nil {
			row.Problem, row.Remedy = err.Message, err.Remedy
		}
		list = append(list, row)
	}
	return list, nil
}

// dressed says why this node has no certificate for a further domain.
func (n *Node) dressed(domain string) *fault.Error {
	m := n.keys.Load()
	if m.domains[domain] != nil || m.certificate != nil && pki.NamesDomain(m.certificate.Leaf, domain) == nil {
		return nil
	}
	return fault.Mend(fault.CertificateName, "this node has no certificate that names "+domain,
		"xmpp multi_domain add "+domain+" <key> <certificate> [<bundle>]")
}

// undressed are the faults of all further domains.
func (n *Node) undressed(s *replica.State) []bus.Fault {
	var list []bus.Fault
	for _, d := range s.SortedDomains() {
		if err := n.dressed(d.Name); err != nil {
			list = append(list, faultOf(err))
		}
	}
	return list
}

// shown is the certificate for a client that asks for a domain by SNI or, before
// STARTTLS, by its stream header. What is no further domain gets that of the XMPP
// domain, whose name or host name it may be.
func (n *Node) shown(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if m := n.keys.Load(); len(m.domains) > 0 {
		if name, err := prepared(hello.ServerName); err == nil && m.domains[name] != nil {
			return m.domains[name], nil
		}
	}
	return n.meshCertificate()
}

// readDomains fetches the certificates of the further domains; one that can not
// be read stays as it was.
func (n *Node) readDomains(ctx context.Context, v *settings.Values, old map[string]*tls.Certificate) (map[string]*tls.Certificate, []error) {
	domains, errs := map[string]*tls.Certificate{}, []error(nil)
	for _, d := range v.XMPP.Certificates() {
		c, err := n.readPair(ctx, d.Key, d.Certificate, d.Bundle)
		if err != nil {
			c, errs = old[d.Domain], append(errs, err)
		}
		domains[d.Domain] = c
	}
	return domains, errs
}

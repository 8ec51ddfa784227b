package certd

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/settings"
)

// inspectCluster judges whom this node trusts, and whether the others will go
// on trusting it.
func (s *Service) inspectCluster(ctx context.Context, v settings.Values, domain string) *inspection {
	i := s.inspect("cluster")
	file := v.Cluster.Trust
	if file == "" {
		i.good("", "no trust file is set: this node is in no cluster of several nodes")
		return i
	}
	trust := s.inspectTrust(i, file, s.public, "no other node can be a peer",
		effect{"nodes that it vouches for are refused as peers", "nodes that it vouches for will be refused as peers"})
	if trust == nil || v.XMPP.Certificate == "" {
		return i
	}
	path, err := s.path(v.XMPP)
	if err != nil {
		i.bad(v.XMPP.Certificate, err, "no node accepts this one as a peer")
		return i
	}
	steps, err := s.opinions(ctx, v)
	if err != nil { // a node that is down answers late, and is told of by the cluster's own state
		i.good(v.XMPP.Certificate, "it is not known now whether the other nodes accept this one: not all of them answer in time")
	}
	s.inspectAcceptance(i, v.XMPP, trust, path, domain, steps)
	return i
}

// inspectTrust judges a file of trusted certificates, one by one.
func (s *Service) inspectTrust(i *inspection, file string, public *pki.PublicRoots, without string, ends effect) *pki.Trust {
	certs, err := s.certificates(file)
	if err != nil {
		i.bad(file, err, without)
		return nil
	}
	trust, err := pki.NewTrust(certs, public)
	if err != nil {
		i.bad(file, err, without)
		return nil
	}
	for _, c := range certs {
		role, breaks := "certificate", effect{} // what is no CA is known by its key, and no date ends that
		if c.IsCA {
			role, breaks = "CA certificate", ends
		}
		i.until(file, role, c, breaks)
	}
	return trust
}

// inspectAcceptance says who refuses this node now, and who will when a
// certificate of its chain ends.
func (s *Service) inspectAcceptance(i *inspection, x settings.XMPP, trust *pki.Trust, path []*x509.Certificate, domain string, steps []bus.Step) {
	refuse, silent := votes(steps)
	switch {
	case len(refuse) > 0:
		i.bad(x.Certificate, fault.Mend(fault.Trust, strings.Join(refuse, "; "),
			"add its certificate to their trust file: xmpp cluster trust <bundle>"), "this node is parted from its cluster")
	case len(steps) > len(silent):
		i.good(x.Certificate, "%s", accepted(steps, silent))
	}
	end := slices.MinFunc(path, func(a, b *x509.Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
	breaks := effect{}
	if _, err := trust.Accept(path, domain, pki.Names(path[0]), end.NotAfter.Add(time.Second)); err != nil {
		who := others(steps)
		breaks = effect{who + " refuse this node as a peer", who + " will refuse this node as a peer"}
	}
	file := x.Certificate
	if certs, err := s.certificates(file); err == nil && !slices.ContainsFunc(certs, end.Equal) {
		file = x.Bundle
	}
	i.until(file, pki.Role(path, slices.Index(path, end)), end, breaks)
}

func accepted(steps []bus.Step, silent []string) string {
	var names []string
	for _, p := range steps {
		if !slices.Contains(silent, p.Name) {
			names = append(names, p.Name)
		}
	}
	text := all(names) + " would accept this node's certificate"
	if len(silent) > 0 {
		text += fmt.Sprintf("; %s did not answer", all(silent))
	}
	return text
}

func others(steps []bus.Step) string {
	var names []string
	for _, p := range steps {
		names = append(names, p.Name)
	}
	if len(names) == 0 {
		return "the other nodes"
	}
	return all(names)
}

// path is the certificate in use with the issuers its files hold.
func (s *Service) path(x settings.XMPP) ([]*x509.Certificate, error) {
	certs, err := s.certificates(x.Certificate)
	if err != nil {
		return nil, err
	}
	var bundle []*x509.Certificate
	if x.Bundle != "" {
		if bundle, err = s.certificates(x.Bundle); err != nil {
			return nil, err
		}
	}
	return pki.HandshakeChain(certs, bundle, s.now()), nil
}

// inspectCallBridge judges whom the Call Bridge of this node trusts.
func (s *Service) inspectCallBridge(v settings.Values, domain string) *inspection {
	i := s.inspect("callbridge")
	b := v.CallBridge
	switch {
	case b.Name == "" && b.Trust == "":
		i.good("", "this node runs no Call Bridge")
		return i
	case b.Trust == "":
		i.good("", "the Call Bridge trusts xmpp.bundle, cluster.trust and the public CAs")
		return i
	}
	trust := s.inspectTrust(i, b.Trust, nil, "the Call Bridge can not connect",
		effect{"the Call Bridge refuses servers that it vouches for", "the Call Bridge will refuse servers that it vouches for"})
	if trust == nil || b.Domain != domain || v.XMPP.Certificate == "" {
		return i
	}
	if path, err := s.path(v.XMPP); err == nil {
		if _, err := trust.Accept(path, domain, nil, i.now); err != nil {
			i.bad(b.Trust, fault.Mend(fault.Trust, fmt.Sprintf("%s holds neither the certificate in %s nor its CA", b.Trust, v.XMPP.Certificate),
				"add one of them to "+b.Trust), "the Call Bridge refuses this node's XMPP service")
		}
	}
	return i
}

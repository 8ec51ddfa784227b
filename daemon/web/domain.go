package web

import (
	"context"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/settings"
)

// addDomain does what `xmpp multi_domain add` does: the domain is the cluster's,
// the certificate this node's.
func addDomain(ctx context.Context, v *visit) (string, error) {
	j, err := jid.New("", v.required("further", "give the domain, as in second.example"), "")
	if err != nil {
		v.blame("further", "this is no domain name")
	}
	entry := settings.DomainCertificate{Domain: j.Domain(), Key: v.text("further-key"), Certificate: v.text("further-certificate"), Bundle: v.text("further-bundle")}
	if entry.Key != "" && entry.Certificate == "" {
		v.blame("further-certificate", "choose the certificate that belongs to the key")
	}
	if err := v.refusal(); err != nil {
		return "", err
	}
	warnings := ""
	if entry.Key != "" {
		list, err := v.session.bus.Certificates().Check(ctx, entry.Key, entry.Certificate, entry.Bundle, entry.Domain)
		if err != nil {
			return "", v.about("further-certificate", err)
		}
		warnings = warned(list)
	}
	if err := v.session.bus.Xmpp().DomainAdd(ctx, entry.Domain); err != nil {
		return "", v.about("further", err)
	}
	if entry.Key == "" {
		return "domain " + entry.Domain + " added", nil
	}
	return v.dress(ctx, entry.Domain, &entry, "domain "+entry.Domain+" added"+warnings)
}

func deleteDomain(ctx context.Context, v *visit) (string, error) {
	name := v.text("further")
	if err := v.session.bus.Xmpp().DomainDel(ctx, name); err != nil {
		return "", err
	}
	return v.dress(ctx, name, nil, "domain "+name+" removed")
}

// dress sets what this node shows for a domain.
func (v *visit) dress(ctx context.Context, domain string, entry *settings.DomainCertificate, done string) (string, error) {
	have, err := inForce(ctx, v.session.bus)
	if err != nil {
		return "", err
	}
	entries := have.XMPP.DomainCertificates
	if entry == nil && len(settings.Dress(entries, domain, nil)) == len(entries) {
		return done, nil
	}
	return v.set(ctx, map[string]any{"xmpp.certificates": settings.Dress(entries, domain, entry)}, done)
}

package shell

import (
	"context"
	"slices"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/settings"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func domainCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp multi_domain add", Role: grammar.Admin,
			Args: []grammar.Arg{
				{Name: "domain", Kind: grammar.Domain},
				{Name: "key", Kind: grammar.Key, Optional: true},
				{Name: "certificate", Kind: grammar.Cert, Optional: true},
				{Name: "bundle", Kind: grammar.Cert, Optional: true},
			},
			Help: "Serve a further domain, with a certificate of its own",
			Long: "The domain is the cluster's, with users of its own: xmpp user add <name>@<domain>. Key and certificate are this\n" +
				"node's: give the command on every node. They may be left out where the certificate of xmpp certs names the domain.",
		}, domainAdd},
		{grammar.Command{
			Words: "xmpp multi_domain del", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "domain", Kind: grammar.Domain}},
			Help: "Serve a further domain no longer",
			Long: "Its streams end. A domain that still has users is refused.",
		}, domainDel},
		{grammar.Command{
			Words: "xmpp multi_domain list", Also: []string{"xmpp multi_domain"}, Shows: true,
			Help: "List the further domains and what this node shows for them",
		}, domainList},
	}
}

func domainAdd(ctx context.Context, s *Shell, c grammar.Call) error {
	name, err := domainName(c.Arg(0))
	if err != nil {
		return err
	}
	entry := settings.DomainCertificate{Domain: name, Key: c.Arg(1), Certificate: c.Arg(2), Bundle: c.Arg(3)}
	if entry.Key != "" && entry.Certificate == "" {
		return fault.Mend(fault.InvalidArgument, "the certificate of "+entry.Key+" is missing", "xmpp multi_domain add "+name+" <key> <certificate> [<bundle>]")
	}
	if entry.Key != "" {
		if err := s.checkPair(ctx, entry.Key, entry.Certificate, entry.Bundle, name); err != nil {
			return err
		}
	}
	if err := s.conn.Xmpp().DomainAdd(ctx, name); err != nil {
		return err
	}
	if entry.Key == "" {
		s.success("domain %s added", name)
		return nil
	}
	return s.dress(ctx, name, "domain "+name+" added", &entry)
}

// domainName is the form that addresses have.
func domainName(typed string) (string, error) {
	j, err := jid.New("", typed, "")
	if err != nil {
		return "", fault.Mend(fault.InvalidArgument, typed+" is not a domain name", "give a name such as second.example")
	}
	return j.Domain(), nil
}

// dress replaces what this node shows for a domain.
func (s *Shell) dress(ctx context.Context, domain, done string, entry *settings.DomainCertificate) error {
	values, err := s.values(ctx)
	if err != nil {
		return err
	}
	have, _ := values["xmpp.certificates"].([]string)
	want := settings.Dress(have, domain, entry)
	if slices.Equal(want, have) {
		s.success("%s", done)
		return nil
	}
	return s.set(ctx, map[string]any{"xmpp.certificates": want}, done)
}

func domainDel(ctx context.Context, s *Shell, c grammar.Call) error {
	name, err := domainName(c.Arg(0))
	if err != nil {
		return err
	}
	if err := s.conn.Xmpp().DomainDel(ctx, name); err != nil {
		return err
	}
	return s.dress(ctx, name, "domain "+name+" removed", nil)
}

func domainList(ctx context.Context, s *Shell, c grammar.Call) error {
	domains, err := s.conn.Xmpp().Domains(ctx)
	if err != nil {
		return err
	}
	if err := s.show(c, domains, layout.Domains(domains)); err != nil {
		return err
	}
	for _, d := range domains {
		if d.Problem != "" && !c.Flags[grammar.JSON] {
			s.warning(d.Problem, d.Remedy)
		}
	}
	return nil
}

package shell

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

// portKeys are the settings behind `xmpp port`.
var portKeys = map[string]string{
	"client":    "xmpp.client_port",
	"component": "xmpp.component_port",
	"cluster":   "cluster.port",
	"gossip":    "gossip.port",
}

func settingCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp listen", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "interface", Kind: grammar.Letter, Many: true}},
			Help: "Set the interfaces the XMPP server listens on",
			Long: "Interfaces are letters, a to d, or addresses of this node.",
		}, xmppListen},
		{grammar.Command{
			Words: "xmpp certs", Role: grammar.Admin,
			Args: []grammar.Arg{
				{Name: "key", Kind: grammar.Key},
				{Name: "certificate", Kind: grammar.Cert},
				{Name: "bundle", Kind: grammar.Cert, Optional: true},
			},
			Help: "Set the key, the certificate and the bundle of its issuers",
			Long: "Refuses a key that does not match, a certificate that is not valid now, and one that does not name the domain.",
		}, xmppCerts},
		{grammar.Command{
			Words: "xmpp certs none", Role: grammar.Admin,
			Help: "Use no certificate any more",
		}, xmppCertsNone},
		{grammar.Command{
			Words: "xmpp port", Role: grammar.Admin,
			Args: []grammar.Arg{
				{Name: "which", Kind: grammar.Choice, Choices: []string{"client", "component", "cluster", "gossip"}},
				{Name: "number", Kind: grammar.Number},
			},
			Help: "Set a port",
		}, xmppPort},
		{grammar.Command{
			Words: "xmpp cluster trust", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "bundle", Kind: grammar.Cert}},
			Help: "Set whom this node trusts as a peer",
			Long: "The file holds the peers' own certificates, one shared certificate, or the CA that issued them.",
		}, clusterTrust},
	}
}

func xmppListen(ctx context.Context, s *Shell, c grammar.Call) error {
	interfaces := strings.FieldsFunc(strings.Join(c.Args, ","), func(r rune) bool { return r == ',' })
	for i, name := range interfaces {
		if len(name) == 1 {
			interfaces[i] = strings.ToLower(name)
		}
	}
	return s.set(ctx, map[string]any{"xmpp.listen": interfaces},
		"XMPP server listens on "+strings.Join(interfaces, " "))
}

func xmppCerts(ctx context.Context, s *Shell, c grammar.Call) error {
	domain, err := s.domain(ctx)
	if err != nil {
		return err
	}
	key, cert, bundle := c.Arg(0), c.Arg(1), c.Arg(2)
	if err := s.checkPair(ctx, key, cert, bundle, domain); err != nil {
		return err
	}
	return s.set(ctx, certificateSettings(key, cert, bundle), "XMPP certificate set")
}

// checkPair refuses a key and certificate that can not serve the domain.
func (s *Shell) checkPair(ctx context.Context, key, cert, bundle, domain string) error {
	warnings, err := s.conn.Certificates().Check(ctx, key, cert, bundle, domain)
	if err != nil {
		return err
	}
	for _, w := range warnings {
		s.warning(w, "")
	}
	s.success("Key and certificate pair match")
	return nil
}

func certificateSettings(key, cert, bundle string) map[string]any {
	return map[string]any{"xmpp.key": key, "xmpp.certificate": cert, "xmpp.bundle": bundle}
}

// domain returns the XMPP domain, or "" when none is set yet.
func (s *Shell) domain(ctx context.Context) (string, error) {
	status, err := s.status(ctx)
	return status.Domain, err
}

func xmppCertsNone(ctx context.Context, s *Shell, _ grammar.Call) error {
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	if status.Enabled {
		return fault.Mend(fault.WrongState, "the XMPP server is enabled and needs its certificate", "xmpp disable")
	}
	if status.Clustered && status.State != notJoined {
		return fault.Mend(fault.WrongState, "the nodes of a cluster know each other by their certificates",
			"xmpp cluster disable first; or set another one: xmpp certs <key> <certificate> [<bundle>]")
	}
	return s.set(ctx, certificateSettings("", "", ""), "XMPP certificate removed")
}

func xmppPort(ctx context.Context, s *Shell, c grammar.Call) error {
	which := strings.ToLower(c.Arg(0))
	port, err := parsePort(c.Arg(1))
	if err != nil {
		return err
	}
	return s.set(ctx, map[string]any{portKeys[which]: int64(port)}, fmt.Sprintf("XMPP %s port set to %d", which, port))
}

func parsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || port < 1 || port > 65535 {
		return 0, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a port", text), "give a number from 1 to 65535")
	}
	return port, nil
}

func clusterTrust(ctx context.Context, s *Shell, c grammar.Call) error {
	warnings, err := s.conn.Certificates().CheckTrust(ctx, c.Arg(0))
	if err != nil {
		return err
	}
	for _, w := range warnings {
		s.warning(w, "")
	}
	return s.set(ctx, map[string]any{"cluster.trust": c.Arg(0)}, "cluster trust set to "+c.Arg(0))
}

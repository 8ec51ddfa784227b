package shell

import (
	"context"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

const xmppUnit = "quorate-xmpp.service"

func xmppCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp status", Also: []string{"xmpp"}, Shows: true,
			Help: "Show the XMPP server of this node",
			Long: "Answers for this node alone, whatever state the cluster is in.",
		}, xmppStatus},
		{grammar.Command{
			Words: "xmpp enable", Role: grammar.Admin,
			Help: "Open the client and component ports",
			Long: "Checks domain, key pair, validity and interfaces first, one line each, and changes nothing when one of them\n" +
				"fails. On a node that is enabled for a cluster and has not joined, the ports wait until it has.",
		}, xmppEnable},
		{grammar.Command{
			Words: "xmpp disable", Role: grammar.Admin,
			Help: "Close the client and component ports and drop their streams",
			Long: "Nothing else: the node stays a member of its cluster, with its vote.",
		}, xmppDisable},
		{grammar.Command{
			Words: "xmpp restart", Role: grammar.Admin,
			Help: "Restart the XMPP service",
			Long: "A leader hands its office over first.",
		}, xmppRestart},
		{grammar.Command{
			Words: "xmpp reset", Role: grammar.Admin,
			Flags: []grammar.Flag{{Name: "force", Help: "reset even when the node can not leave its cluster, and do not ask"}, yes},
			Help:  "Clear everything under xmpp on this node",
			Long: "Leaves the cluster first, clears domain, call bridges, accounts and settings, and gives the node a new node ID.\n" +
				"Certificates stay in the store, and what a person wrote in quorate.toml stays in force.",
		}, xmppReset},
		{grammar.Command{
			Words: "xmpp domain", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "domain", Kind: grammar.Domain}},
			Help: "Set the XMPP domain",
		}, xmppDomain},
	}
}

func xmppStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	status, err := s.status(ctx)
	if err != nil {
		return err
	}
	return s.show(c, status, layout.Xmpp(status))
}

// status asks the XMPP service, and when that does not run, the configuration.
func (s *Shell) status(ctx context.Context) (bus.XmppStatus, error) {
	status, err := s.conn.Xmpp().Status(ctx)
	if !absent(err) {
		return status, err
	}
	values, configErr := s.values(ctx)
	if configErr != nil {
		return bus.XmppStatus{}, err
	}
	status = configured(values)
	f := asFault(err)
	status.Faults = []bus.Fault{{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy}}
	return status, nil
}

// configured is the part of the status that the settings tell.
func configured(v map[string]any) bus.XmppStatus {
	text := func(key string) string { t, _ := v[key].(string); return t }
	enabled, _ := v["xmpp.enabled"].(bool)
	listen, _ := v["xmpp.listen"].([]string)
	return bus.XmppStatus{
		Enabled: enabled, Domain: text("xmpp.domain"), Listen: listen,
		Key: text("xmpp.key"), Certificate: text("xmpp.certificate"), Bundle: text("xmpp.bundle"),
		Trust:      text("cluster.trust"),
		ClientPort: number(v["xmpp.client_port"]), ComponentPort: number(v["xmpp.component_port"]),
		ClusterPort: number(v["cluster.port"]),
	}
}

func number(v any) int {
	switch n := v.(type) {
	case int64:
		return int(n)
	case uint64:
		return int(n)
	}
	return 0
}

func xmppEnable(ctx context.Context, s *Shell, _ grammar.Call) error {
	steps, err := s.conn.Xmpp().Preflight(ctx)
	if err != nil {
		return err
	}
	if !s.steps(steps) {
		return errSaid
	}
	// Whatever is wrong now, known or not, is a reason why it is not in service.
	if err := s.setKnowing(ctx, nil, map[string]any{"xmpp.enabled": true}, "XMPP server enabled"); err != nil {
		return err
	}
	if status, err := s.status(ctx); err == nil && status.State == notJoined {
		s.warning("this node has not joined a cluster and serves no traffic until it has", "xmpp cluster join <member>")
	}
	return nil
}

// notJoined is the state of a node that is enabled for a cluster and in none.
const notJoined = "NOT JOINED"

func xmppDisable(ctx context.Context, s *Shell, _ grammar.Call) error {
	return s.set(ctx, map[string]any{"xmpp.enabled": false}, "XMPP server disabled")
}

func xmppRestart(ctx context.Context, s *Shell, _ grammar.Call) error {
	if err := s.conn.Config().UnitAction(ctx, xmppUnit, "restart"); err != nil {
		return err
	}
	s.success("XMPP service restarted")
	return nil
}

func xmppReset(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.confirm(c, "Everything under xmpp on this node will be cleared. Are you sure?"); err != nil {
		return err
	}
	if err := s.conn.Xmpp().Reset(ctx, c.Flags["force"]); err != nil {
		return err
	}
	// The settings go last: leaving the cluster takes the node's certificate.
	keys, err := s.xmppKeys(ctx)
	if err != nil {
		return err
	}
	return s.unset(ctx, keys, "XMPP configuration cleared, this node has a new node ID")
}

// xmppKeys lists the settings that the commands under xmpp make.
func (s *Shell) xmppKeys(ctx context.Context) ([]string, error) {
	settings, err := s.conn.Config().Settings(ctx)
	var keys []string
	for _, x := range settings {
		if section, _, _ := strings.Cut(x.Key, "."); section == "xmpp" || section == "cluster" || section == "gossip" {
			keys = append(keys, x.Key)
		}
	}
	return keys, err
}

func xmppDomain(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Xmpp().SetDomain(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("XMPP domain set to %s", strings.ToLower(c.Arg(0)))
	return nil
}

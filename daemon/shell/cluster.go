package shell

import (
	"context"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func clusterCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp cluster status", Also: []string{"xmpp cluster"}, Shows: true,
			Help: "Show the cluster as this node sees it",
		}, clusterStatus},
		{grammar.Command{
			Words: "xmpp cluster enable", Role: grammar.Admin,
			Help: "Make a standalone node ready to initialize or join a cluster",
		}, act("cluster enabled; next is xmpp cluster initialize on the first node, xmpp cluster join on the others", (*bus.Xmpp).ClusterEnable)},
		{grammar.Command{
			Words: "xmpp cluster disable", Role: grammar.Admin,
			Help: "Make the node standalone again, with a copy of the configuration",
			Long: "A member leaves its cluster first.",
		}, act("cluster disabled, this node is standalone", (*bus.Xmpp).ClusterDisable)},
		{grammar.Command{
			Words: "xmpp cluster initialize", Role: grammar.Admin,
			Help: "Make this node the first member of a new cluster",
			Long: "Domain, call bridges and accounts of the node become the cluster's first state, secrets unchanged.",
		}, act("cluster initialized, this node is its first member", (*bus.Xmpp).ClusterInitialize)},
		{grammar.Command{
			Words: "xmpp cluster join", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "member", Kind: grammar.Host}},
			Help: "Join the cluster of which the host is a member",
			Long: "The host is the name or the address of any member. Returns when this node has its vote, or with the reason,\n" +
				"within 30 seconds.",
		}, clusterJoin},
		{grammar.Command{
			Words: "xmpp cluster remove", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "node", Kind: grammar.Node, Optional: true}},
			Help: "Take this node, or a dead one, out of the cluster",
			Long: "A dead node is given by its name, node ID or address.",
		}, clusterRemove},
		{grammar.Command{
			Words: "xmpp cluster recover", Role: grammar.Admin,
			Flags: []grammar.Flag{{Name: "force", Help: "do it; without this the command only says what may be lost"}},
			Help:  "Make the survivor of a lost majority a cluster of one",
		}, clusterRecover},
	}
}

// act is a command that is one call of the XMPP service.
func act(done string, call func(*bus.Xmpp, context.Context) error) run {
	return func(ctx context.Context, s *Shell, _ grammar.Call) error {
		if err := call(s.conn.Xmpp(), ctx); err != nil {
			return err
		}
		s.success("%s", done)
		return nil
	}
}

func clusterStatus(ctx context.Context, s *Shell, c grammar.Call) error {
	status, err := s.conn.Xmpp().ClusterStatus(ctx)
	if err != nil {
		return err
	}
	return s.show(c, status, layout.Cluster(status))
}

func clusterJoin(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Xmpp().ClusterJoin(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("joined the cluster of %s", c.Arg(0))
	return nil
}

func clusterRemove(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Xmpp().ClusterRemove(ctx, c.Arg(0)); err != nil {
		return err
	}
	if c.Arg(0) == "" {
		s.success("this node has left the cluster")
		return nil
	}
	s.success("%s removed from the cluster", c.Arg(0))
	return nil
}

// clusterRecover always says what may be lost before it is lost.
func clusterRecover(ctx context.Context, s *Shell, c grammar.Call) error {
	risk, err := s.conn.Xmpp().ClusterRecover(ctx, false)
	if err != nil {
		return err
	}
	s.say(strings.TrimSpace(risk) + "\n")
	if !c.Flags["force"] {
		return fault.Mend(fault.WrongState, "nothing was changed", "xmpp cluster recover --force")
	}
	if _, err := s.conn.Xmpp().ClusterRecover(ctx, true); err != nil {
		return err
	}
	s.success("this node is a cluster of one; join fresh nodes to it")
	return nil
}

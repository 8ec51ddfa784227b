package shell

import (
	"context"
	"slices"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

// bridgeCheckCommands ask all members for something at once.
func bridgeCheckCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp callbridge check", Shows: true,
			Help: "Compare the call bridges of all members",
			Long: "Each member tells a digest of each secret, made anew for every check; the leader's are the measure. Secrets in a\n" +
				"node's own settings are compared too. Exits with 1 when anything differs or a member does not answer.",
		}, callBridgeCheck},
		{grammar.Command{
			Words: "xmpp cluster rotate", Role: grammar.Admin,
			Help: "Give the cluster a new gossip key",
			Long: "All members take it in before any uses it; one that is off gets it when it is back.",
		}, act("the cluster has a new gossip key", (*bus.Xmpp).RotateGossipKey)},
	}
}

func callBridgeCheck(ctx context.Context, s *Shell, c grammar.Call) error {
	list, err := s.conn.Xmpp().CallBridgeCheck(ctx)
	if err != nil {
		return err
	}
	if err := s.show(c, list, layout.CheckedBridges(list)); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(b bus.CheckedBridge) bool { return !b.OK }) {
		return errSaid
	}
	return nil
}

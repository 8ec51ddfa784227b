package shell

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func callBridgeCommands() []command {
	name := []grammar.Arg{{Name: "name", Kind: grammar.CallBridge}}
	newName := []grammar.Arg{{Name: "name"}}
	return []command{
		{grammar.Command{
			Words: "xmpp callbridge add", Role: grammar.Admin, Args: newName,
			Help: "Register a call bridge and print its new secret",
		}, callBridgeAdd},
		{grammar.Command{
			Words: "xmpp callbridge add-secret", Role: grammar.Admin, Args: name,
			Help: "Register a call bridge with a secret made on another node",
			Long: "Asks for the secret. On a member of a cluster it succeeds when the secret is the cluster's.",
		}, callBridgeAddSecret},
		{grammar.Command{
			Words: "xmpp callbridge list", Also: []string{"xmpp callbridge"}, Shows: true,
			Help: "List the call bridges, for administrators with their secrets",
		}, callBridgeList},
		{grammar.Command{
			Words: "xmpp callbridge del", Role: grammar.Admin, Args: name,
			Help: "Remove a call bridge",
		}, callBridgeDel},
	}
}

func callBridgeAdd(ctx context.Context, s *Shell, c grammar.Call) error {
	secret, err := s.conn.Xmpp().CallBridgeAdd(ctx, c.Arg(0))
	if err != nil {
		return err
	}
	s.success("call bridge %s added", c.Arg(0))
	s.say(layout.Block(0, []layout.Field{{Label: "Callbridge", Value: c.Arg(0)}, {Label: "Secret", Value: secret}}))
	return nil
}

func callBridgeAddSecret(ctx context.Context, s *Shell, c grammar.Call) error {
	secret, err := s.secret("Enter callbridge secret")
	if err != nil {
		return err
	}
	if err := s.conn.Xmpp().CallBridgeAddSecret(ctx, c.Arg(0), secret); err != nil {
		return err
	}
	s.success("call bridge %s added", c.Arg(0))
	return nil
}

func callBridgeList(ctx context.Context, s *Shell, c grammar.Call) error {
	bridges, err := s.conn.Xmpp().CallBridges(ctx)
	if err != nil {
		return err
	}
	bridges = masked(bridges, s.cfg.Role)
	return s.show(c, bridges, layout.CallBridges(bridges))
}

// masked hides the secrets from operators. The service has done so already; the
// shell does not count on it.
func masked(bridges []bus.CallBridge, role grammar.Role) []bus.CallBridge {
	if role == grammar.Admin {
		return bridges
	}
	hidden := make([]bus.CallBridge, len(bridges))
	for i, b := range bridges {
		b.Secret = "********"
		hidden[i] = b
	}
	return hidden
}

func callBridgeDel(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Xmpp().CallBridgeDel(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("call bridge %s removed", c.Arg(0))
	return nil
}

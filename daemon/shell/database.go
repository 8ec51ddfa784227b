package shell

import (
	"context"

	"quorate.org/daemon/shell/grammar"
)

func databaseCommands() []command {
	return []command{{grammar.Command{
		Words: "database cluster", Also: []string{"database"}, Raw: true,
		Args: []grammar.Arg{{Name: "anything", Optional: true, Many: true}},
		Help: "Not needed here: the state of the cluster is replicated",
	}, database}}
}

func database(_ context.Context, s *Shell, _ grammar.Call) error {
	s.success("no database cluster is needed: the state of the XMPP cluster is replicated between its members")
	s.say("See: xmpp cluster status\n")
	return nil
}

package shell

import (
	"context"

	"quorate.org/daemon/shell/grammar"
)

func helpCommands() []command {
	return []command{
		{grammar.Command{
			Words: "help", Also: []string{"?"},
			Args: []grammar.Arg{{Name: "command", Kind: grammar.Topic, Optional: true, Many: true}},
			Help: "List the commands, or explain one",
		}, help},
		{grammar.Command{
			Words: "exit", Also: []string{"quit", "logout"},
			Help: "End the session",
		}, exit},
	}
}

func help(_ context.Context, s *Shell, c grammar.Call) error {
	text, found := s.tree.Help(c.Args)
	if !found {
		return s.tree.Unknown(c.Args)
	}
	s.say(text)
	return nil
}

func exit(_ context.Context, s *Shell, _ grammar.Call) error {
	s.left = true
	return nil
}

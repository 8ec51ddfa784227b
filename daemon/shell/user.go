package shell

import (
	"context"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/shell/grammar"
	"quorate.org/daemon/shell/layout"
)

func userCommands() []command {
	return []command{
		{grammar.Command{
			Words: "xmpp user add", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "name"}},
			Help: "Create a local account; asks for its password",
		}, withPassword("user %s added", (*bus.Xmpp).UserAdd)},
		{grammar.Command{
			Words: "xmpp user passwd", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "name", Kind: grammar.User}},
			Help: "Set the password of a local account",
		}, withPassword("password of %s set", (*bus.Xmpp).UserPasswd)},
		{grammar.Command{
			Words: "xmpp user del", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "name", Kind: grammar.User}},
			Help: "Remove a local account and end its sessions",
		}, userDel},
		{grammar.Command{
			Words: "xmpp user list", Also: []string{"xmpp user"}, Shows: true,
			Help: "List the local accounts",
		}, userList},
	}
}

// withPassword is a command that asks for the password of the named account.
func withPassword(done string, call func(x *bus.Xmpp, ctx context.Context, name, password string) error) run {
	return func(ctx context.Context, s *Shell, c grammar.Call) error {
		password, err := s.newSecret("Enter password")
		if err != nil {
			return err
		}
		if err := call(s.conn.Xmpp(), ctx, c.Arg(0), password); err != nil {
			return err
		}
		s.success(done, c.Arg(0))
		return nil
	}
}

func userDel(ctx context.Context, s *Shell, c grammar.Call) error {
	if err := s.conn.Xmpp().UserDel(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.success("user %s removed", c.Arg(0))
	return nil
}

func userList(ctx context.Context, s *Shell, c grammar.Call) error {
	users, err := s.conn.Xmpp().Users(ctx)
	if err != nil {
		return err
	}
	return s.show(c, users, layout.Users(users))
}

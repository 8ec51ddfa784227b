package shell

import (
	"context"
	"fmt"

	"quorate.org/daemon/shell/grammar"
)

func machineCommands() []command {
	return []command{
		{grammar.Command{
			Words: "hostname", Shows: true,
			Args: []grammar.Arg{{Name: "name", Optional: true}},
			Help: "Show or set the host name; setting is for administrators",
		}, hostname},
		{grammar.Command{
			Words: "timezone", Shows: true,
			Args: []grammar.Arg{{Name: "name", Optional: true}},
			Help: "Show or set the time zone; setting is for administrators",
			Long: "For example: timezone Europe/Vienna. The log stays in UTC.",
		}, timezone},
		{grammar.Command{
			Words: "timezone list", Shows: true,
			Help: "List the time zones",
		}, zoneList},
		{grammar.Command{
			Words: "keyboard", Shows: true,
			Args: []grammar.Arg{{Name: "layout", Optional: true}},
			Help: "Show or set the layout of the keyboard at the machine",
			Long: "It is for the console on VGA; over SSH and the serial port the keyboard is the terminal's. K at the console does\n" +
				"the same.",
		}, keyboard},
		{grammar.Command{
			Words: "keyboard list", Shows: true,
			Help: "List the layouts of keyboards",
		}, keyboardList},
		{grammar.Command{
			Words: "banner", Shows: true,
			Help: "Show what SSH shows before anybody signs in",
		}, banner},
		{grammar.Command{
			Words: "banner set", Role: grammar.Admin,
			Args: []grammar.Arg{{Name: "text", Many: true}},
			Help: "Set what SSH shows before anybody signs in",
			Long: "Words in quotes are a line each: banner set \"Property of Example Ltd.\" \"Keep out.\"",
		}, bannerSet},
		{grammar.Command{
			Words: "banner del", Role: grammar.Admin,
			Help: "Show nothing before the sign-in",
		}, bannerDel},
		{grammar.Command{
			Words: "reboot", Role: grammar.Admin, Flags: []grammar.Flag{yes},
			Help: "Restart the node",
			Long: "A leader hands its office over first.",
		}, power("reboot", "The node will restart. Are you sure?", "restarting")},
		{grammar.Command{
			Words: "shutdown", Role: grammar.Admin, Flags: []grammar.Flag{yes},
			Help: "Switch the node off",
			Long: "A leader hands its office over first.",
		}, power("poweroff", "The node will be switched off. Are you sure?", "shutting down")},
	}
}

func hostname(ctx context.Context, s *Shell, c grammar.Call) error {
	if c.Arg(0) == "" {
		name, err := s.conn.Config().Hostname(ctx)
		if absent(err) {
			name, err = s.cfg.Hostname, nil
		}
		if err != nil {
			return err
		}
		return s.show(c, map[string]string{"hostname": name}, name+"\n")
	}
	if err := s.conn.Config().SetHostname(ctx, c.Arg(0)); err != nil {
		return err
	}
	s.cfg.Hostname = c.Arg(0)
	s.success("host name set to %s", c.Arg(0))
	return nil
}

func power(act, question, done string) run {
	return func(ctx context.Context, s *Shell, c grammar.Call) error {
		if err := s.confirm(c, question); err != nil {
			return err
		}
		if err := s.conn.Config().Power(ctx, act); err != nil {
			return fmt.Errorf("asking for %s: %w", act, err)
		}
		s.success("%s", done)
		return nil
	}
}

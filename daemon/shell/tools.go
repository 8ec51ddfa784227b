package shell

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/shell/grammar"
)

func toolCommands() []command {
	return []command{
		{grammar.Command{
			Words: "systemctl", Role: grammar.Admin, Raw: true,
			Args: []grammar.Arg{{Name: "argument", Kind: grammar.Unit, Optional: true, Many: true}},
			Help: "Look at and control the services, as in any shell",
			Long: "start, stop, restart, reload, enable and disable of this product's services go through the configuration\n" +
				"service, which journals them.",
		}, systemctl},
		{grammar.Command{
			Words: "journalctl", Role: grammar.Admin, Raw: true,
			Args: []grammar.Arg{{Name: "argument", Optional: true, Many: true}},
			Help: "Read the journal, as in any shell",
			Long: "For example: journalctl -u quorate-xmpp -f",
		}, journalctl},
	}
}

// unitActions are the acts of systemctl that need a privilege the person does
// not have, and the configuration service does.
var unitActions = []string{"start", "stop", "restart", "reload", "enable", "disable"}

func systemctl(ctx context.Context, s *Shell, c grammar.Call) error {
	if os.Geteuid() == 0 || !isUnitAction(c.Args) {
		return s.program([]string{"SYSTEMD_PAGERSECURE=1"}, append([]string{"systemctl"}, c.Args...)...)
	}
	if err := s.dial(); err != nil {
		return err
	}
	for _, unit := range c.Args[1:] {
		if err := s.conn.Config().UnitAction(ctx, unitName(unit), c.Args[0]); err != nil {
			return err
		}
	}
	s.success("%s of %s done", c.Args[0], strings.Join(c.Args[1:], " "))
	return nil
}

// isUnitAction reports whether the words are an act on units and nothing else.
func isUnitAction(args []string) bool {
	return len(args) > 1 && slices.Contains(unitActions, args[0]) &&
		!slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "-") })
}

// unitName completes the name of a service as systemctl does.
func unitName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return name + ".service"
}

func journalctl(_ context.Context, s *Shell, c grammar.Call) error {
	return s.program([]string{"SYSTEMD_PAGERSECURE=1"}, append([]string{"journalctl"}, c.Args...)...)
}

// program runs a program of the system on the person's terminal, and returns
// its exit status as a statusError. It ends by itself at ^C, which the terminal
// sends to it as well as to the shell.
func (s *Shell) program(env []string, argv ...string) error {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, s.cfg.Out, s.cfg.Out
	s.cfg.Console.Restore()
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ended):
		return statusError(max(1, ended.ExitCode()))
	case errors.Is(err, exec.ErrNotFound):
		return fault.New(fault.NotFound, argv[0]+" is not installed on this node")
	}
	return fmt.Errorf("running %s: %w", argv[0], err)
}

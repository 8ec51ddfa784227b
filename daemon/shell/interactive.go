package shell

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"

	"quorate.org/daemon/shell/console"
)

// Interact reads lines and runs them until the end of input or exit, and
// returns the exit status of the last one.
func (s *Shell) Interact(ctx context.Context) int {
	s.attended = true
	// ^C between two commands must not end the session. A channel and not
	// signal.Ignore: programs would inherit that.
	signal.Notify(make(chan os.Signal, 1), os.Interrupt)
	last := 0
	for !s.left {
		line, err := s.cfg.Console.ReadLine(s.cfg.Hostname + "> ")
		switch {
		case errors.Is(err, console.ErrCancelled):
			continue
		case errors.Is(err, io.EOF):
			if s.cfg.Console.IsTerminal() {
				s.say("\n")
			}
			return last
		case err != nil:
			return s.report(err, false)
		}
		last = s.Execute(ctx, line)
	}
	return last
}

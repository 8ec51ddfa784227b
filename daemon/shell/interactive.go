package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"quorate.org/daemon/fault"
	look "quorate.org/daemon/health"
	"quorate.org/daemon/shell/console"
)

// Interact reads lines and runs them until the end of input or exit, and
// returns the exit status of the last one.
func (s *Shell) Interact(ctx context.Context) int {
	s.attended = true
	s.greet(ctx)
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
		case errors.Is(err, console.ErrIdle):
			s.say(fmt.Sprintf("\nNobody was here for %v: the session ends.\n", s.cfg.Console.Idle))
			return last
		case err != nil:
			return s.report(err, false)
		}
		last = s.Execute(ctx, line)
	}
	return last
}

// greeting is how long who signs in waits at most for what there is to be told.
const greeting = 2 * time.Second

// greet tells who signs in of a version that was undone: nobody saw it happen.
// When the services are silent, the first command will say so.
func (s *Shell) greet(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	if !s.cfg.Console.IsTerminal() || s.dial() != nil {
		return
	}
	for _, f := range look.Undone(ctx, s.conn) {
		if f.Code == string(fault.Undone) {
			s.warning(f.Text, f.Remedy)
		}
	}
}

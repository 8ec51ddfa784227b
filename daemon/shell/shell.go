package shell

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/shell/console"
	"quorate.org/daemon/shell/grammar"
)

// Config is what a Shell works with.
type Config struct {
	Hostname string                    // shown in the prompt
	Version  string                    // of this program
	Role     grammar.Role              // of the person
	Out      io.Writer                 // where answers go
	Dial     func() (*bus.Conn, error) // called when a command first needs the bus
	Console  *console.Console          // where answers to questions come from
	Accounts string                    // socket of daemon/account; empty: that of the node
}

// Shell runs commands.
type Shell struct {
	cfg      Config
	tree     *grammar.Tree
	runs     map[string]run // by Command.Words
	conn     *bus.Conn      // nil until the bus is needed
	attended bool           // lines are read one by one, so questions can be asked
	left     bool           // the person has typed exit
	resolver *resolve.Resolver
}

// run carries out one command. A nil error means that it said what it did.
type run func(ctx context.Context, s *Shell, c grammar.Call) error

// New returns a Shell that has not touched anything yet.
func New(cfg Config) *Shell {
	s := &Shell{cfg: cfg, runs: map[string]run{}, resolver: resolve.New(resolve.File, resolve.Port)}
	var all []grammar.Command
	for _, c := range serviceCommands() {
		all = append(all, c.Command)
		s.runs[c.Words] = online(c.run)
	}
	for _, c := range localCommands() {
		all = append(all, c.Command)
		s.runs[c.Words] = c.run
	}
	s.tree = grammar.New(all)
	return s
}

// Close leaves the bus.
func (s *Shell) Close() error {
	if s.conn == nil {
		return nil
	}
	return s.conn.Close()
}

// Execute runs one line and returns the exit status: 0, 1, or that of a program
// run on the person's behalf.
func (s *Shell) Execute(ctx context.Context, line string) int {
	call, err := s.tree.Parse(line)
	return s.finish(ctx, call, err)
}

// ExecuteWords runs a line that was split already. A single word is taken for a
// whole line.
func (s *Shell) ExecuteWords(ctx context.Context, words []string) int {
	if len(words) == 1 {
		return s.Execute(ctx, words[0])
	}
	call, err := s.tree.ParseTokens(grammar.Words(words))
	return s.finish(ctx, call, err)
}

func (s *Shell) finish(ctx context.Context, call grammar.Call, err error) int {
	if err == nil {
		err = s.call(ctx, call)
	}
	return s.report(err, call.Flags[grammar.JSON])
}

func (s *Shell) call(ctx context.Context, call grammar.Call) error {
	if call.Command == nil {
		return nil
	}
	if call.Command.Role > s.cfg.Role {
		return fault.Mend(fault.NotPermitted, fmt.Sprintf("%q is for administrators", call.Command.Words),
			"sign in as a member of "+adminGroup)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	return s.runs[call.Command.Words](ctx, s, call)
}

// dial connects to the bus, unless that has been done and the bus is still there.
func (s *Shell) dial() error {
	if s.conn != nil {
		select {
		case <-s.conn.Done():
		default:
			return nil
		}
	}
	conn, err := s.cfg.Dial()
	if err != nil {
		return err
	}
	s.conn = conn
	return nil
}

// online is a command that needs the bus; s.conn is there when f runs.
func online(f run) run {
	return func(ctx context.Context, s *Shell, c grammar.Call) error {
		if err := s.dial(); err != nil {
			return err
		}
		return f(ctx, s, c)
	}
}

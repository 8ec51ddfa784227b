package shell

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/service"
	"quorate.org/daemon/shell/console"
	"quorate.org/daemon/shell/exchange"
)

// defaultExchange is the exchange folder unless $QUORATE_EXCHANGE names another.
const defaultExchange = "/var/lib/quorate/exchange"

// Main is the program: args are those behind its name. sshd calls a login shell
// with nothing for a person at a terminal, and with -c and a line for one
// command or the SFTP subsystem. It returns the exit status.
func Main(args []string) int {
	if len(args) == 2 && args[0] == "-c" {
		if isSFTP(args[1]) {
			return serveExchange()
		}
		return start(func(ctx context.Context, s *Shell) int { return s.Execute(ctx, args[1]) })
	}
	switch {
	case len(args) == 0:
		return start(func(ctx context.Context, s *Shell) int { return s.Interact(ctx) })
	case len(args) == 1 && args[0] == "--sftp":
		return serveExchange()
	case len(args) == 2 && args[0] == "--docs":
		return writeReference(args[1])
	}
	return start(func(ctx context.Context, s *Shell) int { return s.ExecuteWords(ctx, args) })
}

// isSFTP reports whether sshd asks for its SFTP subsystem, in the words of any
// of the usual configurations.
func isSFTP(line string) bool {
	words := strings.Fields(line)
	if len(words) == 0 {
		return false
	}
	switch path.Base(words[0]) {
	case "sftp-server", "internal-sftp":
		return true
	case "mmp":
		return len(words) == 2 && words[1] == "--sftp"
	}
	return false
}

// alone is how long a shell waits for somebody to type, as sshd does.
const alone = 30 * time.Minute

// start makes a Shell of the process and uses it.
func start(use func(context.Context, *Shell) int) int {
	history, err := console.OpenHistory(historyPath())
	if err != nil {
		// Without its file the history lasts as long as the session.
		history = &console.History{}
	}
	var s *Shell
	input := console.Open(os.Stdin, os.Stdout, history, func(line string) (string, []string) { return s.complete(line) })
	input.Idle = alone
	s = New(Config{
		Hostname: ownHostname(), Version: service.Version, Role: ownRole(),
		Out: os.Stdout, Dial: bus.Dial, Console: input,
	})
	code := use(context.Background(), s)
	input.Restore()
	if err := s.Close(); err != nil {
		slog.Debug("leaving the bus", "error", err)
	}
	return code
}

// historyPath is a file in the person's home, or "" without one.
func historyPath() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".mmp_history")
}

// ownHostname is the first label of the host's name, for the prompt.
func ownHostname() string {
	name := os.Getenv("QUORATE_HOSTNAME")
	if name == "" {
		// The kernel always has a name; without one the prompt is "> ".
		name, _ = os.Hostname()
	}
	name, _, _ = strings.Cut(name, ".")
	return name
}

// serveExchange serves the exchange folder on the standard streams.
func serveExchange() int {
	dir := os.Getenv("QUORATE_EXCHANGE")
	if dir == "" {
		dir = defaultExchange
	}
	if err := exchange.Confine(dir); err != nil {
		slog.Debug("serving without a second wall", "error", err)
	}
	if err := exchange.Serve(stdio{os.Stdin, os.Stdout}, dir); err != nil {
		fmt.Fprintf(os.Stderr, "FAILURE: %v\n", err)
		return 1
	}
	return 0
}

// stdio is the standard streams as one connection.
type stdio struct {
	io.Reader
	io.WriteCloser
}

func writeReference(path string) int {
	if err := os.WriteFile(path, []byte(Reference()), 0o644); err != nil {
		fmt.Fprintf(os.Stderr, "FAILURE: %v\n", err)
		return 1
	}
	return 0
}

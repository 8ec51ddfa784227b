package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"quorate.org/daemon/logs"
	"quorate.org/daemon/shell/bundle"
	"quorate.org/daemon/shell/grammar"
)

// collection is a bundle under way.
type collection struct {
	s        *Shell
	archive  *bundle.Archive
	redactor *bundle.Redactor
}

// collect adds everything. What can not be had is said in its file; only a
// bundle that can not be written, or ^C, ends it.
func (c collection) collect(ctx context.Context, now time.Time, unknown error) error {
	c.s.say("Collecting what the commands show\n")
	if unknown != nil {
		note := "Not every secret was known and taken out by its value: " + unknown.Error() + "\n"
		if err := c.text("secrets.txt", note); err != nil {
			return err
		}
	}
	for _, line := range bundled {
		if err := c.command(ctx, line); err != nil {
			return err
		}
	}
	c.s.say("Collecting the state of the system\n")
	for _, p := range bundledPrograms {
		if err := c.program(ctx, p.file, p.argv); err != nil {
			return err
		}
	}
	c.s.say(fmt.Sprintf("Collecting the journal of %d days\n", bundleDays))
	return c.journal(ctx, now)
}

func (c collection) text(name, text string) error {
	return c.archive.Text(name, c.redactor.Fresh().Text(text))
}

// command adds what a command of the shell prints to an operator.
func (c collection) command(ctx context.Context, line string) error {
	own, stop := context.WithTimeout(ctx, bundleWait)
	defer stop()
	var out bytes.Buffer
	cfg := c.s.cfg
	cfg.Role, cfg.Out = grammar.Operator, &limited{&out, bundleOutput}
	other := New(cfg)
	other.conn, other.resolver = c.s.conn, c.s.resolver
	if code := other.Execute(own, line); code != 0 {
		fmt.Fprintf(&out, "(exit status %d)\n", code)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.text("commands/"+strings.ReplaceAll(line, " ", "-")+".txt", out.String())
}

// program adds what a program of the system prints.
func (c collection) program(ctx context.Context, file string, argv []string) error {
	own, stop := context.WithTimeout(ctx, bundleWait)
	defer stop()
	var out bytes.Buffer
	cmd := exec.CommandContext(own, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SYSTEMD_COLORS=0")
	cmd.Stdout = &limited{&out, bundleOutput}
	cmd.Stderr = cmd.Stdout
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		fmt.Fprintf(&out, "(%s: %v)\n", strings.Join(argv, " "), err)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.text("system/"+file+".txt", out.String())
}

func (c collection) journal(ctx context.Context, now time.Time) (err error) {
	j, err := bundle.NewJournal(c.redactor, bundleJournal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	failed := logs.Read(ctx, logs.Query{Since: now.AddDate(0, 0, -bundleDays)}, j.Add)
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed != nil {
		if err := c.text("journal-failed.txt", failed.Error()+"\n"); err != nil {
			return err
		}
	}
	return j.AddTo(c.archive)
}

// limited passes on the beginning of what is written to it.
type limited struct {
	w    io.Writer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if _, err := l.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

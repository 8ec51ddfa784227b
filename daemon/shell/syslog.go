package shell

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/logs"
	"quorate.org/daemon/shell/bundle"
	"quorate.org/daemon/shell/grammar"
)

// tailLines is how many entries syslog shows unless told otherwise, and
// tailLimit how many at most.
const (
	tailLines = 20
	tailLimit = 100_000
)

// levelFlags show only what is at least that urgent.
var levelFlags = []grammar.Flag{
	{Name: "error", Help: "only errors and worse"},
	{Name: "warning", Help: "only warnings and worse"},
	{Name: "notice", Help: "only notices and worse"},
	{Name: "info", Help: "all but debug messages"},
}

// syslogCommands is syslog …
func syslogCommands() []command {
	unit := grammar.Arg{Name: "unit", Kind: grammar.Unit, Optional: true}
	return []command{
		{grammar.Command{
			Words: "syslog tail", Also: []string{"syslog"}, Shows: true, Flags: levelFlags,
			Args: []grammar.Arg{{Name: "lines", Kind: grammar.Number, Optional: true}, unit},
			Help: "Show the last lines of the log",
			Long: "Each line is time in UTC, host, program, level and message. The log is systemd's journal, so journalctl\n" +
				"shows the same with every field. A unit is a service of this product or of the system.",
		}, syslogTail},
		{grammar.Command{
			Words: "syslog follow", Flags: levelFlags, Args: []grammar.Arg{unit},
			Help: "Show the log as it grows, until ^C",
		}, syslogFollow},
		{grammar.Command{
			Words: "syslog search", Shows: true, Flags: levelFlags,
			Args: []grammar.Arg{{Name: "text"}, unit},
			Help: "Show the lines of the log that hold a text, in upper or lower case",
		}, syslogSearch},
		{grammar.Command{
			Words: "syslog dump", Role: grammar.Admin, Flags: levelFlags,
			Args: []grammar.Arg{{Name: "filename"}},
			Help: "Write the whole log to a text file, to be fetched by SFTP",
		}, syslogDump},
	}
}

// query is the question of a call for a unit.
func query(c grammar.Call, unit string) logs.Query {
	q := logs.Query{Unit: unit}
	for i, f := range levelFlags {
		if q.Priority == 0 && c.Flags[f.Name] {
			q.Priority = 3 + i // error is 3, RFC 5424 §6.2.1
		}
	}
	return q
}

func syslogTail(ctx context.Context, s *Shell, c grammar.Call) error {
	q := query(c, c.Arg(1))
	q.Lines = tailLines
	if text := c.Arg(0); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > tailLimit {
			return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is not a number of lines", text),
				fmt.Sprintf("give a number from 1 to %d", tailLimit))
		}
		q.Lines = n
	}
	return s.showLog(ctx, c, q)
}

// known refuses a unit that has never logged anything: no lines would say that
// it has nothing to tell.
func known(ctx context.Context, name string) error {
	if name == "" || slices.Contains(logs.Units(), name) {
		return nil
	}
	found := false
	err := logs.Read(ctx, logs.Query{Unit: name, Lines: 1}, func(logs.Entry) error { found = true; return nil })
	if err != nil || found {
		return err
	}
	return fault.Mend(fault.NotFound, fmt.Sprintf("nothing was ever logged by %q", name),
		"name one of "+strings.Join(logs.Units(), ", ")+", or a unit of the system: systemctl list-units")
}

func syslogSearch(ctx context.Context, s *Shell, c grammar.Call) error {
	q := query(c, c.Arg(1))
	q.Text = c.Arg(0)
	return s.showLog(ctx, c, q)
}

func syslogFollow(ctx context.Context, s *Shell, c grammar.Call) error {
	q := query(c, c.Arg(0))
	q.Lines, q.Follow = tailLines, true
	return s.showLog(ctx, c, q)
}

func (s *Shell) showLog(ctx context.Context, c grammar.Call, q logs.Query) error {
	if !q.Follow { // one that is followed may be about to begin
		if err := known(ctx, q.Unit); err != nil {
			return err
		}
	}
	if !c.Flags[grammar.JSON] {
		return logs.Read(ctx, q, printTo(s.cfg.Out))
	}
	if q.Lines == 0 {
		q.Lines = tailLimit // a list is collected before it is printed
	}
	entries := []logs.Entry{}
	if err := logs.Read(ctx, q, func(e logs.Entry) error {
		entries = append(entries, e)
		return nil
	}); err != nil {
		return err
	}
	return s.json(entries)
}

// printTo prints entries, and ends the reading when there is nobody to read.
func printTo(w io.Writer) func(logs.Entry) error {
	return func(e logs.Entry) error {
		if _, err := io.WriteString(w, e.Line()+"\n"); err != nil {
			return fmt.Errorf("writing the log: %w", err)
		}
		return nil
	}
}

func syslogDump(ctx context.Context, s *Shell, c grammar.Call) error {
	name, err := dumpName(c.Arg(0))
	if err != nil {
		return err
	}
	n := 0
	size, err := bundle.Deposit(name, func(w io.Writer) error {
		out := bufio.NewWriter(w)
		print := printTo(out)
		if err := logs.Read(ctx, query(c, ""), func(e logs.Entry) error { n++; return print(e) }); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil {
		return err
	}
	s.success("%s is ready for download by SFTP: %d lines, %s", name, n, bundle.Size(size))
	return nil
}

// dumpName completes the name of a dump. Other endings are those of files the
// certificate service takes in.
func dumpName(name string) (string, error) {
	switch filepath.Ext(name) {
	case ".txt", ".log":
	case "":
		name += ".txt"
	default:
		return "", fault.Mend(fault.InvalidName, fmt.Sprintf("%q does not name a text file", name), "use a name that ends in .txt or .log")
	}
	return name, bundle.CheckName(name)
}

package logs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
)

// lineLimit bounds an entry: journalctl gives fields of at most 4 KiB each.
const lineLimit = 256 << 10

// errEnough ends a reading that has what it wants.
var errEnough = errors.New("enough")

// Read calls f for the entries of a query, oldest first. It returns f's error
// as it is, and nil when a Follow is ended by its context.
//
// A Follow reads what is there first and then goes on behind the newest entry
// seen: so none is missed between the two, and a journal that can not be read
// is noticed at once, where journalctl --follow would wait for one to appear.
func Read(ctx context.Context, q Query, f func(Entry) error) error {
	if err := q.check(); err != nil {
		return err
	}
	if q.After == "" {
		newest, err := readPast(ctx, q, f)
		if err != nil || !q.Follow {
			return err
		}
		q.After = newest
	}
	return run(ctx, q, q.following(), holding(q.Text, f))
}

// following returns the options of the entries behind a cursor. Without one the
// journal had none of this query, and what comes is new.
func (q Query) following() []string {
	args := []string{"--lines=all"}
	if q.After != "" {
		args = append(args, "--after-cursor="+q.After)
	}
	if q.Follow {
		args = append(args, "--follow")
	}
	return args
}

// readPast calls f for the last entries of a query and returns the cursor of
// the newest one, whether or not it was of the query's text.
func readPast(ctx context.Context, q Query, f func(Entry) error) (newest string, err error) {
	q.Follow = false
	lines := "all"
	switch {
	case q.Text != "" && q.Lines > 0:
		return readLast(ctx, q, f)
	case q.Lines > 0:
		lines = strconv.Itoa(q.Lines)
	case q.Lines < 0:
		lines, f = "1", func(Entry) error { return nil }
	}
	f = holding(q.Text, f)
	err = run(ctx, q, []string{"--lines=" + lines}, func(e Entry) error {
		newest = e.Cursor
		return f(e)
	})
	return newest, err
}

// readLast finds the last entries that hold a text by reading backwards.
func readLast(ctx context.Context, q Query, f func(Entry) error) (newest string, err error) {
	var found []Entry
	keep := holding(q.Text, func(e Entry) error {
		found = append(found, e)
		if len(found) == q.Lines {
			return errEnough
		}
		return nil
	})
	err = run(ctx, q, []string{"--reverse"}, func(e Entry) error {
		if newest == "" {
			newest = e.Cursor
		}
		return keep(e)
	})
	if err != nil && !errors.Is(err, errEnough) {
		return "", err
	}
	for _, e := range slices.Backward(found) {
		if err := f(e); err != nil {
			return "", err
		}
	}
	return newest, nil
}

// holding calls f for the entries whose line holds text.
func holding(text string, f func(Entry) error) func(Entry) error {
	if text == "" {
		return f
	}
	text = strings.ToLower(text)
	return func(e Entry) error {
		if !strings.Contains(strings.ToLower(e.Line()), text) {
			return nil
		}
		return f(e)
	}
}

// run runs journalctl and calls f for each entry it gives.
func run(ctx context.Context, q Query, how []string, f func(Entry) error) error {
	own, stop := context.WithCancel(ctx)
	defer stop()
	var said complaint
	cmd := journalctl(own, q, how)
	cmd.Stderr = &said
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fault.Mend(fault.Unavailable, "the journal can not be read: "+err.Error(), "install systemd's journalctl")
	}
	n, read := each(out, f)
	if read != nil {
		stop()
	}
	ended := cmd.Wait()
	switch {
	case ctx.Err() != nil && q.Follow:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case read != nil:
		return read
	}
	return judge(n, ended, string(said))
}

func journalctl(ctx context.Context, q Query, how []string) *exec.Cmd {
	args := slices.Concat([]string{"--output=json", "--no-pager"}, q.arguments(), how)
	if q.Unit != "" {
		args = append(args, unitOf(q.Unit).matches()...)
	}
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SYSTEMD_COLORS=0") // judge reads what it complains of
	// ^C at a terminal is for the reader, who then ends it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	return cmd
}

// each calls f for every line of r that is an entry. A line over the limit is
// no entry and is left out.
func each(r io.Reader, f func(Entry) error) (n int, err error) {
	lines := bufio.NewReaderSize(r, lineLimit)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			if err := skipLine(lines); err != nil {
				return n, ignoreEnd(err)
			}
			continue
		}
		if err != nil {
			return n, ignoreEnd(err)
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		e, err := parse(line)
		if err == nil {
			err = f(e)
		}
		if err != nil {
			return n, err
		}
		n++
	}
}

func skipLine(r *bufio.Reader) error {
	for {
		_, err := r.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// judge puts into words why journalctl gave nothing.
func judge(n int, ended error, said string) error {
	switch {
	case strings.Contains(said, "insufficient permissions"), n == 0 && strings.Contains(said, "not seeing messages from other users"):
		return fault.Mend(fault.NotPermitted, "the journal may not be read by this account",
			"sign in as an administrator, or as a member of systemd-journal")
	case strings.Contains(said, "No journal files were found"):
		return fault.Mend(fault.Unavailable, "there is no journal on this node", "systemctl status systemd-journald")
	case strings.Contains(said, "Failed to seek to cursor"):
		return fault.Mend(fault.NotFound, "the place in the journal to go on from is gone", "read from the beginning")
	case ended != nil:
		return fault.New(fault.Unavailable, "reading the journal failed: "+strings.TrimSpace(said)+" ("+ended.Error()+")")
	}
	return nil
}

// complaint keeps the beginning of what is written to it, up to 4 KiB.
type complaint []byte

func (c *complaint) Write(p []byte) (int, error) {
	*c = append(*c, p[:min(len(p), 4096-len(*c))]...)
	return len(p), nil
}

package console

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// ErrCancelled is returned for a line given up with ^C.
var ErrCancelled = errors.New("cancelled")

// ErrIdle is returned when nobody has typed for as long as Idle says.
var ErrIdle = errors.New("nobody is here")

// Completer extends a line and names what it may go on with.
type Completer func(line string) (extended string, candidates []string)

// Console reads lines from a terminal or a stream.
type Console struct {
	Idle time.Duration // how long a terminal may be left alone; 0: for ever

	in       *os.File
	out      io.Writer
	terminal *term.Terminal // nil when in is not a terminal
	complete Completer      // may be nil
	history  *History
	found    *unix.Termios // the terminal's mode before the first line; nil until then
	asking   bool          // the line under way answers a question
	given    bool          // the line under way was given up with ^C
}

// Open makes a Console of in and out. history may be nil; complete may be nil.
func Open(in *os.File, out io.Writer, history *History, complete Completer) *Console {
	c := &Console{in: in, out: out, history: history, complete: complete}
	if term.IsTerminal(int(in.Fd())) {
		c.terminal = term.NewTerminal(stream{&cancelReader{from: in, wait: c.wait}, out}, "")
		c.terminal.AutoCompleteCallback = c.key
		c.terminal.History = recorder{c}
	}
	return c
}

// wait returns when there is a key to read, or with ErrIdle.
func (c *Console) wait() error {
	if c.Idle == 0 {
		return nil
	}
	for left := time.Now().Add(c.Idle); ; {
		fds := []unix.PollFd{{Fd: int32(c.in.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(max(time.Until(left), 0).Milliseconds()))
		switch {
		case err == unix.EINTR: // the size of the window changed
		case err != nil:
			return os.NewSyscallError("poll", err)
		case n == 0:
			return ErrIdle
		default:
			return nil
		}
	}
}

// stream joins the two ends of a terminal.
type stream struct {
	io.Reader
	io.Writer
}

// IsTerminal reports whether a person can be asked.
func (c *Console) IsTerminal() bool { return c.terminal != nil }

// ReadLine returns the next line without its end, and remembers it. The error
// is io.EOF at ^D or the end of the stream, and ErrCancelled at ^C. A stream
// shows no prompt.
func (c *Console) ReadLine(prompt string) (string, error) {
	if c.terminal == nil {
		return c.streamLine()
	}
	return c.edit(prompt, c.terminal.ReadLine)
}

// Ask returns the answer to a question; it is not remembered.
func (c *Console) Ask(prompt string) (string, error) {
	if c.terminal == nil {
		return c.promptStream(prompt)
	}
	c.asking = true
	defer func() { c.asking = false }()
	return c.edit(prompt, c.terminal.ReadLine)
}

// Secret returns a line that is neither shown nor remembered. One given up with
// ^C is ErrCancelled.
func (c *Console) Secret(prompt string) (string, error) {
	if c.terminal == nil {
		return c.promptStream(prompt)
	}
	line, err := c.edit(prompt, func() (string, error) { return c.terminal.ReadPassword(prompt) })
	if err == nil && line == "" {
		return "", ErrCancelled
	}
	return line, err
}

// edit reads one line in raw mode.
func (c *Console) edit(prompt string, read func() (string, error)) (string, error) {
	if err := c.raw(); err != nil {
		return "", err
	}
	defer c.quiet()
	defer c.followSize(c.fd())()
	c.given = false
	c.terminal.SetPrompt(prompt)
	line, err := read()
	if c.given {
		return "", ErrCancelled
	}
	return line, err
}

func (c *Console) promptStream(prompt string) (string, error) {
	if _, err := io.WriteString(c.out, prompt+"\n"); err != nil {
		return "", err
	}
	return c.streamLine()
}

// streamLine reads a byte at a time, so that a program run later finds the rest
// of the stream untouched.
func (c *Console) streamLine() (string, error) {
	var line []byte
	b := make([]byte, 1)
	for {
		n, err := c.in.Read(b)
		if n == 1 && b[0] == '\n' {
			return trimReturn(line), nil
		}
		line = append(line, b[:n]...)
		switch {
		case err == io.EOF && len(line) > 0:
			return trimReturn(line), nil
		case err != nil:
			return "", err
		case len(line) > maxLine:
			return "", errors.New("the line is too long")
		}
	}
}

// maxLine is the longest line of a stream, in bytes.
const maxLine = 64 << 10

func trimReturn(line []byte) string {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return string(line)
}

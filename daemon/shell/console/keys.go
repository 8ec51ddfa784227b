package console

import (
	"bytes"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// The line editor ends its input at ^C, as if it were ^D. cancelReader turns ^C
// into keys it does not mistake: to the end of the line, delete the line, a key
// that only Console.key knows, and Enter.
const (
	keyInterrupt = 0x03
	keyGiveUp    = 0x1d
	keyTab       = '\t'
)

var giveUp = []byte{0x05, 0x15, keyGiveUp, '\r'}

type cancelReader struct {
	from    io.Reader
	wait    func() error // before each read
	pending []byte
}

func (r *cancelReader) Read(p []byte) (int, error) {
	if len(r.pending) == 0 {
		if err := r.wait(); err != nil {
			return 0, err
		}
		n, err := r.from.Read(p)
		if err != nil || bytes.IndexByte(p[:n], keyInterrupt) < 0 {
			return n, err
		}
		r.pending = bytes.ReplaceAll(p[:n], []byte{keyInterrupt}, giveUp)
	}
	n := copy(p, r.pending)
	r.pending = r.pending[n:]
	return n, nil
}

// key is called for every key the editor has no meaning of its own for.
func (c *Console) key(line string, pos int, key rune) (string, int, bool) {
	switch {
	case key == keyGiveUp:
		c.given = true
		return "", 0, true
	case key == keyTab && c.complete != nil && !c.asking:
		return c.completed(line[:pos], line[pos:])
	}
	return "", 0, false
}

// completed extends the part of the line before the cursor. When nothing can be
// added it shows what the line may go on with.
func (c *Console) completed(head, tail string) (string, int, bool) {
	extended, candidates := c.complete(head)
	if extended == head && len(candidates) > 0 {
		// The editor repaints the prompt and the line below what is written.
		io.WriteString(c.terminal, strings.Join(candidates, "  ")+"\n")
	}
	return extended + tail, len(extended), extended != head
}

// followSize keeps the editor's idea of the window until the returned function
// is called.
func (c *Console) followSize(fd int) (stop func()) {
	resize := func() {
		if w, h, err := term.GetSize(fd); err == nil && w > 0 {
			c.terminal.SetSize(w, h)
		}
	}
	resize()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range changed {
			resize()
		}
	}()
	return func() {
		signal.Stop(changed)
		close(changed)
		<-done
	}
}

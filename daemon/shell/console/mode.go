package console

import (
	"fmt"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Between two lines the terminal works as programs expect, except that it does
// not echo: what is typed or pasted ahead may be the answer to a question for a
// secret. The line editor shows it when its turn comes.

// raw hands the terminal to the line editor, and remembers how it was found.
func (c *Console) raw() error {
	if c.found == nil {
		found, err := unix.IoctlGetTermios(c.fd(), unix.TCGETS)
		if err != nil {
			return fmt.Errorf("reading terminal mode: %w", err)
		}
		c.found = found
	}
	if _, err := term.MakeRaw(c.fd()); err != nil {
		return fmt.Errorf("setting terminal mode: %w", err)
	}
	return nil
}

// quiet ends raw. That the terminal has gone is noticed by the next read.
func (c *Console) quiet() {
	mode := *c.found
	mode.Lflag &^= unix.ECHO
	_ = unix.IoctlSetTermios(c.fd(), unix.TCSETS, &mode)
}

// Restore gives the terminal back as it was found; the next line takes it again.
func (c *Console) Restore() {
	if c.found != nil {
		_ = unix.IoctlSetTermios(c.fd(), unix.TCSETS, c.found) // as in quiet
	}
}

func (c *Console) fd() int { return int(c.in.Fd()) }

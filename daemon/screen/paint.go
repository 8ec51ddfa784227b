package screen

import (
	"fmt"
	"io"
	"strings"
)

// painter draws lines on a terminal (ECMA-48), only those that changed.
type painter struct {
	out  io.Writer
	last []string // as on the terminal; nil: not known
}

// forget has the next paint draw everything: something else may have written.
func (p *painter) forget() { p.last = nil }

func (p *painter) paint(lines []string) error {
	var b strings.Builder
	if len(p.last) != len(lines) {
		p.last = make([]string, len(lines))
		b.WriteString("\x1b[0m\x1b[H\x1b[2J")
	}
	for i, l := range lines {
		if l != p.last[i] {
			fmt.Fprintf(&b, "\x1b[%d;1H%s\x1b[K", i+1, l)
		}
	}
	if b.Len() == 0 {
		return nil
	}
	fmt.Fprintf(&b, "\x1b[%d;%dH", len(lines), len([]rune(lines[len(lines)-1]))+1) // the cursor rests behind the last line
	if _, err := io.WriteString(p.out, b.String()); err != nil {
		return fmt.Errorf("drawing the console: %w", err)
	}
	p.last = lines
	return nil
}

package screen

import (
	"context"
	"fmt"
)

// layout asks for the layout of the keyboard. It shows what is typed: a person
// who has another layout sees which keys give these letters.
type layout struct{ name []byte }

// longestLayout is more than any name has, bytes.
const longestLayout = 40

func (l *layout) key(b byte) outcome {
	switch {
	case b == keyBell, b == keyEnd, b == keyEscape:
		return cancelled
	case b == keyBackspace, b == keyDelete:
		l.name = l.name[:max(len(l.name)-1, 0)]
	case b == keyKill:
		l.name = l.name[:0]
	case b == keyReturn, b == keyFeed:
		if len(l.name) == 0 {
			return cancelled
		}
		return chosen
	case b > ' ' && b < keyDelete && len(l.name) < longestLayout:
		l.name = append(l.name, b)
	}
	return more
}

func (l *layout) lines() []string {
	return append(row("", "us, uk, de, fr, es, it, dk, no, fi, pl, se-latin1, and others"),
		" Escape: leave it", fmt.Sprintf(" Keyboard layout: %s", l.name))
}

func (l *layout) done(ctx context.Context, r *running) string {
	if err := r.Keys(ctx, string(l.name)); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("The keyboard layout is %s.", l.name)
}

package screen

import (
	"context"
	"unicode/utf8"

	"quorate.org/daemon/password"
)

// question is what the last lines of the screen ask meanwhile.
type question interface {
	key(b byte) outcome
	lines() []string
	done(ctx context.Context, r *running) (note string) // once it is chosen
}

// dialog asks for a password twice. It takes a key at a time and shows none.
type dialog struct {
	line  []byte
	first string // the password typed first; empty before
	note  string // why it is asked again
}

// outcome is what became of a key.
type outcome int

const (
	more outcome = iota
	cancelled
	chosen // the answer is there
)

// Keys as a terminal sends them.
const (
	keyBell      = 0x03 // ^C
	keyEnd       = 0x04 // ^D
	keyBackspace = 0x08
	keyFeed      = '\n'
	keyReturn    = '\r'
	keyKill      = 0x15 // ^U
	keyEscape    = 0x1b
	keyDelete    = 0x7f
)

func (d *dialog) key(b byte) outcome {
	switch b {
	case keyBell, keyEnd, keyEscape:
		return cancelled
	case keyBackspace, keyDelete:
		_, n := utf8.DecodeLastRune(d.line)
		d.line = d.line[:len(d.line)-n]
	case keyKill:
		d.line = d.line[:0]
	case keyReturn, keyFeed:
		return d.enter()
	default:
		d.line = append(d.line, b)
	}
	return more
}

func (d *dialog) enter() outcome {
	typed := string(d.line)
	clear(d.line)
	d.line = d.line[:0]
	switch {
	case typed == "" && d.first == "":
		return cancelled
	case d.first == "":
		if err := password.Check(typed); err != nil {
			d.note = err.Error()
			return more
		}
		d.first, d.note = typed, ""
		return more
	case typed != d.first:
		d.first, d.note = "", "the two are not the same; type it again"
		return more
	}
	return chosen
}

// lines are the last ones of the screen meanwhile.
func (d *dialog) lines() []string {
	question := " New password of admin (not shown): "
	if d.first != "" {
		question = " The same again: "
	}
	return append(row("", d.note), " Escape: leave it", question)
}

func (d *dialog) done(ctx context.Context, r *running) string {
	if err := r.Set(ctx, d.first); err != nil {
		return err.Error()
	}
	r.facts.Want = password.None
	return "The password of admin is set; SSH and Web Admin take it."
}

package screen

import (
	"fmt"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"quorate.org/daemon/bus"
)

// The size of every console: that of a serial terminal and of VGA's text.
const (
	Width  = 80
	Height = 24
)

// label is the width of the left column.
const label = 12

// Lines puts facts on a screen of Height lines of at most Width characters. The
// faults get what the rest leaves; below is what the last lines say instead of
// the next step, while a password is typed.
func Lines(f Facts, below ...string) []string {
	top := head(f)
	if len(below) == 0 {
		below = append(row("Next step", next(f)), "", " "+leave(f))
	}
	room := max(Height-1-len(top)-len(below)-2, 2)
	lines := append(append(top, ""), faults(f.Faults, room)...)
	lines = append(append(lines, ""), below...)
	for i, l := range lines {
		lines[i] = clip(l)
	}
	return fit(lines, len(below))
}

// fit makes it Height lines, by blanks above the last ones or without some there.
func fit(lines []string, keep int) []string {
	at := len(lines) - keep
	for len(lines) < Height {
		lines = append(lines[:at], append([]string{""}, lines[at:]...)...)
		at++
	}
	if over := len(lines) - Height; over > 0 {
		lines = append(lines[:at-over], lines[at:]...)
	}
	return lines
}

func head(f Facts) []string {
	title := " Quorate " + f.Version
	lines := []string{title + strings.Repeat(" ", max(Width-1-len(title)-len(f.Hostname), 1)) + f.Hostname, ""}
	if len(f.Cards) == 0 {
		lines = append(lines, row("Network", "there is no network card")...)
	}
	for i, c := range f.Cards {
		if i == maxCards {
			lines = append(lines, row("", fmt.Sprintf("and %d more network cards", len(f.Cards)-i))...)
			break
		}
		lines = append(lines, row(c.Name, c.words())...)
	}
	lines = append(lines, access(f)...)
	lines = append(lines, row("XMPP", f.cluster())...)
	return append(lines, row("Clock", f.clock())...)
}

// maxCards leaves room for the rest; four are what the commands know.
const maxCards = 4

// access says how to reach the node, and by what to know it.
func access(f Facts) []string {
	ssh, web := "no address to reach it at", "no address to reach it at"
	if a := f.address(); a.IsValid() {
		ssh = "ssh admin@" + a.String()
		web = "https://" + netip.AddrPortFrom(a, uint16(f.Web.Port)).String() + "/"
	}
	key := f.SSHKey
	if key == "" {
		key = "no host key yet"
	}
	lines := append(row("SSH", ssh), row("", key)...)
	if !f.Web.Enabled {
		return append(lines, row("Web Admin", "off")...)
	}
	lines = append(lines, row("Web Admin", web)...)
	if len(f.Web.Fingerprint) == 0 {
		return append(lines, row("", "its port does not answer")...)
	}
	for _, l := range f.Web.Fingerprint {
		lines = append(lines, row("", l)...)
	}
	return lines
}

// faults lists what is wrong in at most room lines.
func faults(list []bus.Fault, room int) []string {
	if len(list) == 0 {
		return row("Faults", "none")
	}
	var lines []string
	name := "Faults"
	for i, f := range list {
		text := f.Text
		if f.Remedy != "" {
			text += "; " + f.Remedy
		}
		next := row(name, text)
		if rest := len(list) - i; len(lines)+len(next) > room || rest > 1 && len(lines)+len(next) == room {
			return append(lines, row(name, fmt.Sprintf("%d more: sign in and look: health", rest))...)
		}
		lines, name = append(lines, next...), ""
	}
	return lines
}

// row is a label and a text, which goes on below itself.
func row(name, text string) []string {
	var lines []string
	for _, part := range wrap(printable(text), Width-1-label-1) {
		lines = append(lines, fmt.Sprintf(" %-*s %s", label-1, clipTo(name, label-1), part))
		name = ""
	}
	return lines
}

// wrap breaks a text at blanks; a word that is too long is broken within.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
		for utf8.RuneCountInString(line) > width {
			r := []rune(line)
			lines, line = append(lines, string(r[:width])), string(r[width:])
		}
	}
	return append(lines, line)
}

// printable takes from a text what steers a terminal: parts of it come from
// elsewhere, such as a peer's name.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, text)
}

func clip(line string) string { return strings.TrimRight(clipTo(printable(line), Width-1), " ") }

func clipTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

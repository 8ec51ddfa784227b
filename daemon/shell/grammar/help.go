package grammar

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Help returns the help text for these words: the groups and their commands for
// none, the commands of a group, or one command in full. It is false when no
// command begins so.
func (t *Tree) Help(words []string) (string, bool) {
	n, rest := t.walk(Words(words))
	if len(rest) > 0 {
		return "", false
	}
	under := t.Under(n.words)
	if n.command != nil && len(under) <= 1 {
		return n.command.describe(), true
	}
	return list(under, n == t.root), true
}

// list shows one line per command, groups apart when there are several.
func list(commands []*Command, apart bool) string {
	width := 0
	for _, c := range commands {
		width = max(width, utf8.RuneCountInString(c.Usage()))
	}
	width = min(width, 48)
	var b strings.Builder
	group := ""
	for _, c := range commands {
		g, _, _ := strings.Cut(c.Words, " ")
		if apart && group != "" && g != group {
			b.WriteByte('\n')
		}
		group = g
		fmt.Fprintf(&b, "%s  %s\n", pad(c.Usage(), width), c.Help)
	}
	return b.String()
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// describe is the whole help of one command.
func (c *Command) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s.\n", c.Usage(), c.Help)
	if c.Long != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if len(c.Also) > 0 {
		fmt.Fprintf(&b, "\nAlso: %s\n", strings.Join(c.Also, ", "))
	}
	for i, f := range c.flags() {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%s  %s\n", pad("--"+f.Name, 8), f.Help)
	}
	if c.Role == Admin {
		b.WriteString("\nFor administrators.\n")
	}
	return b.String()
}

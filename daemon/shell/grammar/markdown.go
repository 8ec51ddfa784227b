package grammar

import (
	"fmt"
	"strings"
)

// Markdown returns the command reference, one section per group.
func (t *Tree) Markdown() string {
	var b strings.Builder
	b.WriteString(preface)
	group := ""
	for _, c := range t.commands {
		if g, _, _ := strings.Cut(c.Words, " "); g != group {
			group = g
			fmt.Fprintf(&b, "\n## %s\n", g)
		}
		c.section(&b)
	}
	return b.String()
}

const preface = `# Commands

This file is made from the command tree by ` + "`go generate ./daemon/shell`" + `; change the tree, not the file.

Every command can be typed at the prompt (` + "`ssh admin@node`" + `) or run alone (` + "`ssh admin@node xmpp cluster status`" + `), which
exits with 0 or, after a line that begins ` + "`FAILURE: `" + `, with 1. Words may be typed in any case. Arguments with spaces are
quoted. ` + "`--json`" + ` prints what a command shows as JSON.
`

func (c *Command) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s\n\n    %s\n\n%s.", c.Words, c.Usage(), c.Help)
	if c.Role == Admin {
		b.WriteString(" For administrators.")
	}
	b.WriteByte('\n')
	if c.Long != "" {
		fmt.Fprintf(b, "\n%s\n", strings.TrimSpace(c.Long))
	}
	if len(c.Also) > 0 {
		fmt.Fprintf(b, "\nAlso: `%s`.\n", strings.Join(c.Also, "`, `"))
	}
	for i, f := range c.Flags {
		if i == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "- `--%s`: %s\n", f.Name, f.Help)
	}
}

package settings

import (
	"fmt"
	"strings"
)

// DefaultFile returns the commented quorate.toml that ships: every key with its
// documentation, commented out at its default.
func DefaultFile() string {
	var b strings.Builder
	b.WriteString(`# Quorate, node configuration.
#
# Every key stands here, commented out, at its default (an example where that is
# empty). What is set in conf.d/*.toml, in the order of the names, overrides this
# file; what the command line and Web Admin set goes to conf.d/90-quorate.toml, so
# this file stays yours. After an edit: systemctl reload quorate-config. A mistake
# is refused with its file, line and reason, and the last good configuration stays
# in force.
`)
	section := ""
	for _, k := range schema {
		if k.Type == Bridges {
			continue // a list of tables ends the section, so it comes last
		}
		if k.Section() != section {
			section = k.Section()
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		fmt.Fprintf(&b, "\n%s# %s, %s scope, %s.\n#%s = %s\n", comment(k.Doc), k.describe(), k.Scope, k.when(), k.Leaf(), k.sample())
	}
	for _, k := range schema {
		if k.Type == Bridges {
			fmt.Fprintf(&b, "\n%s# %s scope, %s.\n#[[%s]]\n#name = \"cb1\"\n#secret = \"\"\n", comment(k.Doc), k.Scope, k.when(), k.Name)
		}
	}
	return b.String()
}

// Markdown returns docs/configuration.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Generated from the schema in daemon/settings; edit that.

Files: ` + "`/etc/quorate/quorate.toml`, then `/etc/quorate/conf.d/*.toml`" + ` in the order of their names; a later
file overrides an earlier one, key by key, a list as a whole. The services write only
` + "`conf.d/90-quorate.toml`. `systemctl reload quorate-config`" + ` reads the files again; ` + "`config show`" + ` prints
each effective value and the file and line it comes from.

Scope: *node* keys are this node's own. *cluster* keys belong to the replicated store; in a file they
only fill an empty one, and a later difference is shown as drift.

Takes effect: *live* at once, streams stay; *streams* for streams that open from now on; *listener* ports
are reopened, streams stay; *restart* at once, but the streams of this node end, since quorate-xmpp starts anew
within itself; *seed* when the store is empty.

| key | type | default | scope | takes effect | meaning |
|---|---|---|---|---|---|
`)
	for _, k := range schema {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s | %s | %s |\n", k.Name, k.describe(), k.Literal(k.Default), k.Scope, k.Reload, k.Doc)
	}
	return b.String()
}

// describe names the type with its bounds: "integer 1 to 65535".
func (k *Key) describe() string {
	switch k.Type {
	case Int:
		return fmt.Sprintf("%s %d to %d", k.Type, k.Min, k.Max)
	case Size:
		return fmt.Sprintf("%s %s to %s", k.Type, bare(sizeLiteral(k.Min)), bare(sizeLiteral(k.Max)))
	case Duration:
		return fmt.Sprintf("%s %s to %s", k.Type, milliseconds(k.Min), milliseconds(k.Max))
	}
	return string(k.Type)
}

func bare(literal string) string { return strings.Trim(literal, `"`) }

func milliseconds(ms int64) string {
	if ms%1000 == 0 {
		return fmt.Sprintf("%ds", ms/1000)
	}
	return fmt.Sprintf("%dms", ms)
}

func (k *Key) when() string {
	return map[Reload]string{
		Live:     "takes effect at once",
		Streams:  "takes effect for new streams",
		Listener: "takes effect at once, ports are reopened",
		Restart:  "takes effect at once, streams of this node end",
		Seed:     "takes effect when the store is empty",
	}[k.Reload]
}

// sample is what the default file shows commented out.
func (k *Key) sample() string {
	if k.Example != "" {
		return k.Example
	}
	return k.Literal(k.Default)
}

// comment wraps text to lines of a TOML comment.
func comment(text string) string {
	var b strings.Builder
	line := "#"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 80 {
			b.WriteString(line + "\n")
			line = "#"
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

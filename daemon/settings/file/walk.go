package file

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"quorate.org/daemon/settings"
)

// tree is what the syntax tree tells beyond the values.
type tree struct {
	known   []string       // keys of the schema that are set, in the order of the file
	lines   map[string]int // where keys and entries of lists stand
	unknown []stray
	repeat  int // line of the first key or table that is there twice, 0 for none
}

// stray is a key the schema does not know.
type stray struct {
	key, reason string
	line        int
}

// walker goes through the expressions of a file.
type walker struct {
	tree
	parser  unstable.Parser
	text    []byte
	table   []string       // the open [table]
	entry   string         // the open [[table]] as "xmpp.callbridge[1]", else empty
	entries map[string]int // number of [[table]] lines seen
	skip    bool           // the open table is unknown and was reported
	seen    map[string]bool
}

// walk goes as far as the text is TOML; what is there twice it does not mind.
func walk(text []byte) tree {
	w := &walker{tree: tree{lines: make(map[string]int)}, text: text, entries: make(map[string]int), seen: make(map[string]bool)}
	w.parser.Reset(text)
	for w.parser.NextExpression() {
		n := w.parser.Expression()
		switch n.Kind {
		case unstable.Table:
			w.open(n)
		case unstable.ArrayTable:
			w.openEntry(n)
		case unstable.KeyValue:
			w.pair(w.table, n)
		}
	}
	return w.tree
}

// open handles [section]; a key of the schema written as a table is a known key
// whose value has the wrong type.
func (w *walker) open(n *unstable.Node) {
	parts, line := w.path(n)
	w.once(parts, line)
	w.table, w.entry = parts, ""
	w.skip = len(parts) != 1 || !settings.IsSection(parts[0])
	if w.skip {
		w.section(parts, line)
	}
}

// section records a table line that opens no section of the schema.
func (w *walker) section(parts []string, line int) {
	if _, ok := known(parts); ok {
		w.found(parts, line)
		return
	}
	reason := "unknown section"
	if near := settings.NearestSection(parts[0]); near != "" && len(parts) == 1 {
		reason += "; did you mean [" + near + "]?"
	}
	w.unknown = append(w.unknown, stray{written(parts), reason, line})
}

func (w *walker) openEntry(n *unstable.Node) {
	parts, line := w.path(n)
	w.table, w.entry = parts, ""
	name, ok := known(parts)
	w.skip = false
	if !ok || len(parts) != 2 {
		w.skip = true
		w.section(parts, line)
		return
	}
	w.entry = fmt.Sprintf("%s[%d]", name, w.entries[name])
	w.lines[w.entry] = line
	if w.entries[name]++; w.entries[name] == 1 {
		w.found(parts, line)
	}
}

// pair handles key = value in the table it stands in.
func (w *walker) pair(table []string, n *unstable.Node) {
	parts, line := w.path(n)
	w.once(append([]string{w.entry}, append(slices.Clip(table), parts...)...), line)
	switch {
	case w.skip:
		return
	case w.entry != "":
		w.lines[w.entry+"."+strings.Join(parts, ".")] = line
		return
	}
	parts = append(slices.Clip(table), parts...)
	if n.Value().Kind == unstable.InlineTable && len(parts) == 1 && settings.IsSection(parts[0]) {
		for it := n.Value().Children(); it.Next(); {
			w.pair(parts, it.Node())
		}
		return
	}
	w.found(parts, line)
}

// once notes a path and remembers the line of the first that comes again.
func (w *walker) once(parts []string, line int) {
	path := strings.Join(parts, separator)
	if w.seen[path] && w.repeat == 0 {
		w.repeat = line
	}
	w.seen[path] = true
}

// found records one key.
func (w *walker) found(parts []string, line int) {
	name, ok := known(parts)
	if !ok {
		w.unknown = append(w.unknown, stray{written(parts), reason(parts), line})
		return
	}
	if _, again := w.lines[name]; !again {
		w.known = append(w.known, name)
		w.lines[name] = line
	}
}

// known says whether a path is a key of the schema, exactly as written: a
// quoted "xmpp.domain" is one part, not two, and case counts.
func known(parts []string) (string, bool) {
	if len(parts) < 2 {
		return "", false
	}
	name := strings.Join(parts[:2], ".")
	if strings.Contains(parts[0]+parts[1], ".") {
		return "", false
	}
	_, ok := settings.Find(name)
	return name, ok // xmpp.domain.more is xmpp.domain holding a table
}

func reason(parts []string) string {
	if len(parts) == 1 && settings.IsSection(parts[0]) {
		return fmt.Sprintf("is a section: write [%s] and its keys below", parts[0])
	}
	return settings.Unknown(strings.Join(parts, "."))
}

// written shows a path as a person would write it.
func written(parts []string) string {
	out := make([]string, len(parts))
	for i, p := range parts {
		if out[i] = p; p == "" || strings.ContainsAny(p, ". \t\"'") {
			out[i] = fmt.Sprintf("%q", p)
		}
	}
	return strings.Join(out, ".")
}

// path returns the parts of a node's key and the line of the first.
func (w *walker) path(n *unstable.Node) (parts []string, line int) {
	for it := n.Key(); it.Next(); {
		if k := it.Node(); line == 0 {
			line = 1 + bytes.Count(w.text[:k.Raw.Offset], []byte("\n"))
		}
		parts = append(parts, string(it.Node().Data))
	}
	return parts, line
}

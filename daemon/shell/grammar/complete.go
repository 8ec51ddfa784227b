package grammar

import (
	"slices"
	"strings"
)

// Values offers the values an argument may take, in any order. It is asked only
// for kinds whose values live outside the tree.
type Values func(Kind) []string

// Completion is how a line may go on.
type Completion struct {
	Line       string   // the line extended as far as it is certain
	Candidates []string // the words it may go on with, when there are several
}

// Complete extends the last word of line. A sole candidate is finished with a
// space; several are extended as far as they agree.
func (t *Tree) Complete(line string, values Values) Completion {
	head, partial := splitLast(line)
	found := matching(t.candidates(head, partial, values), partial)
	switch len(found) {
	case 0:
		return Completion{Line: line}
	case 1:
		return Completion{Line: head + typed(found[0]) + " "}
	}
	return Completion{Line: extend(line, head, partial, found), Candidates: found}
}

// typed quotes a value that needs it; an option is typed as it is.
func typed(word string) string {
	if strings.HasPrefix(word, "--") {
		return word
	}
	return Quote(word)
}

func extend(line, head, partial string, found []string) string {
	if common := commonPrefix(found); len(common) > len(partial) {
		return head + common
	}
	return line
}

// splitLast splits off the word under way, which is empty behind a space.
func splitLast(line string) (head, partial string) {
	i := strings.LastIndexAny(line, " \t")
	return line[:i+1], line[i+1:]
}

// candidates lists what may stand behind head: words of commands, then values
// of the next argument, or options when partial begins like one.
func (t *Tree) candidates(head, partial string, values Values) []string {
	tokens, err := Tokens(StripPrompts(head))
	if err != nil {
		return nil
	}
	n, rest := t.walk(tokens)
	var all []string
	if len(rest) == 0 {
		for w := range n.children {
			all = append(all, w)
		}
	}
	if n.command == nil {
		return all
	}
	if strings.HasPrefix(partial, "--") {
		return n.command.flagWords()
	}
	given := Call{Command: n.command, Flags: map[string]bool{}}
	given.take(rest)
	if a := n.command.argAt(len(given.Args)); a != nil && !n.bare {
		all = append(all, t.valuesOf(a, given.Args, values)...)
	}
	return all
}

func (c *Command) flagWords() []string {
	var words []string
	for _, f := range c.flags() {
		words = append(words, "--"+f.Name)
	}
	return words
}

func (t *Tree) valuesOf(a *Arg, given []string, values Values) []string {
	switch a.Kind {
	case Choice:
		return a.Choices
	case Letter:
		return []string{"a", "b", "c", "d"}
	case Topic:
		n, rest := t.walk(Words(given))
		if len(rest) > 0 {
			return nil
		}
		var words []string
		for w := range n.children {
			words = append(words, w)
		}
		return words
	case Text, Number:
		return nil
	}
	return values(a.Kind)
}

func matching(all []string, partial string) []string {
	var found []string
	for _, w := range all {
		if len(w) >= len(partial) && strings.EqualFold(w[:len(partial)], partial) {
			found = append(found, w)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func commonPrefix(words []string) string {
	prefix := words[0]
	for _, w := range words[1:] {
		for !strings.HasPrefix(w, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	return strings.ToValidUTF8(prefix, "")
}

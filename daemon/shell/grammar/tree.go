package grammar

import (
	"slices"
	"strings"
)

// Tree is the commands ordered by their words.
type Tree struct {
	commands []*Command
	root     *node
}

// node is one word of the tree.
type node struct {
	words    string   // the way here
	command  *Command // nil where the words so far are only a group
	bare     bool     // the words name a group, and command is what they mean alone
	children map[string]*node
}

// synonyms are the words a person writes apart. They are joined wherever the
// tree knows the joined word.
var synonyms = map[[2]string]string{
	{"call", "bridge"}:  "callbridge",
	{"call", "bridges"}: "callbridge",
}

// New builds the tree. Two commands of the same words are a programmer's error
// and panic.
func New(commands []Command) *Tree {
	t := &Tree{root: &node{}}
	for i := range commands {
		c := commands[i]
		t.commands = append(t.commands, &c)
		t.plant(c.Words, &c)
		for _, also := range c.Also {
			t.plant(also, &c)
		}
	}
	slices.SortFunc(t.commands, func(a, b *Command) int { return strings.Compare(a.Words, b.Words) })
	return t
}

func (t *Tree) plant(words string, c *Command) {
	n := t.root
	for _, w := range strings.Fields(words) {
		if n.children == nil {
			n.children = make(map[string]*node)
		}
		if n.children[w] == nil {
			n.children[w] = &node{words: strings.TrimSpace(n.words + " " + w)}
		}
		n = n.children[w]
	}
	if n.command != nil {
		panic("grammar: two commands are called " + words)
	}
	n.command = c
	n.bare = strings.HasPrefix(c.Words, words+" ")
}

// Commands returns all commands ordered by their words.
func (t *Tree) Commands() []*Command { return t.commands }

// Under returns the commands whose words begin with these, ordered; all of them
// for no words.
func (t *Tree) Under(words string) []*Command {
	var found []*Command
	for _, c := range t.commands {
		if words == "" || c.Words == words || strings.HasPrefix(c.Words, words+" ") {
			found = append(found, c)
		}
	}
	return found
}

// step goes from n along the first of the tokens, joining two where a synonym
// says so. It returns the child and how many tokens it took, or 0.
func (n *node) step(tokens []Token) (*node, int) {
	if len(tokens) == 0 {
		return nil, 0
	}
	first := strings.ToLower(tokens[0].Text)
	if len(tokens) > 1 {
		joined := synonyms[[2]string{first, strings.ToLower(tokens[1].Text)}]
		if child := n.children[joined]; child != nil {
			return child, 2
		}
	}
	if child := n.children[first]; child != nil {
		return child, 1
	}
	return nil, 0
}

// walk follows the tokens as far as the tree goes and returns the last node and
// the tokens that are left.
func (t *Tree) walk(tokens []Token) (*node, []Token) {
	n := t.root
	for {
		child, taken := n.step(tokens)
		if taken == 0 {
			return n, tokens
		}
		n, tokens = child, tokens[taken:]
	}
}

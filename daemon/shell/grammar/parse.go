package grammar

import (
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// Call is a line understood: a command and what was given to it.
type Call struct {
	Command *Command
	Args    []string
	Flags   map[string]bool
}

// Arg returns argument i, or "" when it was left out.
func (c Call) Arg(i int) string {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return ""
}

// UnknownError says that no command has these words.
type UnknownError struct {
	Typed   string
	Nearest string // the usage of the closest command; empty when none is close
}

// Error returns the line the original prints, which begins "Unknown command".
func (e *UnknownError) Error() string { return "Unknown command: " + e.Typed }

// Parse understands a line. It strips pasted prompts, takes the words of a
// command in any case, and checks the number of arguments. The error is an
// *UnknownError or a *fault.Error of InvalidArgument. A line without words
// gives a Call without a Command and no error.
func (t *Tree) Parse(line string) (Call, error) {
	tokens, err := Tokens(StripPrompts(line))
	if err != nil {
		return Call{}, err
	}
	return t.ParseTokens(tokens)
}

// ParseTokens is Parse for a line that is split already.
func (t *Tree) ParseTokens(tokens []Token) (Call, error) {
	if len(tokens) == 0 {
		return Call{}, nil
	}
	leading, rest := leadingFlags(tokens)
	n, rest := t.walk(rest)
	if n.command == nil {
		return Call{}, t.unknown(tokens)
	}
	call := Call{Command: n.command, Flags: map[string]bool{}}
	call.take(rest)
	for _, f := range leading {
		call.Flags[f] = true
	}
	if (n.bare || n.command.most() == 0) && len(call.Args) > 0 {
		return Call{}, t.unknown(tokens)
	}
	return call, call.check()
}

// leadingFlags splits off the options in front of the command's words.
func leadingFlags(tokens []Token) (flags []string, rest []Token) {
	for i, tok := range tokens {
		name, is := flagName(tok)
		if !is {
			return flags, tokens[i:]
		}
		flags = append(flags, name)
	}
	return flags, nil
}

func flagName(t Token) (string, bool) {
	if t.Quoted {
		return "", false
	}
	name, is := strings.CutPrefix(t.Text, "--")
	return strings.ToLower(name), is && name != ""
}

// take sorts the tokens behind the command's words into arguments and options.
func (c *Call) take(tokens []Token) {
	for _, tok := range tokens {
		name, is := flagName(tok)
		if is && !c.Command.Raw {
			c.Flags[name] = true
			continue
		}
		c.Args = append(c.Args, tok.Text)
	}
}

// check refuses what the command does not take.
func (c *Call) check() error {
	cmd := c.Command
	for f := range c.Flags {
		if !cmd.takes(f) {
			return misuse(cmd, fmt.Sprintf("%q has no option --%s", cmd.Words, f))
		}
	}
	if n := len(c.Args); n < cmd.least() {
		return misuse(cmd, fmt.Sprintf("the argument <%s> is missing", cmd.Args[n].Name))
	} else if most := cmd.most(); most >= 0 && n > most {
		return misuse(cmd, fmt.Sprintf("there is an argument too many: %s", c.Args[most]))
	}
	for i, v := range c.Args {
		if err := cmd.checkChoice(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *Command) checkChoice(i int, v string) error {
	a := c.argAt(i)
	if a == nil || a.Kind != Choice {
		return nil
	}
	for _, choice := range a.Choices {
		if strings.EqualFold(choice, v) {
			return nil
		}
	}
	return misuse(c, fmt.Sprintf("%q is not one of %s", v, strings.Join(a.Choices, ", ")))
}

func misuse(c *Command, message string) error {
	return fault.Mend(fault.InvalidArgument, message, "type: "+c.Usage())
}

func (t *Tree) unknown(tokens []Token) error {
	words := make([]string, len(tokens))
	for i, tok := range tokens {
		words[i] = tok.Text
	}
	return t.Unknown(words)
}

// Unknown returns the *UnknownError of words that lead to no command.
func (t *Tree) Unknown(words []string) error {
	return &UnknownError{Typed: strings.Join(words, " "), Nearest: t.Nearest(words)}
}

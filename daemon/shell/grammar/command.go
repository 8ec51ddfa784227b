package grammar

import (
	"slices"
	"strings"
)

// Kind tells what an argument names, so that completion can offer values.
type Kind uint8

// The kinds of argument. The comment says what the shell offers for each.
const (
	Text       Kind = iota // anything; nothing is offered
	Host                   // a host name or address; the known peers
	Domain                 // a domain; the configured one
	Letter                 // an interface letter, a to d
	Number                 // a number; nothing is offered
	File                   // any file of the certificate store or exchange folder
	Key                    // a private key
	Cert                   // a certificate or bundle
	CallBridge             // a call bridge
	User                   // a local account
	Node                   // a peer: node name, ID or address
	Setting                // a key of the schema
	Unit                   // a systemd unit of this product
	Choice                 // one of Arg.Choices
	Topic                  // a command, for help
)

// Arg is one argument of a command.
type Arg struct {
	Name     string // as shown between < and >
	Kind     Kind
	Choices  []string // of Choice
	Optional bool     // may be left out; only optional ones may follow
	Many     bool     // takes all that follows; only the last may be
}

// Usage returns the argument as the reference shows it, e.g. "[<bundle>]".
func (a Arg) Usage() string {
	s := "<" + a.Name + ">"
	if a.Kind == Choice {
		s = strings.Join(a.Choices, "|")
		if len(a.Choices) > 1 {
			s = "<" + s + ">"
		}
	}
	if a.Many {
		s += " …"
	}
	if a.Optional {
		s = "[" + s + "]"
	}
	return s
}

// Flag is an option of a command, typed as --Name.
type Flag struct {
	Name string
	Help string
}

// Role is who may use a command.
type Role uint8

// The roles, weakest first.
const (
	Operator Role = iota // may read
	Admin                // may change
)

// String returns the role as a person calls it.
func (r Role) String() string {
	if r == Admin {
		return "administrator"
	}
	return "operator"
}

// Command describes one command. It holds no behaviour: who runs it is decided
// by the package that lists the commands.
type Command struct {
	Words string   // the words that name it, e.g. "xmpp callbridge add"
	Also  []string // other words for the same, e.g. "xmpp" for "xmpp status"
	Args  []Arg
	Flags []Flag
	Role  Role
	Shows bool // lists or shows, and so takes --json
	Raw   bool // takes every following word as it is, options included
	Help  string
	Long  string // paragraphs for help and the reference; may be empty
}

// JSON is the option every command that shows something takes.
const JSON = "json"

// Usage returns the line that shows how the command is typed.
func (c *Command) Usage() string {
	parts := []string{c.Words}
	for _, a := range c.Args {
		parts = append(parts, a.Usage())
	}
	for _, f := range c.flags() {
		parts = append(parts, "[--"+f.Name+"]")
	}
	return strings.Join(parts, " ")
}

// flags returns the options, --json included.
func (c *Command) flags() []Flag {
	if !c.Shows {
		return c.Flags
	}
	return append(slices.Clone(c.Flags), Flag{JSON, "print the same data as JSON"})
}

func (c *Command) takes(flag string) bool {
	return slices.ContainsFunc(c.flags(), func(f Flag) bool { return f.Name == flag })
}

// least and most are how many arguments the command takes; most is -1 when
// there is no limit.
func (c *Command) least() int {
	n := 0
	for _, a := range c.Args {
		if !a.Optional {
			n++
		}
	}
	return n
}

func (c *Command) most() int {
	if n := len(c.Args); c.Raw || n > 0 && c.Args[n-1].Many {
		return -1
	}
	return len(c.Args)
}

// argAt returns the argument at position i, or nil when there is none.
func (c *Command) argAt(i int) *Arg {
	n := len(c.Args)
	switch {
	case i < n:
		return &c.Args[i]
	case n > 0 && c.Args[n-1].Many:
		return &c.Args[n-1]
	}
	return nil
}

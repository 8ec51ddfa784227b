package callbridge

import (
	"strings"

	"quorate.org/daemon/fault"
)

// componentService is the SRV label of the servers a component may sign in at.
const componentService = "_xmpp-component._tcp."

// Setup is all that a link depends on. It is never changed once made.
type Setup struct {
	Name, Domain string
	Server       string // host or host:port; empty means by SRV
	Secret       string
	Trust        *Trust
	Fault        *fault.Error // why there is no Trust
	Unread       *fault.Error // why nothing of all this is known
}

// Address is the component's own: name.domain (XEP-0114 §3).
func (s *Setup) Address() string {
	if s.Name == "" || s.Domain == "" {
		return ""
	}
	return strings.ToLower(s.Name) + "." + s.Domain
}

// equal reports whether a link made by one is a link by the other.
func (s *Setup) equal(o *Setup) bool {
	return s.Name == o.Name && s.Domain == o.Domain && s.Server == o.Server && s.Secret == o.Secret &&
		s.Trust.equal(o.Trust) && sameFault(s.Fault, o.Fault) && sameFault(s.Unread, o.Unread)
}

func sameFault(a, b *fault.Error) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// missing says what is not configured, nil when nothing is.
func (s *Setup) missing() *fault.Error {
	var names, commands []string
	for _, m := range []struct{ value, name, command string }{
		{s.Name, "the name", "callbridge name <name>"},
		{s.Domain, "the domain", "callbridge domain <domain>"},
		{s.Secret, "the shared secret", "callbridge secret"},
	} {
		if m.value == "" {
			names, commands = append(names, m.name), append(commands, m.command)
		}
	}
	if len(names) == 0 {
		return nil
	}
	verb := " is missing"
	if len(names) > 1 {
		verb = " are missing"
	}
	return fault.Mend(fault.InvalidConfiguration, "not configured: "+enumerate(names)+verb, strings.Join(commands, "; "))
}

// enumerate joins words as a sentence does: "a, b and c".
func enumerate(words []string) string {
	last := len(words) - 1
	if last == 0 {
		return words[0]
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

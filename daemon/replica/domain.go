package replica

import (
	"fmt"
	"strings"

	"quorate.org/daemon/fault"
)

// Domain is a further XMPP domain that is served beside State.Domain. It has
// accounts of its own; the call bridges are in State.Domain. Which certificate a
// node shows for it is that node's setting.
type Domain struct {
	Name string `json:"name"` // lower case
}

// AddDomain serves a further domain.
func AddDomain(name string) Command { return Command{Op: OpDomainAdd, Domain: name} }

// DeleteDomain serves a further domain no longer. One with accounts is refused.
func DeleteDomain(name string) Command { return Command{Op: OpDomainDel, Domain: name} }

// Serves reports whether accounts of that domain may be here.
func (s *State) Serves(domain string) bool {
	_, further := s.Domains[domain]
	return further || domain == s.Domain && domain != ""
}

// SortedDomains returns the further domains ordered by name.
func (s *State) SortedDomains() []Domain { return sorted(s.Domains) }

// AccountName returns the name under which State.Accounts has the account of an
// address: its local part, in a further domain with @ and the domain behind it.
func (s *State) AccountName(local, domain string) string {
	if domain == "" || domain == s.Domain {
		return local
	}
	return local + "@" + domain
}

// AccountOf returns the local account of a bare address.
func (s *State) AccountOf(bare string) (Account, bool) {
	local, domain, ok := strings.Cut(bare, "@")
	if !ok || !s.Serves(domain) {
		return Account{}, false
	}
	a, ok := s.Accounts[s.AccountName(local, domain)]
	return a, ok
}

// addressOf returns the bare address of an account by its name.
func (s *State) addressOf(name string) string {
	if strings.Contains(name, "@") {
		return name
	}
	return name + "@" + s.Domain
}

func domainAdd(s *State, _ uint64, c Command) (*State, error) {
	switch {
	case s.Domain == "":
		return nil, fault.Mend(fault.WrongState, "no XMPP domain is set, to which others could be added", "xmpp domain <domain>")
	case s.Serves(c.Domain):
		return s, nil
	}
	if err := s.checkFurther(c.Domain); err != nil {
		return nil, err
	}
	n := s.fork()
	n.Domains = put(s.Domains, c.Domain, Domain{c.Domain})
	return n, nil
}

// checkFurther refuses what can not be a further domain: an address below
// State.Domain is a call bridge's.
func (s *State) checkFurther(domain string) error {
	if err := CheckDomain(domain); err != nil {
		return err
	}
	name, below := strings.CutSuffix(domain, "."+s.Domain)
	if b, taken := s.CallBridge(name); below && taken {
		return fault.Mend(fault.Exists, fmt.Sprintf("%s is the address of the call bridge %s", domain, b.Name),
			"choose another domain, or delete that call bridge first: xmpp callbridge del "+b.Name)
	}
	return nil
}

func domainDel(s *State, _ uint64, c Command) (*State, error) {
	if _, ok := s.Domains[c.Domain]; !ok {
		return nil, fault.Mend(fault.NotFound, fmt.Sprintf("there is no further domain %q", c.Domain),
			`see the names with "xmpp multi_domain list"`)
	}
	if users := s.usersOf(c.Domain); len(users) > 0 {
		return nil, fault.Mend(fault.WrongState,
			fmt.Sprintf("the domain %s has %d users, among them %s", c.Domain, len(users), users[0]),
			"remove them first: xmpp user del "+users[0])
	}
	n := s.fork()
	n.Domains = drop(s.Domains, c.Domain)
	return n, nil
}

// usersOf returns the accounts of a further domain in order.
func (s *State) usersOf(domain string) []string {
	var names []string
	for _, a := range s.SortedAccounts() {
		if strings.HasSuffix(a.Name, "@"+domain) {
			names = append(names, a.Name)
		}
	}
	return names
}

// mergeDomains takes in the further domains that a node brings.
func (s *State) mergeDomains(list []Domain) error {
	for _, d := range list {
		if s.Serves(d.Name) {
			continue
		}
		if err := s.checkFurther(d.Name); err != nil {
			return err
		}
		s.Domains = put(s.Domains, d.Name, d)
	}
	return nil
}

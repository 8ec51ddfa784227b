package replica

import (
	"strings"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/stanza"
)

// The operations on what users publish.
const (
	OpPep  Op = "pep"  // Effect, User (whose), Contact (who asks), Pep
	OpCaps Op = "caps" // Effect, User (whose client told), Name (hash and algorithm), Wants
)

// Client is what the state knows of capabilities (XEP-0115): of which nodes such
// clients want to hear.
type Client struct {
	Wants []string `json:"wants,omitempty"`
	By    string   `json:"by,omitempty"` // the account whose client told it first
	Since uint64   `json:"since"`        // by Clock
}

// maxClients bounds the kinds of client that are known. Of one that is forgotten
// the leader asks again.
const maxClients = 1000

// ChangeService changes what a user publishes, as somebody asks for it.
func ChangeService(e Effect, user, asker string, c pep.Change) Command {
	return Command{Op: OpPep, Effect: &e, User: user, Contact: asker, Pep: &c}
}

// LearnCaps notes what a kind of client wants to hear of. What the key says was
// verified, so whoever notes it notes the same.
func LearnCaps(e Effect, user, key string, wants []string) Command {
	return Command{Op: OpCaps, Effect: &e, User: user, Name: key, Wants: wants}
}

// Service returns what an account publishes, nil for nothing.
func (s *State) Service(bare string) *pep.Service { return s.Services.Get(bare) }

// Viewer returns who somebody is to an account's service.
func (s *State) Viewer(owner, who string) pep.Viewer {
	return pep.Viewer{Owner: who == owner && s.Account(owner), Addr: who, Contact: s.User(owner).Contact(who)}
}

// Wants returns of which nodes clients with such capabilities want to hear; known
// is false when they have to be asked.
func (s *State) Wants(key string) (nodes []string, known bool) {
	c := s.Clients.Get(key)
	return c.Wants, c.Since != 0
}

func pepChange(n *State, clock uint64, c Command) im.Outcome {
	if c.Pep == nil {
		return im.Outcome{Refused: stanza.BadRequest}
	}
	old := n.Service(c.User)
	if !n.Account(c.User) { // whoever asks is told the same as by an account that they do not know
		_, out := old.Apply(clock, *c.Pep, n.Viewer(c.User, c.Contact), c.limits())
		return out
	}
	next, out := old.Apply(clock, *c.Pep, n.Viewer(c.User, c.Contact), c.limits())
	n.publish(c.User, next)
	if gone := old.Node(c.Pep.Node); c.Pep.Act == pep.Delete && out.Refused == "" {
		out.Kept = gone.Keep()
	}
	return out
}

// publish enters what an account publishes. s must be a fork.
func (s *State) publish(bare string, v *pep.Service) {
	switch {
	case v == s.Service(bare):
	case v.Empty():
		s.Services.remove(bare)
	default:
		s.Services.set(bare, v)
	}
}

func learnCaps(n *State, clock uint64, c Command) im.Outcome {
	if _, known := n.Wants(c.Name); known || c.Name == "" {
		return im.Outcome{}
	}
	n.Clients.set(c.Name, Client{Wants: pep.Heeded(c.Wants), By: c.User, Since: clock})
	if n.Clients.Len() > maxClients {
		n.Clients.remove(n.surplusClient())
	}
	return im.Outcome{}
}

// surplusClient is the kind of client to forget: the oldest of the account that told
// of the most, so that nobody has those forgotten which others use.
func (s *State) surplusClient() (key string) {
	told := map[string]int{}
	for _, c := range s.Clients.each {
		told[c.By]++
	}
	most, since := 0, uint64(0)
	for k, c := range s.Clients.each { // no two are of one clock
		if n := told[c.By]; n > most || n == most && c.Since < since {
			key, most, since = k, n, c.Since
		}
	}
	return key
}

// mergeServices takes over what accounts of another store publish, where they
// publish nothing here and, with had, are new.
func (s *State) mergeServices(services Table[*pep.Service], had map[string]Account) {
	for bare, v := range services.All() {
		local, domain, _ := strings.Cut(bare, "@")
		_, known := had[s.AccountName(local, domain)]
		if !known && s.Account(bare) && s.Service(bare) == nil && v.Whole() {
			s.publish(bare, v)
		}
	}
}

// leaveServices drops what an account published, and takes it out of what others
// do. s must be a fork.
func (s *State) leaveServices(bare string) {
	s.Services.remove(bare)
	for owner, v := range s.Services.All() {
		if v.Knows(bare) {
			s.publish(owner, v.Without(bare))
		}
	}
}

package pep

import (
	"maps"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// Bounds of what one account may hold, beside im.Limits.
const (
	MaxName  = 1023 // bytes of a node's, an item's or a subscriber's name
	maxNamed = 1000 // addresses or groups that one request names
	maxOfOne = 16   // subscriptions of one account to one node: it has as many devices
)

// Service is what one account publishes (XEP-0163 §2.1), by node. A nil Service
// has nothing.
type Service struct {
	Nodes map[string]*Node `json:"nodes"`
}

// Node is one node.
type Node struct {
	Config       Config            `json:"config"`
	Items        []Item            `json:"items,omitempty"`        // in the order of publication (XEP-0060 §13.1)
	Subscribers  map[string]uint64 `json:"subscribers,omitempty"`  // who subscribed by a request, by address, and when by the store's clock
	Affiliations map[string]string `json:"affiliations,omitempty"` // by bare address; of the owner there is none
}

// Item is one published item.
type Item struct {
	ID   string `json:"id"`
	Raw  []byte `json:"raw,omitempty"` // the payload, which stands alone; may be empty
	Time int64  `json:"time"`          // when it was published, Unix milliseconds
}

// Affiliations beside the owner's (XEP-0060 §4.1).
const (
	Member  = "member"
	Outcast = "outcast"
)

// Node returns a node, nil if there is none.
func (s *Service) Node(name string) *Node {
	if s == nil {
		return nil
	}
	return s.Nodes[name]
}

// Names lists the nodes, sorted.
func (s *Service) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Nodes))
}

// Empty reports whether there is nothing to keep.
func (s *Service) Empty() bool { return s == nil || len(s.Nodes) == 0 }

// Whole reports whether every node is there: what another store brings was not
// made by Apply.
func (s *Service) Whole() bool {
	return s != nil && !slices.Contains(slices.Collect(maps.Values(s.Nodes)), nil)
}

// size is how many bytes an account has said in all: names and settings too.
func (s *Service) size() (n int) {
	if s == nil {
		return 0
	}
	for name, node := range s.Nodes {
		n += len(name) + len(node.Config.Title) + len(node.Config.Schema)
		for _, group := range node.Config.Groups {
			n += len(group)
		}
		for addr := range node.Affiliations {
			n += len(addr)
		}
		for _, it := range node.Items {
			n += len(it.ID) + len(it.Raw)
		}
	}
	return n
}

// audience is how many bytes the addresses of subscribers have. They are not in size:
// who subscribes is not to take the room of what the account publishes.
func (s *Service) audience() (n int) {
	if s == nil {
		return 0
	}
	for _, node := range s.Nodes {
		for addr := range node.Subscribers {
			n += len(addr)
		}
	}
	return n
}

// Last returns the item that was published last; ok is false if there is none.
func (n *Node) Last() (it Item, ok bool) {
	if n == nil || len(n.Items) == 0 {
		return it, false
	}
	return n.Items[len(n.Items)-1], true
}

// Viewer is who asks for a node of somebody's.
type Viewer struct {
	Owner   bool
	Addr    string  // bare
	Contact im.Item // what the owner's roster has of them
}

// Refusal is why a request fails: the condition, and the one that XEP-0060 has
// beside it, which may be "".
type Refusal struct {
	Condition stanza.Condition
	Detail    string // name of an element of #errors
	Feature   string // with Detail "unsupported"
	Limit     string // which of im.Limits was reached, "" for none
}

// Refuses tells why a viewer may not see a node (XEP-0060 §4.5, §6.5.9); nil says
// that they may, as who is on a whitelist may without seeing the owner's presence.
// A stranger is told the same of a node that is not there, so that nobody learns
// what there is, nor whether there is such an account.
func (n *Node) Refuses(v Viewer) *Refusal {
	switch {
	case v.Owner && n == nil:
		return &Refusal{Condition: stanza.ItemNotFound}
	case v.Owner:
		return nil
	case n == nil:
		return v.unseen()
	}
	if n.Affiliations[v.Addr] == Outcast { // §6.5.9.10
		return &Refusal{Condition: stanza.Forbidden}
	}
	switch {
	case n.Config.Access == Open, n.Config.Access == Whitelist && n.Affiliations[v.Addr] == Member:
		return nil
	case !v.subscribed():
		return v.unseen()
	case n.Config.Access == Roster && !n.Config.allows(v.Contact.Groups): // §6.5.9.7
		return &Refusal{Condition: stanza.NotAuthorized, Detail: "not-in-roster-group"}
	case n.Config.Access == Whitelist: // §6.5.9.8
		return &Refusal{Condition: stanza.NotAllowed, Detail: "closed-node"}
	}
	return nil
}

// unseen is the answer about what a viewer has no sight of: to a contact the
// truth, to a stranger that they are one (§6.5.9.6).
func (v Viewer) unseen() *Refusal {
	if v.subscribed() {
		return &Refusal{Condition: stanza.ItemNotFound}
	}
	return &Refusal{Condition: stanza.NotAuthorized, Detail: "presence-subscription-required"}
}

// subscribed reports whether the viewer sees the owner's presence.
func (v Viewer) subscribed() bool { return v.Contact.State&im.From != 0 }

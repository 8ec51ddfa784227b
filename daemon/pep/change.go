package pep

import (
	"maps"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// Act is what a request does.
type Act string

// The acts that change a service, of its owner but for the last two.
const (
	Publish     Act = "publish"     // Item, Options; XEP-0060 §7.1
	Retract     Act = "retract"     // Items; §7.2
	Create      Act = "create"      // Options; §8.1
	Configure   Act = "configure"   // Options; §8.2
	Delete      Act = "delete"      // §8.4
	Purge       Act = "purge"       // §8.5
	Affiliate   Act = "affiliate"   // Peers: address to affiliation; §8.9.2
	Dismiss     Act = "dismiss"     // Peers: address to "none"; §8.8.2
	Subscribe   Act = "subscribe"   // Subscriber; §6.1
	Unsubscribe Act = "unsubscribe" // Subscriber; §6.2
)

// Change is one change of a service.
type Change struct {
	Act        Act               `json:"act"`
	Node       string            `json:"node"`
	Item       Item              `json:"item,omitzero"`
	Items      []string          `json:"items,omitempty"`
	Options    []stanza.Field    `json:"options,omitempty"`
	Peers      map[string]string `json:"peers,omitempty"`
	Subscriber string            `json:"subscriber,omitempty"`
}

// Apply returns the service behind a change that a viewer asks for. The outcome
// tells why not, with the condition of XEP-0060 in Detail.
func (s *Service) Apply(clock uint64, c Change, v Viewer, limits im.Limits) (*Service, im.Outcome) {
	n := s.fork()
	r := n.apply(clock, c, v, limits)
	switch {
	case r == nil && len(n.Nodes) > max(limits.Nodes, len(s.Names())):
		return s, im.Outcome{Refused: stanza.ResourceConstraint, Limit: im.LimitNodes}
	case r == nil && n.exceeds(s, limits.Items):
		return s, im.Outcome{Refused: stanza.ResourceConstraint, Limit: im.LimitItems}
	case r != nil:
		return s, im.Outcome{Refused: r.Condition, Detail: r.Detail, Limit: r.Limit}
	case c.Act == Publish && s.Node(c.Node).crowded(c.Item.ID, limits.Kept):
		return n, im.Outcome{Limit: im.LimitKept}
	}
	return n, im.Outcome{}
}

// exceeds reports whether a service is larger than the limit, and than it was: what
// takes something away is done however much there is.
func (s *Service) exceeds(before *Service, limit int) bool {
	if n := s.size(); n > limit && n > before.size() {
		return true
	}
	n := s.audience()
	return n > limit && n > before.audience()
}

// crowded reports whether an item takes the place of another because the limit
// leaves a node no more, and not because its owner wants no more.
func (n *Node) crowded(id string, limit int) bool {
	return n != nil && !n.Config.Transient && (n.Config.Max > limit || n.Config.Max == asMany) && len(n.Items) >= limit &&
		!slices.ContainsFunc(n.Items, func(it Item) bool { return it.ID == id })
}

// fork returns a copy whose map may be written to.
func (s *Service) fork() *Service {
	if s == nil {
		return &Service{Nodes: map[string]*Node{}}
	}
	return &Service{Nodes: maps.Clone(s.Nodes)}
}

func (s *Service) apply(clock uint64, c Change, v Viewer, limits im.Limits) *Refusal {
	if c.Act == Subscribe || c.Act == Unsubscribe {
		return s.subscribe(clock, c, v, limits.Peers)
	}
	if !v.Owner { // XEP-0163 §2.2: the owner is the one publisher
		return &Refusal{Condition: stanza.Forbidden}
	}
	switch c.Act {
	case Publish:
		return s.publish(c, limits.Kept)
	case Create:
		return s.create(c)
	}
	n := s.Nodes[c.Node]
	if n == nil {
		return &Refusal{Condition: stanza.ItemNotFound}
	}
	next := *n
	s.Nodes[c.Node] = &next
	switch c.Act {
	case Retract:
		return next.retract(c.Items)
	case Configure:
		return next.configure(c.Options, limits.Kept)
	case Affiliate:
		return next.affiliate(c.Peers, limits.Peers)
	case Dismiss:
		return next.dismiss(c.Peers)
	case Purge:
		next.Items = nil
	case Delete:
		delete(s.Nodes, c.Node)
	}
	return nil
}

func (s *Service) create(c Change) *Refusal {
	if s.Nodes[c.Node] != nil { // §8.1.2
		return &Refusal{Condition: stanza.Conflict}
	}
	config, ok := Default().With(c.Options)
	if !ok {
		return &Refusal{Condition: stanza.NotAcceptable}
	}
	s.Nodes[c.Node] = &Node{Config: config}
	return nil
}

// publish puts an item in front of the others, and makes the node if there is
// none (XEP-0060 §7.1.4, §7.1.5).
func (s *Service) publish(c Change, limit int) *Refusal {
	if s.Nodes[c.Node] == nil {
		if r := s.create(c); r != nil {
			if r.Condition == stanza.NotAcceptable { // a field that is not known
				return &Refusal{Condition: stanza.Conflict, Detail: "precondition-not-met"}
			}
			return r
		}
	}
	n := *s.Nodes[c.Node]
	if met, _ := n.Config.Meets(c.Options); !met {
		return &Refusal{Condition: stanza.Conflict, Detail: "precondition-not-met"}
	}
	items := slices.DeleteFunc(slices.Clone(n.Items), func(it Item) bool { return it.ID == c.Item.ID })
	items = append(items, c.Item)
	if over := len(items) - n.Config.keeps(limit); over > 0 {
		items = slices.Clone(items[over:])
	}
	n.Items = items
	s.Nodes[c.Node] = &n
	return nil
}

func (n *Node) retract(ids []string) *Refusal {
	there, gone := map[string]bool{}, map[string]bool{}
	for _, it := range n.Items {
		there[it.ID] = true
	}
	for _, id := range ids {
		if !there[id] {
			return &Refusal{Condition: stanza.ItemNotFound} // §7.2.3.2
		}
		gone[id] = true
	}
	n.Items = slices.DeleteFunc(slices.Clone(n.Items), func(it Item) bool { return gone[it.ID] })
	return nil
}

func (n *Node) configure(fields []stanza.Field, limit int) *Refusal {
	next, ok := n.Config.With(fields)
	if !ok {
		return &Refusal{Condition: stanza.NotAcceptable}
	}
	n.Config = next
	if over := len(n.Items) - next.keeps(limit); over > 0 {
		n.Items = slices.Clone(n.Items[over:])
	}
	return nil
}

func (n *Node) affiliate(peers map[string]string, limit int) *Refusal {
	n.Affiliations = maps.Clone(n.Affiliations)
	if n.Affiliations == nil {
		n.Affiliations = map[string]string{}
	}
	for addr, what := range peers {
		switch what {
		case "none":
			delete(n.Affiliations, addr)
		case Member, Outcast:
			n.Affiliations[addr] = what
		default: // §8.9.2.3: nobody else publishes here
			return &Refusal{Condition: stanza.NotAcceptable}
		}
	}
	if len(n.Affiliations) > limit {
		return &Refusal{Condition: stanza.ResourceConstraint, Limit: im.LimitPeers}
	}
	return nil
}

// dismiss ends subscriptions for their subscribers (§8.8.3).
func (n *Node) dismiss(peers map[string]string) *Refusal {
	n.Subscribers = maps.Clone(n.Subscribers)
	for addr, what := range peers {
		if _, there := n.Subscribers[addr]; !there || what != "none" {
			return &Refusal{Condition: stanza.NotAcceptable}
		}
		delete(n.Subscribers, addr)
	}
	return nil
}

// subscribe begins or ends a subscription by request (§6.1, §6.2).
func (s *Service) subscribe(clock uint64, c Change, v Viewer, limit int) *Refusal {
	n := s.Nodes[c.Node]
	_, there := n.subscribers()[c.Subscriber]
	switch {
	case c.Act == Unsubscribe && !there: // §6.2.3.2
		r := NotSubscribed
		return &r
	case c.Act == Subscribe && n.Refuses(v) != nil:
		return n.Refuses(v)
	case c.Act == Subscribe && !there && n.ofOne(bareOf(c.Subscriber)) >= maxOfOne: // §6.1.3.9
		return &Refusal{Condition: stanza.PolicyViolation, Detail: "too-many-subscriptions"}
	case c.Act == Subscribe && !there && len(n.Subscribers) >= limit:
		return &Refusal{Condition: stanza.PolicyViolation, Detail: "too-many-subscriptions", Limit: im.LimitPeers}
	}
	next := *n
	next.Subscribers = maps.Clone(n.Subscribers)
	if next.Subscribers == nil {
		next.Subscribers = map[string]uint64{}
	}
	if delete(next.Subscribers, c.Subscriber); c.Act == Subscribe {
		next.Subscribers[c.Subscriber] = clock
	}
	s.Nodes[c.Node] = &next
	return nil
}

// ofOne is how many subscriptions an account has.
func (n *Node) ofOne(bare string) (count int) {
	for addr := range n.Subscribers {
		if bareOf(addr) == bare {
			count++
		}
	}
	return count
}

// NotSubscribed refuses the end of a subscription that is not there (XEP-0060
// §6.2.3.2).
var NotSubscribed = Refusal{Condition: stanza.UnexpectedRequest, Detail: "not-subscribed"}

// Follows reports whether an address has subscribed to a node by a request.
func (s *Service) Follows(node, addr string) bool {
	_, there := s.Node(node).subscribers()[addr]
	return there
}

func (n *Node) subscribers() map[string]uint64 {
	if n == nil {
		return nil
	}
	return n.Subscribers
}

// Knows reports whether an address subscribes to a node or has an affiliation.
func (s *Service) Knows(bare string) bool {
	for _, n := range s.Nodes {
		if n.Affiliations[bare] != "" || slices.ContainsFunc(slices.Collect(maps.Keys(n.Subscribers)), of(bare)) {
			return true
		}
	}
	return false
}

func of(bare string) func(addr string) bool {
	return func(addr string) bool { return bareOf(addr) == bare }
}

// Without returns the service without an address that is gone.
func (s *Service) Without(bare string) *Service {
	n := s.fork()
	for name, node := range n.Nodes {
		next := *node
		next.Affiliations, next.Subscribers = maps.Clone(node.Affiliations), maps.Clone(node.Subscribers)
		delete(next.Affiliations, bare)
		maps.DeleteFunc(next.Subscribers, func(addr string, _ uint64) bool { return bareOf(addr) == bare })
		n.Nodes[name] = &next
	}
	return n
}

package pep

import (
	"bytes"
	"maps"
	"slices"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// writer appends elements; attributes that are empty are left out.
type writer struct{ b []byte }

func (w *writer) open(name string, pairs ...string) {
	w.tag(name, pairs)
	w.b = append(w.b, '>')
}

func (w *writer) empty(name string, pairs ...string) {
	w.tag(name, pairs)
	w.b = append(w.b, "/>"...)
}

func (w *writer) tag(name string, pairs []string) {
	w.b = append(append(w.b, '<'), name...)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		w.b = append(append(append(w.b, ' '), pairs[i]...), "='"...)
		w.b = append(xmlwire.AppendEscaped(w.b, pairs[i+1]), '\'')
	}
}

func (w *writer) close(names ...string) {
	for _, n := range names {
		w.b = append(append(append(w.b, "</"...), n...), '>')
	}
}

// Detailed puts what XEP-0060 has beside a condition into the error stanza raw.
func Detailed(raw []byte, detail, feature string) []byte {
	if detail == "" {
		return raw
	}
	w := &writer{}
	w.empty(detail, "xmlns", nsErrors, "feature", feature)
	return bytes.Replace(raw, []byte("</error>"), append(w.b, "</error>"...), 1)
}

// Answer is the payload that answers a request for a look, or a refusal.
func (s *Service) Answer(q Request, v Viewer, addr string) ([]byte, *Refusal) {
	n := s.Node(q.Node)
	if !v.Owner && slices.Contains([]Look{Configuration, Defaults, Subscribers, Affiliations}, q.Look) {
		return nil, &Refusal{Condition: stanza.Forbidden} // §8.2.3.2
	}
	if q.Node != "" && q.Look != Defaults {
		if r := n.Refuses(v); r != nil {
			return nil, r
		}
	}
	w := &writer{}
	switch q.Look {
	case Items:
		return n.items(w, q)
	case MySubscriptions:
		s.mySubscriptions(w, q.Node, addr)
	case MyAffiliations:
		s.myAffiliations(w, v)
	case Configuration, Defaults:
		configuration(w, n, q)
	case Subscribers, Affiliations:
		n.list(w, q)
	}
	if len(w.b) > maxAnswer {
		return nil, &Refusal{Condition: stanza.ResourceConstraint}
	}
	return w.b, nil
}

// items answers with what is asked for, the newest last (§6.5), as far as an answer
// holds it.
func (n *Node) items(w *writer, q Request) ([]byte, *Refusal) {
	list := n.Items
	if n.Config.Transient {
		list = nil
	}
	if len(q.IDs) > 0 { // §6.5.8
		asked := map[string]bool{}
		for _, id := range q.IDs {
			asked[id] = true
		}
		list = slices.DeleteFunc(slices.Clone(list), func(it Item) bool { return !asked[it.ID] })
	}
	from, to, ok := q.page(list)
	if !ok {
		return nil, &Refusal{Condition: stanza.ItemNotFound} // XEP-0059 §2.4
	}
	var names []string
	w.open("pubsub", "xmlns", NS)
	w.open("items", "node", q.Node)
	for _, it := range list[from:to] {
		names = append(names, it.ID)
		w.item(it, false)
	}
	w.close("items")
	if q.Paged || len(names) < len(list) {
		w.part(names, from, len(list))
	}
	w.close("pubsub")
	return w.b, nil
}

func (w *writer) item(it Item, bare bool) {
	if bare || len(it.Raw) == 0 {
		w.empty("item", "id", it.ID)
		return
	}
	w.open("item", "id", it.ID)
	w.b = append(w.b, it.Raw...)
	w.close("item")
}

// mySubscriptions lists what an account has subscribed to by request (§5.6).
func (s *Service) mySubscriptions(w *writer, node, bare string) {
	w.open("pubsub", "xmlns", NS)
	w.open("subscriptions", "node", node)
	for _, name := range s.Names() {
		for _, addr := range slices.Sorted(maps.Keys(s.Nodes[name].Subscribers)) {
			if bareOf(addr) == bare && (node == "" || node == name) {
				w.empty("subscription", "node", name, "jid", addr, "subscription", "subscribed")
			}
		}
	}
	w.close("subscriptions", "pubsub")
}

// myAffiliations lists what a viewer is to the nodes that they may see (§5.7).
func (s *Service) myAffiliations(w *writer, v Viewer) {
	w.open("pubsub", "xmlns", NS)
	w.open("affiliations")
	for _, name := range s.Names() {
		what := s.Nodes[name].Affiliations[v.Addr]
		if v.Owner {
			what = "owner"
		}
		if what != "" && s.Nodes[name].Refuses(v) == nil {
			w.empty("affiliation", "node", name, "affiliation", what)
		}
	}
	w.close("affiliations", "pubsub")
}

// configuration answers with a node's form, or that of a new one (§8.2.2, §8.3.3).
func configuration(w *writer, n *Node, q Request) {
	c, name := Default(), "default"
	if q.Look == Configuration {
		c, name = n.Config, "configure"
	}
	w.open("pubsub", "xmlns", NSOwner)
	w.open(name, "node", q.Node)
	w.b = c.Form().Append(w.b)
	w.close(name, "pubsub")
}

// list answers the owner with the subscribers or the affiliations of a node
// (§8.8.1, §8.9.1).
func (n *Node) list(w *writer, q Request) {
	w.open("pubsub", "xmlns", NSOwner)
	if q.Look == Subscribers {
		w.open("subscriptions", "node", q.Node)
		for _, addr := range slices.Sorted(maps.Keys(n.Subscribers)) {
			w.empty("subscription", "jid", addr, "subscription", "subscribed")
		}
		w.close("subscriptions", "pubsub")
		return
	}
	w.open("affiliations", "node", q.Node)
	for _, addr := range slices.Sorted(maps.Keys(n.Affiliations)) {
		w.empty("affiliation", "jid", addr, "affiliation", n.Affiliations[addr])
	}
	w.close("affiliations", "pubsub")
}

// Done is the payload of the result that says a change is made; mostly none.
func Done(q Request) []byte {
	w := &writer{}
	switch q.Act {
	case Publish: // §7.1.2
		w.open("pubsub", "xmlns", NS)
		w.open("publish", "node", q.Node)
		w.empty("item", "id", q.Item.ID)
		w.close("publish", "pubsub")
	case Create: // §8.1.2
		w.open("pubsub", "xmlns", NS)
		w.empty("create", "node", q.Node)
		w.close("pubsub")
	case Subscribe: // §6.1.2
		w.open("pubsub", "xmlns", NS)
		w.empty("subscription", "node", q.Node, "jid", q.Subscriber, "subscription", "subscribed")
		w.close("pubsub")
	}
	return w.b
}

// Info is the answer to a disco#info request about a node (§5.3).
func (n *Node) Info(name string) []byte {
	b := stanza.AppendDiscoInfo(nil, name, []stanza.Identity{{Category: "pubsub", Type: "leaf"}}, []string{NS, NS + "#meta-data"})
	return append(n.Meta().Append(b[:len(b)-len("</query>")]), "</query>"...)
}

// Listed is the answer to a disco#items request about an account's nodes, those
// that a viewer may see (XEP-0163 §6.2), or about the items of one (§5.5).
func (s *Service) Listed(node, owner string, v Viewer) []byte {
	var list []stanza.Item
	if n := s.Node(node); n != nil {
		for _, it := range n.Items {
			list = append(list, stanza.Item{JID: owner, Name: it.ID})
		}
		return discoItems(node, list, true)
	}
	for _, name := range s.Names() {
		if n := s.Nodes[name]; n.Refuses(v) == nil {
			list = append(list, stanza.Item{JID: owner, Node: name, Name: n.Config.Title})
		}
	}
	return discoItems("", list, false)
}

// Visible reports whether a viewer is told that there is an account: a contact,
// and anybody where a node is open.
func (s *Service) Visible(v Viewer) bool {
	return v.Owner || v.subscribed() ||
		slices.ContainsFunc(s.Names(), func(name string) bool { return s.Nodes[name].Refuses(v) == nil })
}

// Features are what an account's disco#info says of its service (XEP-0163 §6.1,
// XEP-0060 §11).
func Features() []string {
	list := []string{NS}
	for _, f := range []string{"access-open", "access-presence", "access-roster", "access-whitelist", "auto-create", "auto-subscribe",
		"config-node", "config-node-max", "create-and-configure", "create-nodes", "delete-items", "delete-nodes", "filtered-notifications",
		"instant-nodes", "item-ids", "last-published", "manage-subscriptions", "member-affiliation", "meta-data", "modify-affiliations",
		"multi-items", "outcast-affiliation", "persistent-items", "presence-notifications", "presence-subscribe", "publish",
		"publish-options", "purge-nodes", "retract-items", "retrieve-affiliations", "retrieve-default", "retrieve-items",
		"retrieve-subscriptions", "rsm", "subscribe"} {
		list = append(list, NS+"#"+f)
	}
	return list
}

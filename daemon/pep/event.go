package pep

import (
	"encoding/json"
	"time"
)

// Event is what subscribers are told, without the envelope.
type Event struct {
	Owner string // bare address
	Node  string
	inner []byte // within <event/>
	since int64  // when it happened, of one that comes late; else 0
}

// EventOf is what follows from a change of a node; ok is false where nobody is
// told. node is the node behind the change or, of one that is deleted, before it.
func EventOf(q Request, node *Node, owner string) (e Event, ok bool) {
	w, e := &writer{}, Event{Owner: owner, Node: q.Node}
	if node == nil || node.Config.Silent {
		return e, false
	}
	switch q.Act {
	case Publish: // §7.1.2.1, §7.1.2.2
		w.open("items", "node", q.Node)
		w.item(q.Item, node.Config.Bare)
		w.close("items")
	case Retract: // §7.2.2.1
		if node.Config.QuietRetract && !q.Notify {
			return e, false
		}
		w.open("items", "node", q.Node)
		for _, id := range q.Items {
			w.empty("retract", "id", id)
		}
		w.close("items")
	case Purge: // §8.5.2
		w.empty("purge", "node", q.Node)
	case Delete: // §8.4.2
		if !node.Config.AnnounceDrop {
			return e, false
		}
		w.empty("delete", "node", q.Node)
	default:
		return e, false
	}
	e.inner = w.b
	return e, true
}

// LastEvent is a node's last item as it is sent to who has become available
// (XEP-0163 §4.3.4), or has subscribed (presence is false); ok is false where the
// node does not want that, or has none.
func (n *Node) LastEvent(name, owner string, presence bool) (e Event, ok bool) {
	it, ok := n.Last()
	if !ok || n.Config.Silent || n.Config.Last == never || presence && n.Config.Last != onSubPresence {
		return e, false
	}
	w := &writer{}
	w.open("items", "node", name)
	w.item(it, n.Config.Bare)
	w.close("items")
	return Event{Owner: owner, Node: name, inner: w.b, since: it.Time}, true
}

// Append appends the message that tells an event (XEP-0163 §4.3.1).
func (e Event) Append(dst []byte, to, id string) []byte {
	w := &writer{dst}
	w.open("message", "type", "headline", "from", e.Owner, "to", to, "id", id)
	w.open("event", "xmlns", nsEvent)
	w.b = append(w.b, e.inner...)
	w.close("event")
	if e.since != 0 {
		w.empty("delay", "xmlns", "urn:xmpp:delay", "stamp", time.UnixMilli(e.since).UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	w.close("message")
	return w.b
}

// Keep returns what a deleted node's subscribers are found by, for the outcome of
// the deletion; Kept reads it.
func (n *Node) Keep() []byte {
	b, err := json.Marshal(Node{Config: n.Config, Subscribers: n.Subscribers, Affiliations: n.Affiliations})
	if err != nil {
		panic(err) // strings, numbers and maps always encode
	}
	return b
}

// Kept reads what Keep wrote, nil for nothing.
func Kept(b []byte) *Node {
	n := &Node{}
	if len(b) == 0 || json.Unmarshal(b, n) != nil {
		return nil
	}
	return n
}

package im

import (
	"slices"

	"quorate.org/daemon/stanza"
)

// Outcome is what became of a command to the store: why it was refused, or
// what follows from it. The store keeps it while the stanza that it came from
// may come again, so that a new leader derives the same stanzas (rule 9).
type Outcome struct {
	Refused stanza.Condition `json:"refused,omitempty"`
	Limit   string           `json:"limit,omitempty"` // which was reached
	Effects []Effects        `json:"effects,omitempty"`
	// Addresses are those that a change of the block list was about: that were not on
	// it before, or are no longer.
	Addresses []string `json:"addresses,omitempty"`
	Detail    string   `json:"detail,omitempty"` // with Refused: the condition that a service has beside it
	Kept      []byte   `json:"kept,omitempty"`   // what is derived from that the command took away
}

// Set adds or replaces the item of a contact as the client gave it (RFC 6121
// §2.3, §2.4): handle and groups exactly so, the subscription as it was.
func (l Limits) Set(index uint64, u *User, jid, name string, groups []string) (*User, Outcome) {
	it := u.Contact(jid)
	if _, known := u.items()[jid]; !known && len(u.items()) >= l.Contacts {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitContacts}
	}
	n := u.fork()
	it.Name, it.Groups, it.Listed = name, slices.Clone(groups), true
	if !n.put(index, jid, it) {
		return u, Outcome{}
	}
	if size := n.weight(); size > l.Roster && size > u.weight() {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitRoster}
	}
	return n, Outcome{}
}

// weight is how many bytes a user's contacts take where they are sent: the items in
// the answer to a roster get, the requests to a resource that has become available.
func (u *User) weight() (n int) {
	var b []byte
	for jid, it := range u.items() {
		b = appendItem(b[:0], jid, it)
		n += len(b) + len(it.Request)
	}
	return n
}

func (u *User) items() map[string]Item {
	if u == nil {
		return nil
	}
	return u.Items
}

// Remove takes a contact out of the roster and ends the subscriptions of both
// sides (RFC 6121 §2.5.2). contact is Absent where the contact's roster is not
// kept here.
func (l Limits) Remove(index uint64, u *User, jid string, contact *User, owner string) (user, other *User, out Outcome) {
	it := u.Contact(jid)
	if !it.Listed {
		return u, contact, Outcome{Refused: stanza.ItemNotFound} // §2.5.3
	}
	for _, step := range []struct {
		has State
		say Type
	}{{To | PendingOut, Unsubscribe}, {From, Unsubscribed}} {
		if it.State&step.has != 0 {
			var e Effects
			u, contact, e = l.Exchange(index, u, contact, Request{From: owner, To: jid, Type: step.say})
			e.UserPush = false // the removal is what is pushed
			out.Effects = append(out.Effects, e)
		}
	}
	n := u.fork()
	n.forget(index, jid)
	return n, contact, out
}

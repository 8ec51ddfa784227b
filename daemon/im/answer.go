package im

import (
	"cmp"
	"maps"
	"slices"

	"quorate.org/daemon/xmlwire"
)

// change is what a roster push tells: an item as it is, or its removal.
type change struct {
	jid  string
	item Item
	gone bool
	ver  uint64
}

// Answer is the reply to a roster get: the payload of the result, nil for an
// empty result (RFC 6121 §2.6.3), which the pushes follow.
type Answer struct {
	Payload []byte
	Pushes  []Push
}

// Push is one roster push, without its envelope.
type Push struct {
	Contact string
	Payload []byte
}

// Get answers a roster get. A client that says a version which is known gets an
// empty result and the changes since, unless the whole roster is shorter.
func Get(u *User, q Query, lineage string) Answer {
	if u == nil {
		u = &User{}
	}
	since, ok := readVersion(lineage, q.Ver)
	if ok && q.HasVer && since >= u.Floor && since <= u.Ver {
		if list := u.changes(since); 2*len(list) <= len(u.Items) || len(list) == 0 {
			a := Answer{}
			for _, c := range list {
				a.Pushes = append(a.Pushes, Push{c.jid, c.payload(lineage)})
			}
			return a
		}
	}
	b := appendQuery(nil, Version(lineage, u.Ver))
	for _, jid := range slices.Sorted(maps.Keys(u.Items)) {
		if it := u.Items[jid]; it.Listed {
			b = appendItem(b, jid, it)
		}
	}
	return Answer{Payload: append(b, "</query>"...)}
}

// changes lists what changed after a version, in the order it did.
func (u *User) changes(since uint64) []change {
	var list []change
	for jid, it := range u.Items {
		if it.Listed && it.Ver > since {
			list = append(list, change{jid, it, false, it.Ver})
		}
	}
	for jid, ver := range u.Gone {
		if ver > since {
			list = append(list, change{jid, Item{}, true, ver})
		}
	}
	slices.SortFunc(list, func(a, b change) int { return cmp.Compare(a.ver, b.ver) })
	return list
}

// PushOf is the push that tells a contact's present item, or that it is gone.
func PushOf(u *User, contact, lineage string) Push {
	it := u.Contact(contact)
	c := change{contact, it, !it.Listed, it.Ver}
	if c.gone && u != nil {
		c.ver = u.Gone[contact]
	}
	return Push{contact, c.payload(lineage)}
}

func (c change) payload(lineage string) []byte {
	b := appendQuery(nil, Version(lineage, c.ver))
	if c.gone { // §2.5.2
		b = append(b, "<item jid='"...)
		b = xmlwire.AppendEscaped(b, c.jid)
		b = append(b, "' subscription='remove'/>"...)
	} else {
		b = appendItem(b, c.jid, c.item)
	}
	return append(b, "</query>"...)
}

func appendQuery(b []byte, ver string) []byte {
	b = append(b, "<query xmlns='"+NSRoster+"' ver='"...)
	b = xmlwire.AppendEscaped(b, ver)
	return append(b, "'>"...)
}

// appendItem appends an item as a roster shows it (§2.1.2).
func appendItem(b []byte, jid string, it Item) []byte {
	b = append(b, "<item"...)
	b = appendAttr(b, "jid", jid)
	b = appendAttr(b, "name", it.Name)
	b = appendAttr(b, "subscription", it.State.Subscription())
	if it.State&PendingOut != 0 {
		b = appendAttr(b, "ask", "subscribe")
	}
	if it.State&Approved != 0 {
		b = appendAttr(b, "approved", "true")
	}
	if len(it.Groups) == 0 {
		return append(b, "/>"...)
	}
	b = append(b, '>')
	for _, g := range it.Groups {
		b = append(b, "<group>"...)
		b = xmlwire.AppendEscaped(b, g)
		b = append(b, "</group>"...)
	}
	return append(b, "</item>"...)
}

// appendAttr appends an attribute that is not empty.
func appendAttr(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, ' ')
	b = append(b, name...)
	b = append(b, "='"...)
	b = xmlwire.AppendEscaped(b, value)
	return append(b, '\'')
}

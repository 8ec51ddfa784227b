package im

import (
	"slices"
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
)

// NSBlocking qualifies requests about the block list (XEP-0191).
const NSBlocking = "urn:xmpp:blocking"

// nsBlockingErrors qualifies why a stanza to a blocked address is refused.
const nsBlockingErrors = "urn:xmpp:blocking:errors"

// Blocking is a request about the block list.
type Blocking struct {
	Get     bool     // the list is asked for
	Unblock bool     // else addresses are blocked
	Items   []string // prepared, sorted; none to unblock them all (XEP-0191 §3.5)
}

// ReadBlocking reads the request in the IQ raw; refused is the condition to
// answer with where it is none, or names more addresses than a list has.
func (l Limits) ReadBlocking(raw []byte) (q Blocking, refused stanza.Condition) {
	p := payload(raw)
	q = Blocking{Get: p.Is(NSBlocking, "blocklist"), Unblock: p.Is(NSBlocking, "unblock")}
	if get := Attr(raw, "type") == "get"; q.Get != get || !get && !q.Unblock && !p.Is(NSBlocking, "block") {
		return q, stanza.BadRequest
	}
	for c := range p.Children() {
		if !c.Is(NSBlocking, "item") {
			continue
		}
		if len(q.Items) >= l.Blocked {
			return q, stanza.ResourceConstraint
		}
		j, err := jid.Parse(c.Get("jid").String())
		if err != nil {
			return q, stanza.JIDMalformed
		}
		q.Items = append(q.Items, j.String())
	}
	slices.Sort(q.Items)
	q.Items = slices.Compact(q.Items)
	if !q.Get && !q.Unblock && len(q.Items) == 0 { // §3.3
		return q, stanza.BadRequest
	}
	return q, ""
}

// AppendBlocking appends the payload that lists addresses: the answer to a get,
// or the push of a change (§3.2 to §3.5).
func AppendBlocking(dst []byte, q Blocking, items []string) []byte {
	name := "block"
	switch {
	case q.Get:
		name = "blocklist"
	case q.Unblock:
		name = "unblock"
	}
	dst = append(dst, "<"+name+" xmlns='"+NSBlocking+"'>"...)
	for _, item := range items {
		dst = append(dst, "<item"...)
		dst = appendAttr(dst, "jid", item)
		dst = append(dst, "/>"...)
	}
	return append(dst, "</"+name+">"...)
}

// Matches reports whether an address is on a sorted list: itself, its bare form
// or its domain (XEP-0191 §6).
func Matches(list []string, addr string) bool {
	if len(list) == 0 {
		return false
	}
	bare, _, _ := strings.Cut(addr, "/")
	for _, each := range []string{addr, bare, bare[strings.IndexByte(bare, '@')+1:]} {
		if _, ok := slices.BinarySearch(list, each); ok {
			return true
		}
	}
	return false
}

// Blocks reports whether a user blocks an address.
func (u *User) Blocks(addr string) bool { return u != nil && Matches(u.Blocked, addr) }

// Block puts addresses on a user's block list. What waits of their messages is
// dropped: nothing of theirs is delivered any more (XEP-0191 §3.3).
func (l Limits) Block(u *User, items []string) (*User, Outcome) {
	n := u.fork()
	added := slices.Compact(slices.Sorted(slices.Values(items)))
	added = slices.DeleteFunc(added, func(item string) bool {
		_, known := slices.BinarySearch(n.Blocked, item)
		return known
	})
	switch {
	case len(added) == 0:
		return u, Outcome{}
	case len(n.Blocked)+len(added) > l.Blocked:
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitBlocked}
	}
	n.Blocked = slices.Concat(n.Blocked, added)
	slices.Sort(n.Blocked)
	if len(AppendBlocking(nil, Blocking{Get: true}, n.Blocked)) > l.Roster {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitRoster}
	}
	n.Offline = slices.DeleteFunc(slices.Clone(n.Offline), func(m Message) bool {
		return Matches(added, Sender(m.Raw).String())
	})
	return n, Outcome{Addresses: added}
}

// Unblock takes addresses off the list, all of them when none is named.
func Unblock(u *User, items []string) (*User, Outcome) {
	if u == nil || len(u.Blocked) == 0 {
		return u, Outcome{}
	}
	n := u.fork()
	out := Outcome{}
	n.Blocked = nil
	for _, each := range u.Blocked {
		if _, named := slices.BinarySearch(items, each); named || len(items) == 0 {
			out.Addresses = append(out.Addresses, each)
		} else {
			n.Blocked = append(n.Blocked, each)
		}
	}
	return n, out
}

// BlockedError makes the error raw say that its sender blocks whom they wrote to
// (XEP-0191 §3.3).
func BlockedError(raw []byte) []byte {
	text := strings.Replace(string(raw), "<error type='modify'>", "<error type='cancel'>", 1)
	return []byte(strings.Replace(text, "</error>", "<blocked xmlns='"+nsBlockingErrors+"'/></error>", 1))
}

// AppendSet appends an IQ set of the server's for one resource.
func AppendSet(dst, payload []byte, to, id string) []byte {
	return AppendPush(dst, Push{Payload: payload}, to, id)
}

// AsksBlocklist reports whether the IQ raw asks for the block list, so that its
// sender is told of changes.
func AsksBlocklist(raw []byte) bool {
	p := payload(raw)
	return p.Is(NSBlocking, "blocklist")
}

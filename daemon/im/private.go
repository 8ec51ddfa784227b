package im

import (
	"maps"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Namespaces of what an account keeps at its server.
const (
	NSPrivate = "jabber:iq:private" // XEP-0049
	NSVCard   = "vcard-temp"        // XEP-0054
)

// Private is a request to an account's private XML.
type Private struct {
	Get   bool
	Key   string            // of the element asked for
	Asked []byte            // that element: the answer where nothing is kept
	Items map[string][]byte // of a set, by their keys; empty ones are forgotten
}

// ReadPrivate reads the request in the IQ raw; refused is the condition to answer
// with where it breaks a rule (XEP-0049 §3), or asks to keep more than is kept:
// standing alone, elements may be much larger than the stanza that they came in.
func (l Limits) ReadPrivate(raw []byte) (q Private, refused stanza.Condition) {
	p := payload(raw)
	if !p.Is(NSPrivate, "query") {
		return q, stanza.BadRequest
	}
	q = Private{Get: Attr(raw, "type") == "get", Items: map[string][]byte{}}
	size, asked := 0, 0
	for c := range p.Children() {
		if asked++; q.Get && asked > 1 {
			return q, stanza.BadRequest
		}
		if len(c.Space) == 0 || string(c.Space) == NSPrivate {
			return q, stanza.NotAcceptable
		}
		q.Key, q.Asked = privateKey(c), c.Alone()
		q.Items[q.Key] = q.Asked
		if blank(c) {
			q.Items[q.Key] = nil
		}
		if size += len(q.Key) + len(q.Asked); size > l.Private && !q.Get {
			return q, stanza.ResourceConstraint
		}
	}
	switch {
	case q.Get && asked == 0:
		return q, stanza.BadRequest
	case asked == 0:
		return q, stanza.NotAcceptable
	}
	return q, ""
}

// privateKey names what an element takes the place of.
func privateKey(v xmlwire.View) string { return string(v.Space) + " " + string(v.Name) }

// blank reports whether an element says nothing.
func blank(v xmlwire.View) bool {
	for range v.Children() {
		return false
	}
	for _, a := range v.Attrs {
		if name := string(a.Name); name != "xmlns" && (len(name) < 6 || name[:6] != "xmlns:") {
			return false
		}
	}
	return v.Text() == ""
}

// PrivateXML returns the payload that answers a get.
func (u *User) PrivateXML(q Private) []byte {
	kept := q.Asked
	if u != nil && len(u.Private[q.Key]) > 0 {
		kept = u.Private[q.Key]
	}
	b := append([]byte("<query xmlns='"+NSPrivate+"'>"), kept...)
	return append(b, "</query>"...)
}

// SetPrivate keeps elements, or forgets those that are empty, within the bound on
// all of them.
func (l Limits) SetPrivate(u *User, items map[string][]byte) (*User, Outcome) {
	n := u.fork()
	n.Private = maps.Clone(n.Private)
	if n.Private == nil {
		n.Private = map[string][]byte{}
	}
	for key, raw := range items {
		if len(raw) == 0 {
			delete(n.Private, key)
		} else {
			n.Private[key] = raw
		}
	}
	size := 0
	for key, raw := range n.Private {
		size += len(key) + len(raw)
	}
	if size > l.Private {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitPrivate}
	}
	return n, Outcome{}
}

// ReadVCard returns the vCard in the IQ set raw, nil for an empty one; refused is
// the condition to answer with where there is none.
func ReadVCard(raw []byte) (card []byte, refused stanza.Condition) {
	p := payload(raw)
	switch {
	case !p.Is(NSVCard, "vCard"):
		return nil, stanza.BadRequest
	case blank(p):
		return nil, ""
	}
	return p.Alone(), ""
}

// SetVCard keeps a user's vCard, within its bound; nil forgets it.
func (l Limits) SetVCard(u *User, card []byte) (*User, Outcome) {
	if len(card) > l.VCard {
		return u, Outcome{Refused: stanza.ResourceConstraint, Limit: LimitVCard}
	}
	n := u.fork()
	n.VCard = card
	return n, Outcome{}
}

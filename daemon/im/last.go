package im

import (
	"bytes"
	"strconv"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// NSLast qualifies the question when somebody was last there (XEP-0012).
const NSLast = "jabber:iq:last"

// Last is the end of an account's last available resource.
type Last struct {
	Time int64  `json:"time"`          // Unix milliseconds
	Raw  []byte `json:"raw,omitempty"` // what it said; nil when it said nothing that is kept
}

// Leave notes the end of an account's presence, unless a later one is known. Of a
// stanza that is too long only the time is kept.
func (l Limits) Leave(u *User, ms int64, raw []byte) *User {
	if u != nil && u.Last != nil && u.Last.Time >= ms {
		return u
	}
	if len(raw) > l.Request {
		raw = nil
	}
	n := u.fork()
	n.Last = &Last{ms, bytes.Clone(raw)}
	return n
}

// LastSeen returns when a user's presence ended and what was said then; ok is
// false if it is not known.
func (u *User) LastSeen() (last Last, ok bool) {
	if u == nil || u.Last == nil {
		return Last{}, false
	}
	return *u.Last, true
}

// Absence is the answer to a probe for an account without available resources
// (RFC 6121 §4.3.2 rule 3): the last unavailable presence as far as it is known,
// with its time. id is the probe's.
func (u *User) Absence(bare, domain, asker, id string) []byte {
	last, ok := u.LastSeen()
	if !ok {
		return AppendPresence(nil, "unavailable", bare, asker, id)
	}
	raw := last.Raw
	if raw == nil {
		raw = AppendPresence(nil, "unavailable", bare, "", id)
	}
	return Delayed(appendWith(nil, AppendTo(nil, raw, asker), "from", bare), domain, last.Time)
}

// AppendLast appends the answer of XEP-0012: for so long something is so, in
// milliseconds, and what was said of it.
func AppendLast(dst []byte, ms int64, status string) []byte {
	dst = append(dst, "<query xmlns='"+NSLast+"' seconds='"...)
	dst = strconv.AppendInt(dst, max(ms, 0)/1000, 10)
	dst = append(dst, "'>"...)
	dst = xmlwire.AppendEscaped(dst, status)
	return append(dst, "</query>"...)
}

// Activity answers when a user was last there, at a time (XEP-0012 §3).
func (u *User) Activity(ms int64) (payload []byte, refused stanza.Condition) {
	last, ok := u.LastSeen()
	if !ok {
		return nil, stanza.ItemNotFound
	}
	status := ""
	for c := range xmlwire.Look(last.Raw, nil).Children() {
		if string(c.Name) == "status" && len(c.Space) == 0 && status == "" {
			status = c.Text()
		}
	}
	return AppendLast(nil, ms-last.Time, status), ""
}

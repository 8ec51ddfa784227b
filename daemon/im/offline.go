package im

import (
	"bytes"
	"slices"
	"time"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// Namespaces that decide about the offline store.
const (
	nsDelay      = "urn:xmpp:delay"                        // XEP-0203
	nsHints      = "urn:xmpp:hints"                        // XEP-0334
	nsChatStates = "http://jabber.org/protocol/chatstates" // XEP-0085
)

// Storable reports whether the offline store takes a message of type normal or
// chat (XEP-0160 §3): not one that asks not to be kept (XEP-0334 §4.1, §4.2),
// and not one that only tells a chat state.
func Storable(raw []byte) bool {
	content := false
	for c := range xmlwire.Look(raw, nil).Children() {
		switch space := string(c.Space); {
		case space == nsHints && (string(c.Name) == "no-store" || string(c.Name) == "no-permanent-store"):
			return false
		case space == nsHints && string(c.Name) == "store":
			content = true
		case space != nsChatStates && space != nsHints && string(c.Name) != "thread":
			content = true
		}
	}
	return content
}

// HasDelay reports whether a message has the note of a domain's server. Of one
// that comes from a client that says nothing: anyone can write it.
func HasDelay(raw []byte, domain string) bool {
	for c := range xmlwire.Look(raw, nil).Children() {
		if c.Is(nsDelay, "delay") && c.Get("from").Is(domain) {
			return true
		}
	}
	return false
}

// Delayed returns the message raw with the note of when the server of a domain
// took it (XEP-0203 §2).
func Delayed(raw []byte, domain string, ms int64) []byte {
	note := append([]byte("<delay xmlns='"+nsDelay+"'"), ' ')
	note = appendAttr(note[:len(note)-1], "from", domain)
	note = appendAttr(note, "stamp", time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")) // XEP-0082 §3.2
	note = append(note, "/>"...)
	return Insert(raw, note)
}

// Insert puts a child at the end of the element raw.
func Insert(raw, child []byte) []byte {
	for i := len(raw) - 2; i >= 0; i-- {
		switch {
		case raw[i] == '<' && raw[i+1] == '/':
			return slices.Concat(raw[:i], child, raw[i:])
		case raw[i] == '/' && raw[i+1] == '>' && i == len(raw)-2: // no content
			name := raw[1 : 1+bytes.IndexAny(raw[1:], " \t\r\n/")]
			return slices.Concat(raw[:i], []byte{'>'}, child, []byte("</"), name, []byte{'>'})
		}
	}
	return raw
}

// Store adds a message to the offline store, within its bounds (XEP-0160 §2).
func (l Limits) Store(index uint64, u *User, raw []byte) (*User, Outcome) {
	n := u.fork()
	size := len(raw)
	for _, m := range n.Offline {
		size += len(m.Raw)
	}
	switch {
	case len(n.Offline) >= l.Offline:
		return u, Outcome{Refused: stanza.ServiceUnavailable, Limit: LimitOffline}
	case size > l.Stored:
		return u, Outcome{Refused: stanza.ServiceUnavailable, Limit: LimitStored}
	}
	n.Offline = append(slices.Clip(n.Offline), Message{index, raw})
	return n, Outcome{}
}

// Unstore forgets the messages up to an index, which were delivered.
func Unstore(u *User, upTo uint64) *User {
	if u == nil || len(u.Offline) == 0 || u.Offline[0].Index > upTo {
		return u
	}
	n := *u
	for len(n.Offline) > 0 && n.Offline[0].Index <= upTo {
		n.Offline = n.Offline[1:]
	}
	n.Offline = slices.Clone(n.Offline)
	return &n
}

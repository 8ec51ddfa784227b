package im

import (
	"bytes"

	"quorate.org/daemon/xmlwire"
)

// nsEvent qualifies the notifications of XEP-0060.
const nsEvent = "http://jabber.org/protocol/pubsub#event"

// Deferrable reports whether a user who is not looking can do without a stanza
// for now (XEP-0352 §3.2): presence, messages that tell nothing but a chat state
// or a change of a node, and the requests of XEP-0198, which ask about them.
func Deferrable(raw []byte) bool {
	switch {
	case bytes.HasPrefix(raw, []byte("<presence")):
		typ := Attr(raw, "type")
		return typ == "" || typ == "unavailable"
	case bytes.HasPrefix(raw, []byte("<message")):
		return idle(xmlwire.Look(raw, nil))
	}
	return bytes.HasPrefix(raw, []byte("<r xmlns='urn:xmpp:sm:3'"))
}

// idle is Deferrable of a message. A copy of one (XEP-0280) is as good as that.
func idle(v xmlwire.View) bool {
	if v.Get("type").Is("error") {
		return false
	}
	for c := range v.Children() {
		switch string(c.Space) {
		case nsChatStates, nsHints, nsEvent, nsDelay:
		case NSCarbons:
			forwarded, _ := c.Child(nsForward, "forwarded")
			inner, ok := forwarded.Child("jabber:client", "message")
			if !ok || !idle(inner) {
				return false
			}
		default:
			if string(c.Name) != "thread" {
				return false
			}
		}
	}
	return true
}

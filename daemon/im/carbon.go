package im

import (
	"bytes"

	"quorate.org/daemon/xmlwire"
)

// Namespaces of copies and of what decides about them.
const (
	NSCarbons   = "urn:xmpp:carbons:2"
	nsForward   = "urn:xmpp:forward:0"                  // XEP-0297
	nsReceipts  = "urn:xmpp:receipts"                   // XEP-0184
	nsMarkers   = "urn:xmpp:chat-markers:0"             // XEP-0333
	nsInvite    = "jabber:x:conference"                 // XEP-0249
	nsMUCUser   = "http://jabber.org/protocol/muc#user" // XEP-0045
	nsEncrypted = "eu.siacs.conversations.axolotl"      // XEP-0384, whose message may have no body
	nsOMEMO     = "urn:xmpp:omemo:2"
	nsRetract   = "urn:xmpp:message-retract:1" // XEP-0424
	nsReactions = "urn:xmpp:reactions:0"       // XEP-0444
)

// Carbons returns whether a resource wants copies behind the request raw, if it
// did so before it (XEP-0280 §4, §5; §9.1: asking twice is no error).
func Carbons(raw []byte, before bool) bool {
	switch p := payload(raw); {
	case p.Is(NSCarbons, "enable"):
		return true
	case p.Is(NSCarbons, "disable"):
		return false
	}
	return before
}

// CarbonsRequest reports whether the IQ set raw is one that Carbons knows.
func CarbonsRequest(raw []byte) bool {
	p := payload(raw)
	return p.Is(NSCarbons, "enable") || p.Is(NSCarbons, "disable")
}

// Copied says of which side of a message copies are made: for its sender's other
// resources, and for its recipient's (XEP-0280 §6.1). Those of type headline and
// groupchat go to whom their type says.
func Copied(k Kind, raw []byte) (sent, received bool) {
	var body, talk, room, invites bool
	for c := range xmlwire.Look(raw, nil).Children() {
		space, name := string(c.Space), string(c.Name)
		switch space {
		case NSCarbons: // <private/>, and what is a copy itself
			return false, false
		case nsHints:
			if name == "no-copy" { // XEP-0334 §4.3
				return false, false
			}
		case "":
			body = body || name == "body"
		case nsMUCUser:
			_, mediated := c.Child(nsMUCUser, "invite") // XEP-0045 §7.8.2
			room, invites = true, invites || mediated
		case nsInvite:
			invites = true
		case nsReceipts, nsChatStates, nsMarkers, nsEncrypted, nsOMEMO, nsRetract, nsReactions:
			talk = true
		}
	}
	switch k {
	case Chat:
		sent = true
	case Normal:
		sent = body || talk || invites
	case Error: // of a message that was copied, where the error repeats it (RFC 6120 §8.3.1)
		sent = body || talk
	}
	// A room's own copies reach every resource that is in the room.
	return sent, sent && (!room || invites)
}

// IsCopy reports whether the message raw is a copy that AppendCopy made for the
// account of its recipient.
func IsCopy(raw []byte) bool {
	v := xmlwire.Look(raw, nil)
	from := v.Get("from").String()
	if from == "" || from != Bare(v.Get("to").String()) {
		return false
	}
	for c := range v.Children() {
		if c.Is(NSCarbons, "sent") || c.Is(NSCarbons, "received") {
			return true
		}
	}
	return false
}

// AppendCopy appends the copy of a message for one more resource of an account
// (XEP-0280 §7, §8): of one that the account sent, or else received.
func AppendCopy(dst, raw []byte, sent bool, account, resource string) []byte {
	what := "received"
	if sent {
		what = "sent"
	}
	dst = append(dst, "<message"...)
	dst = appendAttr(dst, "type", Attr(raw, "type"))
	dst = appendAttr(dst, "from", account)
	dst = appendAttr(dst, "to", resource)
	dst = append(dst, "><"+what+" xmlns='"+NSCarbons+"'><forwarded xmlns='"+nsForward+"'>"...)
	dst = AppendInner(dst, raw)
	return append(dst, "</forwarded></"+what+"></message>"...)
}

// AppendInner appends a stanza that stands alone as it is inside of an element of
// another namespace (XEP-0297 §3.1).
func AppendInner(dst, raw []byte) []byte {
	name := bytes.IndexAny(raw, " \t\r\n/>")
	if name < 0 {
		return dst
	}
	dst = append(dst, raw[:name]...)
	dst = append(dst, " xmlns='jabber:client'"...)
	return append(dst, raw[name:]...)
}

package archive

import (
	"bytes"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/xmlwire"
)

// Namespaces that decide about the archive.
const (
	nsHints     = "urn:xmpp:hints"                      // XEP-0334
	nsReceipts  = "urn:xmpp:receipts"                   // XEP-0184
	nsMarkers   = "urn:xmpp:chat-markers:0"             // XEP-0333
	nsRetract   = "urn:xmpp:message-retract:1"          // XEP-0424
	nsReactions = "urn:xmpp:reactions:0"                // XEP-0444
	nsOMEMO     = "urn:xmpp:omemo:2"                    // XEP-0384
	nsAxolotl   = "eu.siacs.conversations.axolotl"      // before 0.4
	nsDelay     = "urn:xmpp:delay"                      // XEP-0203
	nsForward   = "urn:xmpp:forward:0"                  // XEP-0297
	nsRSM       = "http://jabber.org/protocol/rsm"      // XEP-0059
	nsMUCUser   = "http://jabber.org/protocol/muc#user" // XEP-0045
)

// Wanted reports whether a message of type normal or chat belongs in an archive
// (§6.1.1): one with content, unless it asks not to be kept (XEP-0334 §4.1, §4.2).
// What a room says in private is a conversation of its own.
func Wanted(raw []byte) bool {
	content := false
	for c := range xmlwire.Look(raw, nil).Children() {
		switch space, name := string(c.Space), string(c.Name); {
		case space == nsHints && (name == "no-store" || name == "no-permanent-store"):
			return false
		case space == nsHints && name == "store", space == "" && name == "body":
			content = true
		case space == nsReceipts && name == "received", space == nsMarkers && name != "markable", space == nsRetract, space == nsReactions,
			space == nsOMEMO, space == nsAxolotl:
			content = true
		}
	}
	return content
}

// Keeps reports whether a user keeps messages with an address (XEP-0441 §2).
func Keeps(u *im.User, with string, p Policy) bool {
	prefs := im.Prefs{Default: p.Default}
	if u != nil && u.Prefs != nil {
		prefs = *u.Prefs
	}
	switch {
	case im.Matches(prefs.Never, with):
		return false
	case im.Matches(prefs.Always, with):
		return true
	case prefs.Default == im.Roster:
		return u.Contact(im.Bare(with)).Listed
	}
	return prefs.Default == im.Always
}

// Identified returns a message with the name under which an account has it
// (XEP-0359 §4), "" for none, and without any name that others made up for that
// account or the ones beside it.
func Identified(raw []byte, by, id string, beside ...string) []byte {
	raw = Cleaned(raw, append(slices.Clone(beside), by)...)
	if id == "" {
		return raw
	}
	w := []byte("<stanza-id xmlns='" + NSIDs + "' by='")
	w = append(xmlwire.AppendEscaped(w, by), "' id='"+id+"'/>"...)
	return im.Insert(raw, w)
}

// Named reports whether a message, as an account has been sent it, is in that account's
// archive: it has its name.
func Named(raw []byte, by string) bool {
	for c := range xmlwire.Look(raw, nil).Children() {
		if c.Is(NSIDs, "stanza-id") && c.Get("by").Is(by) {
			return true
		}
	}
	return false
}

// Cleaned takes the names out that are said to be given by accounts (XEP-0359 §5
// rule 4). A namespace or an account may be written with references, the element's
// name not: without it there is nothing to find.
func Cleaned(raw []byte, accounts ...string) []byte {
	if !bytes.Contains(raw, []byte("stanza-id")) {
		return raw
	}
	var out []byte
	done := 0
	for c := range xmlwire.Look(raw, nil).Children() {
		if !c.Is(NSIDs, "stanza-id") || !slices.Contains(accounts, im.Bare(c.Get("by").String())) {
			continue
		}
		at := cap(raw) - cap(c.Raw) // both begin in the same array
		out = append(out, raw[done:at]...)
		done = at + len(c.Raw)
	}
	return append(out, raw[done:]...)
}

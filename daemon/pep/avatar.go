package pep

import (
	"bytes"
	"slices"
	"strings"

	"quorate.org/daemon/xmlwire"
)

// Of avatars: XEP-0084, and what they are to clients that know vCards only
// (XEP-0153).
const (
	NSConversion   = "urn:xmpp:pep-vcard-conversion:0" // XEP-0398 §2
	AvatarMetadata = "urn:xmpp:avatar:metadata"
	avatarData     = "urn:xmpp:avatar:data"
	nsVCard        = "vcard-temp"
	nsUpdate       = "vcard-temp:x:update"
)

// Avatar is the image of an account, by the name of its item: its SHA-1 hash.
type Avatar struct {
	Hash string
	Type string
	text string // in Base64
}

// Avatar returns the image that an account shows, as far as a viewer may see it:
// the one that the metadata name and the data have (XEP-0398 §3.1). ok is false if
// there is none.
func (s *Service) Avatar(v Viewer) (a Avatar, ok bool) {
	metadata, data := s.Node(AvatarMetadata), s.Node(avatarData)
	it, ok := metadata.Last()
	if !ok || data == nil || metadata.Refuses(v) != nil || data.Refuses(v) != nil {
		return a, false
	}
	for info := range xmlwire.Look(it.Raw, nil).Children() {
		id := info.Get("id").String()
		at := slices.IndexFunc(data.Items, func(it Item) bool { return it.ID == id })
		if !info.Is(AvatarMetadata, "info") || info.Get("url").Present() || at < 0 { // one of several is here
			continue
		}
		text := strings.Join(strings.Fields(xmlwire.Look(data.Items[at].Raw, nil).Text()), "")
		return Avatar{Hash: id, Type: info.Get("type").String(), text: text}, true
	}
	return a, false
}

// VCard returns a vCard, or none, with the image for its photo.
func (a Avatar) VCard(card []byte) []byte {
	w := &writer{}
	w.open("PHOTO")
	for _, e := range [][2]string{{"TYPE", a.Type}, {"BINVAL", a.text}} {
		w.open(e[0])
		w.b = xmlwire.AppendEscaped(w.b, e[1])
		w.close(e[0])
	}
	w.close("PHOTO")
	if len(card) == 0 {
		return slices.Concat([]byte("<vCard xmlns='"+nsVCard+"'>"), w.b, []byte("</vCard>"))
	}
	v := xmlwire.Look(card, nil)
	if string(v.Space) != nsVCard || bytes.IndexByte(card, ':') >= 0 && string(v.Name) != "vCard" {
		return card
	}
	if photo, ok := v.Child(nsVCard, "PHOTO"); ok {
		return replaced(card, photo.Raw, w.b)
	}
	return within(card, w.b)
}

// Shown returns presence as others get it: with the hash of the image, unless the
// client says that it has none or another (XEP-0398 §4).
func Shown(presence []byte, hash string) []byte {
	if hash == "" {
		return presence
	}
	w := &writer{}
	w.open("x", "xmlns", nsUpdate)
	w.open("photo")
	w.b = xmlwire.AppendEscaped(w.b, hash)
	w.close("photo", "x")
	x, ok := xmlwire.Look(presence, nil).Child(nsUpdate, "x")
	if !ok {
		return within(presence, w.b)
	}
	if _, says := x.Child(nsUpdate, "photo"); says {
		return presence
	}
	return replaced(presence, x.Raw, w.b)
}

// replaced puts other bytes in the place of a part of raw that is one of it.
func replaced(raw, part, other []byte) []byte {
	at := cap(raw) - cap(part) // both begin in the same array
	return slices.Concat(raw[:at], other, raw[at+len(part):])
}

// within puts a child at the end of an element.
func within(raw, child []byte) []byte {
	if end, ok := bytes.CutSuffix(raw, []byte("/>")); ok {
		name := raw[1 : 1+bytes.IndexAny(raw[1:], " \t\r\n/")]
		return slices.Concat(end, []byte{'>'}, child, []byte("</"), name, []byte{'>'})
	}
	end := bytes.LastIndex(raw, []byte("</"))
	if end < 0 {
		return raw
	}
	return slices.Concat(raw[:end], child, raw[end:])
}

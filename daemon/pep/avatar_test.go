package pep

import (
	"strings"
	"testing"

	"quorate.org/daemon/im"
)

// XEP-0398 §3.1: the image of the metadata is the photo of the vCard, for those who
// may see it.
func TestXEP0398VCard(t *testing.T) {
	info := "<metadata xmlns='urn:xmpp:avatar:metadata'><info id='far' url='http://x' type='image/gif'/><info id='sha' type='image/png'/></metadata>"
	s := after(t, nil, publish(avatarData, "sha", "<data xmlns='urn:xmpp:avatar:data'>QUJD\nREVG</data>"), publish(AvatarMetadata, "sha", info))
	a, ok := s.Avatar(contact(im.From))
	if _, seen := s.Avatar(contact(im.None)); !ok || seen || a.Hash != "sha" || a.Type != "image/png" {
		t.Fatalf("%+v %v", a, seen)
	}
	photo := "<PHOTO><TYPE>image/png</TYPE><BINVAL>QUJDREVG</BINVAL></PHOTO>"
	for card, want := range map[string]string{
		"": "<vCard xmlns='vcard-temp'>" + photo + "</vCard>",
		"<vCard xmlns='vcard-temp'><FN>J</FN></vCard>":                                "<vCard xmlns='vcard-temp'><FN>J</FN>" + photo + "</vCard>",
		"<vCard xmlns='vcard-temp'><PHOTO><TYPE>old</TYPE></PHOTO><FN>J</FN></vCard>": "<vCard xmlns='vcard-temp'>" + photo + "<FN>J</FN></vCard>",
	} {
		if got := string(a.VCard([]byte(card))); got != want {
			t.Errorf("%s becomes %s", card, got)
		}
	}
	for _, gone := range []Change{publish(AvatarMetadata, "none", "<metadata xmlns='urn:xmpp:avatar:metadata'/>"), {Act: Purge, Node: avatarData}, {Act: Delete, Node: AvatarMetadata}} {
		if a, ok := after(t, s, gone).Avatar(owner); ok {
			t.Errorf("%+v: there is %+v", gone, a)
		}
	}
}

// XEP-0398 §4: which presence gets the hash.
func TestXEP0398Presence(t *testing.T) {
	const x = "<x xmlns='vcard-temp:x:update'>"
	hash := x + "<photo>sha</photo></x>"
	for raw, want := range map[string]string{
		"<presence/>":                                            "<presence>" + hash + "</presence>",
		"<presence\tfrom='a'\n/>":                                "<presence\tfrom='a'\n>" + hash + "</presence>",
		"<presence from='a'/>":                                   "<presence from='a'>" + hash + "</presence>",
		"<presence><show/></presence>":                           "<presence><show/>" + hash + "</presence>",
		"<presence>" + x + "</x><show/></presence>":              "<presence>" + hash + "<show/></presence>",
		"<presence><x xmlns='vcard-temp:x:update'/></presence>":  "<presence>" + hash + "</presence>",
		"<presence>" + x + "<photo/></x></presence>":             "<presence>" + x + "<photo/></x></presence>",
		"<presence>" + x + "<photo>other</photo></x></presence>": "<presence>" + x + "<photo>other</photo></x></presence>",
	} {
		if got := string(Shown([]byte(raw), "sha")); got != want {
			t.Errorf("%s is shown as %s", raw, got)
		}
		if got := string(Shown([]byte(raw), "")); got != raw || strings.Contains(got, "sha</photo>") {
			t.Errorf("without an avatar %s is shown as %s", raw, got)
		}
	}
}

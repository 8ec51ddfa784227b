package im

import (
	"runtime"
	"strings"
	"testing"

	"quorate.org/daemon/stanza"
)

// TestXEP0049Requests is XEP-0049 §3: what is refused, and what is kept by which
// name.
func TestXEP0049Requests(t *testing.T) {
	iq := func(typ, inner string) []byte {
		return []byte("<iq type='" + typ + "' id='1' xmlns:p='urn:p'><query xmlns='jabber:iq:private'>" + inner + "</query></iq>")
	}
	for _, c := range []struct {
		typ, inner string
		refused    stanza.Condition
	}{
		{"get", "<exodus xmlns='exodus:prefs'/>", ""},
		{"get", "", stanza.BadRequest},
		{"get", "<a xmlns='a'/><b xmlns='b'/>", stanza.BadRequest},
		{"get", "<bare/>", stanza.NotAcceptable},
		{"set", "", stanza.NotAcceptable},
		{"set", "<bare/>", stanza.NotAcceptable},
		{"set", "<a xmlns=''/>", stanza.NotAcceptable},
		{"set", "<a xmlns='a'>1</a><b xmlns='a'>2</b>", ""},
	} {
		if _, refused := DefaultLimits.ReadPrivate(iq(c.typ, c.inner)); refused != c.refused {
			t.Errorf("%s %s: %q", c.typ, c.inner, refused)
		}
	}
	get := func(u *User, inner string) string {
		q, _ := DefaultLimits.ReadPrivate(iq("get", inner))
		return string(u.PrivateXML(q))
	}
	set := func(u *User, inner string) *User {
		q, _ := DefaultLimits.ReadPrivate(iq("set", inner))
		u, _ = DefaultLimits.SetPrivate(u, q.Items)
		return u
	}
	const open, end = "<query xmlns='jabber:iq:private'>", "</query>"
	u := set(nil, "<p:a x='1'/><b xmlns='urn:p'>2</b>")
	if got := get(u, "<a xmlns='urn:p'/>"); got != open+"<p:a xmlns:p='urn:p' xmlns='jabber:iq:private' x='1'/>"+end && got != open+"<p:a xmlns='jabber:iq:private' xmlns:p='urn:p' x='1'/>"+end {
		t.Error(got)
	}
	if got := get(u, "<b xmlns='urn:p'/>"); got != open+"<b xmlns='urn:p'>2</b>"+end {
		t.Error(got)
	}
	if got := get(u, "<b xmlns='other'/>"); got != open+"<b xmlns='other'/>"+end {
		t.Error(got)
	}
	u = set(u, "<b xmlns='urn:p'/>")
	if len(u.Private) != 1 {
		t.Errorf("an empty element is kept: %q", u.Private)
	}
	if q, _ := DefaultLimits.ReadPrivate(iq("set", "<p:a/>")); !set(u, "<p:a/>").Empty() && len(q.Items) == 1 {
		t.Errorf("left: %+v", set(u, "<p:a/>"))
	}
}

// TestXEP0054Requests: a vCard is kept whole, and forgotten when it is empty.
func TestXEP0054Requests(t *testing.T) {
	for raw, want := range map[string]string{
		"<iq type='set' id='1'><vCard xmlns='vcard-temp'><FN>x</FN></vCard></iq>": "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>",
		"<iq type='set' id='1'><vCard xmlns='vcard-temp'/></iq>":                  "",
	} {
		if card, refused := ReadVCard([]byte(raw)); string(card) != want || refused != "" {
			t.Errorf("%s: %q %s", raw, refused, card)
		}
	}
	if _, refused := ReadVCard([]byte("<iq type='set' id='1'><card xmlns='vcard-temp'/></iq>")); refused != stanza.BadRequest {
		t.Error(refused)
	}
}

// Elements that share long declarations are larger each by itself than together: what
// is over the bound is refused before it is proposed, and before it takes memory.
func TestPrivateIsBoundedAsItStandsAlone(t *testing.T) {
	long := strings.Repeat("u", 1000)
	inner := strings.Repeat("<a:b c=''/>", 5000)
	iq := func(typ string) []byte {
		return []byte("<iq type='" + typ + "' id='1'><query xmlns='jabber:iq:private' xmlns:a='" + long + "'>" + inner + "</query></iq>")
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, set := DefaultLimits.ReadPrivate(iq("set"))
	q, get := DefaultLimits.ReadPrivate(iq("get"))
	runtime.ReadMemStats(&after)
	if set != stanza.ResourceConstraint || get != stanza.BadRequest || len(q.Items) != 1 {
		t.Errorf("%q, %q of %d", set, get, len(q.Items))
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 16*uint64(DefaultLimits.Private) {
		t.Errorf("took %d bytes", took)
	}
}

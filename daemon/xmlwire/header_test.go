package xmlwire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaderFields(t *testing.T) {
	raw, h := stanzaOn(t, heads[1], `<iq xmlns:p="P" to='a"&amp;&#10;' from = "b's" id='' type='get' xml:lang='en' p:x='1' >t<p:query xmlns='unused'/><x/></iq>`)
	type fields struct {
		Name, Space, Child, ChildSpace, To, From, Type, Lang, ID string
		Children                                                 int
		HasID, Explicit, Inherits, Empty                         bool
		Start, Tag                                               string
	}
	got := fields{
		string(h.Name), string(h.Space), string(h.ChildName), string(h.ChildSpace),
		h.To.String(), h.From.String(), h.Type.String(), h.Lang.String(), h.ID.String(),
		h.Children, h.ID.Present(), h.Explicit, h.Inherits, h.Empty, string(raw[:h.NameEnd]), string(raw[h.StartEnd-3 : h.StartEnd]),
	}
	want := fields{
		"iq", NSClient, "query", "P", "a\"&\n", "b's", "get", "en", "", 2, true, false, false, false, "<iq", "' >",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if !h.Is(NSClient, "iq") || h.Is(NSComponent, "iq") || h.Is(NSClient, "i") {
		t.Error("Is")
	}
	if !h.To.Is("a\"&\n") || h.To.Is("x") || !h.Type.Is("get") || (Attr{}).Is("") || !h.ID.Is("") {
		t.Error("Attr.Is")
	}
	if h.Get("p:x").String() != "1" || h.Get("nil").Present() {
		t.Error("Get")
	}
	if got := string(h.To.AppendTo([]byte("="))) + string(h.Type.AppendTo(nil)); got != "=a\"&\nget" {
		t.Errorf("AppendTo: %q", got)
	}
}

func TestFlags(t *testing.T) {
	for _, tc := range []struct {
		head, in           string
		explicit, inherits bool
	}{
		{clientHeader, "<message/>", false, false},
		{clientHeader, "<message xmlns='jabber:client'/>", true, false},
		{clientHeader, "<message><body xmlns='jabber:client'/></message>", false, false},
		{clientHeader, "<auth xmlns='x'/>", false, false},
		{clientHeader, "<stream:error/>", false, true},
		{heads[1], "<message/>", false, true}, // xml:lang (RFC 6120 §4.7.4)
		{heads[1], "<message xml:lang='en'/>", false, false},
		{heads[1], "<message xml:lang='en'><q:a/></message>", false, true},
		{heads[1], "<message xml:lang='en' r:a=''/>", false, true},
		{heads[2], "<message xmlns='jabber:component:accept'/>", true, false},
		{heads[3], "<message xmlns='jabber:client'/>", true, false},
	} {
		_, h := stanzaOn(t, tc.head, tc.in)
		if h == nil || h.Explicit != tc.explicit || h.Inherits != tc.inherits {
			t.Errorf("%s: %+v", tc.in, h)
		}
	}
}

func TestStreamHeader(t *testing.T) {
	s := NewScanner(DefaultLimits)
	ev, _, err := s.Next([]byte(heads[1]))
	if err != nil || ev.Kind != StreamOpen {
		t.Fatal(ev.Kind, err)
	}
	h := ev.Stream
	got := []string{string(h.Space), h.To.String(), h.From.String(), h.Version.String(), h.Lang.String(), h.ID.String()}
	if d := cmp.Diff([]string{NSClient, "example.com", "a@example.com", "1.0", "de", ""}, got); d != "" {
		t.Error(d)
	}
	if h.ID.Present() || !h.Version.Present() {
		t.Error("presence of attributes")
	}
}

package xmlwire

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func TestAppendStamped(t *testing.T) {
	for _, tc := range []struct {
		name, head, in, from, to, lang, want string
	}{
		{"RFC 6120 §8.1.2.1 from is stamped", clientHeader,
			`<message to='b@x'><body>hi</body></message>`, "a@x/r", "", "",
			`<message from='a@x/r' to='b@x'><body>hi</body></message>`},
		{"from is replaced", clientHeader,
			`<message  from = "evil" to='b@x'/>`, "a@x/r", "", "",
			`<message from='a@x/r' to='b@x'/>`},
		{"to is set and replaced", clientHeader,
			`<iq to='B@x' id='1' ><q xmlns='y'/></iq>`, "a@x/r", "b@x", "",
			`<iq from='a@x/r' to='b@x' id='1' ><q xmlns='y'/></iq>`},
		{"empty element", clientHeader,
			`<presence/>`, "a@x/r", "b@x", "en",
			`<presence from='a@x/r' to='b@x' xml:lang='en'/>`},
		{"RFC 6120 §4.7.4 lang is kept", clientHeader,
			`<presence xml:lang="de"/>`, "a@x/r", "", "en",
			`<presence from='a@x/r' xml:lang="de"/>`},
		{"RFC 6120 §4.8.3 content namespace goes", clientHeader,
			`<message xmlns="jabber:client"><body xmlns='jabber:client'>x</body><f xmlns='f'><body xmlns='jabber:client'/></f></message>`, "a", "", "",
			`<message from='a'><body>x</body><f xmlns='f'><body xmlns='jabber:client'/></f></message>`},
		{"content namespace goes from the child alone", clientHeader,
			`<message><x xmlns='y'/><body id='1' xmlns='jabber:client'/></message>`, "a", "", "",
			`<message from='a'><x xmlns='y'/><body id='1'/></message>`},
		{"content namespace written with a reference", clientHeader,
			`<message xmlns='jabber&#58;client' to='b'/>`, "a", "", "",
			`<message from='a' to='b'/>`},
		{"RFC 6120 §4.8.2 prefix-free stream", heads[3],
			`<message xmlns='jabber:client' to='b'><body/></message>`, "a", "", "",
			`<message from='a' to='b'><body/></message>`},
		{"component namespace", heads[2],
			`<message xmlns='jabber:component:accept' to='b'/>`, "a", "", "",
			`<message from='a' to='b'/>`},
		{"RFC 6120 §4.8.5 stream prefixes are declared", heads[1],
			`<message to='b'><q:x r:y='1'/></message>`, "a", "", "de",
			`<message from='a' xml:lang='de' xmlns:q='urn:q' xmlns:r='urn:r&amp;1' to='b'><q:x r:y='1'/></message>`},
		{"only those in use, and not those shadowed", heads[1],
			`<message xmlns:q='mine'><q:x/></message>`, "a", "", "",
			`<message from='a' xmlns:q='mine'><q:x/></message>`},
		{"values are escaped", clientHeader,
			`<presence/>`, "a@x/<'&\">", "", "",
			`<presence from='a@x/&lt;&apos;&amp;&quot;&gt;'/>`},
		{"> and quotes in attribute values", clientHeader,
			`<presence a='>' from=">'" b='"'>x</presence>`, "a", "", "",
			`<presence from='a' a='>' b='"'>x</presence>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw, h := stanzaOn(t, tc.head, tc.in)
			if got := string(AppendStamped([]byte("|"), raw, h, tc.from, tc.to, tc.lang)); got != "|"+tc.want {
				t.Errorf("got  %s\nwant %s", got[1:], tc.want)
			}
		})
	}
}

// stanzaOn scans one stanza on a stream with that header.
func stanzaOn(tb testing.TB, head, in string) ([]byte, *Header) {
	tb.Helper()
	s := NewScanner(DefaultLimits)
	if ev, n, err := s.Next([]byte(head)); err != nil || ev.Kind != StreamOpen || n != len(head) {
		tb.Fatal(ev.Kind, n, err)
	}
	ev, _, err := s.Next([]byte(in))
	if err != nil || ev.Kind != Stanza {
		return nil, nil
	}
	return ev.Raw, ev.Header
}

// FuzzAppendStamped: the result stands alone on client and component streams
// that declare nothing but the usual, and differs from the original in from, to
// and lang only.
func FuzzAppendStamped(f *testing.F) {
	for i := range heads {
		for _, b := range bodies {
			f.Add(uint8(i), []byte(b), "a@example.com/<'>", "b@example.com", "en")
		}
	}
	f.Fuzz(func(t *testing.T, head uint8, in []byte, from, to, lang string) {
		checkStamped(t, heads[int(head)%len(heads)], string(in), from, to, lang)
	})
}

// checkStamped holds AppendStamped to its promise on one stanza.
func checkStamped(t *testing.T, head, in, from, to, lang string) {
	t.Helper()
	raw, h := stanzaOn(t, head, in)
	if raw == nil {
		return
	}
	content := ""
	if s := string(h.Space); s == NSClient || s == NSComponent {
		content = s
	}
	out := AppendStamped(nil, raw, h, from, to, lang)
	want := viewed(Look(raw, h))
	if content != "" {
		want.rescope(content)
	}
	stamp(want, from, to, lang)
	if got := viewed(Look(out, nil)); content != "" && got.String() != want.String() {
		t.Fatalf("%q became %q alone:\n%s\nwant\n%s", raw, out, got, want)
	}
	if want.space == NSStream || content == "" {
		return // no stanza: such elements are not routed
	}
	for space, on := range map[string]string{NSClient: clientHeader, NSComponent: heads[2]} {
		if space != content && bytes.Contains(Unescape(nil, raw), []byte(space)) {
			continue // what names the other stream's namespace gets a new meaning there
		}
		again, h2 := stanzaOn(t, on, string(out))
		if string(again) != string(out) {
			t.Fatalf("%q became %q, scanned as %q", raw, out, again)
		}
		if h2.Inherits || h2.Explicit {
			t.Fatalf("%q became %q, which does not stand alone", raw, out)
		}
		got := viewed(Look(again, h2))
		got.rescope(string(h2.Space))
		if got.String() != want.String() {
			t.Fatalf("%q became %q on %s:\n%s\nwant\n%s", raw, out, on, got, want)
		}
	}
}

// stamp sets the attributes of n as AppendStamped should.
func stamp(n *node, from, to, lang string) {
	set := func(space, name, value string) {
		key := "{" + space + "}" + name + "="
		n.attrs = slices.DeleteFunc(n.attrs, func(s string) bool { return strings.HasPrefix(s, key) })
		n.attrs = append(n.attrs, attrText(space, name, string(Unescape(nil, AppendEscaped(nil, value)))))
	}
	set("", "from", from)
	if to != "" {
		set("", "to", to)
	}
	has := slices.ContainsFunc(n.attrs, func(s string) bool { return strings.HasPrefix(s, "{"+NSXML+"}lang=") })
	if lang != "" && !has {
		set(NSXML, "lang", lang)
	}
	slices.Sort(n.attrs)
}

func BenchmarkAppendStamped(b *testing.B) {
	raw, h := stanzaOn(b, clientHeader, chat)
	dst := make([]byte, 0, 1024)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendStamped(dst[:0], raw, h, "romeo@montague.example/orchard", "", "")
	}
}

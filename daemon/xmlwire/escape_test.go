package xmlwire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUnescape(t *testing.T) {
	for _, tc := range []struct{ name, raw, value, text string }{
		{"nothing to do", "abc", "abc", "abc"},
		{"XML 1.0 §4.6 predefined entities", "&lt;&gt;&amp;&apos;&quot;", `<>&'"`, `<>&'"`},
		{"§4.1 character references", "&#65;&#x42;&#x1F600;", "AB\U0001F600", "AB\U0001F600"},
		{"§2.11 line ends", "a\r\nb\rc\nd\r\r\ne", "a b c d  e", "a\nb\nc\nd\n\ne"},
		{"§3.3.3 white space", "a\tb", "a b", "a\tb"},
		{"§3.3.3 references stay", "&#9;&#10;&#13;", "\t\n\r", "\t\n\r"},
		{"decoded once", "&amp;lt;", "&lt;", "&lt;"},
		{"no reference is copied", "a&b;&#xD800;&", "a&b;&#xD800;&", "a&b;&#xD800;&"},
	} {
		if got := string(Unescape([]byte("|"), []byte(tc.raw))); got != "|"+tc.value {
			t.Errorf("%s: value %q", tc.name, got)
		}
		if got := string(UnescapeText([]byte("|"), []byte(tc.raw))); got != "|"+tc.text {
			t.Errorf("%s: text %q", tc.name, got)
		}
	}
}

func TestAppendEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"plain \u00e9\U0001F600": "plain \u00e9\U0001F600",
		`<>&'"`:                  "&lt;&gt;&amp;&apos;&quot;",
		"\t\n\r":                 "&#9;&#10;&#13;",
		"a\x00b\xffc\uFFFE":      "a\uFFFDb\uFFFDc\uFFFD",
		"\uFFFD":                 "\uFFFD",
		"\x7f":                   "\x7f",
	} {
		if got := string(AppendEscaped([]byte("|"), in)); got != "|"+want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

// FuzzAppendEscaped: what is escaped is accepted in either quote and in text,
// and is read back as it was, up to what XML can not carry.
func FuzzAppendEscaped(f *testing.F) {
	for _, s := range []string{"plain", `<>&'"]]>`, "\t\r\n\x00\xff\uFFFE\U0001F600", "&amp;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		want := strings.Map(func(r rune) rune {
			if !isChar(r) {
				return utf8.RuneError
			}
			return r
		}, in)
		out := AppendEscaped(nil, in)
		if got := string(Unescape(nil, out)); got != want {
			t.Fatalf("%q became %q, read as value %q", in, out, got)
		}
		if got := string(UnescapeText(nil, out)); got != want {
			t.Fatalf("%q became %q, read as text %q", in, out, got)
		}
		s := NewScanner(Limits{Stanza: 1 << 30})
		doc := clientHeader + "<a b='" + string(out) + `' c="` + string(out) + `">` + string(out) + "</a>"
		_, n, err := s.Next([]byte(doc))
		if err != nil {
			t.Fatal(err)
		}
		ev, _, err := s.Next([]byte(doc[n:]))
		if err != nil || ev.Kind != Stanza {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		v := Look(ev.Raw, ev.Header)
		if v.Text() != want || v.Get("b").String() != want || v.Get("c").String() != want {
			t.Fatalf("%q became %q, scanned as %q", in, out, v.Text())
		}
	})
}

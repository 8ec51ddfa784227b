package jid

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// The legal addresses of RFC 7622 §3.5 table 1, with what they prepare to.
func TestRFC7622Section35Legal(t *testing.T) {
	for _, tc := range []struct{ in, local, domain, resource string }{
		{"juliet@example.com", "juliet", "example.com", ""},
		{"juliet@example.com/foo", "juliet", "example.com", "foo"},
		{"juliet@example.com/foo bar", "juliet", "example.com", "foo bar"},
		{"juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"},
		{`foo\20bar@example.com`, `foo\20bar`, "example.com", ""},
		{"fussball@example.com", "fussball", "example.com", ""},
		{"fu\u00DFball@example.com", "fu\u00DFball", "example.com", ""},
		{"\u03C0@example.com", "\u03C0", "example.com", ""},
		{"\u03A3@example.com/foo", "\u03C3", "example.com", "foo"},
		{"\u03C3@example.com/foo", "\u03C3", "example.com", "foo"},
		{"\u03C2@example.com/foo", "\u03C2", "example.com", "foo"},
		{"king@example.com/\u265A", "king", "example.com", "\u265A"},
		{"example.com", "", "example.com", ""},
		{"example.com/foobar", "", "example.com", "foobar"},
		{"a.example.com/b@example.net", "", "a.example.com", "b@example.net"},
	} {
		j, err := Parse(tc.in)
		if err != nil {
			t.Errorf("%q: %v", tc.in, err)
			continue
		}
		if j.Local() != tc.local || j.Domain() != tc.domain || j.Resource() != tc.resource {
			t.Errorf("%q: got %q %q %q", tc.in, j.Local(), j.Domain(), j.Resource())
		}
	}
}

// The strings of RFC 7622 §3.5 table 2, and more of their kind.
func TestRFC7622Section35Illegal(t *testing.T) {
	for _, s := range []string{
		`"juliet"@example.com`,
		"foo bar@example.com",
		"juliet@example.com/ foo",
		"@example.com/",
		"henry\u2163@example.com",
		"\u265A@example.com",
		"juliet@",
		"/foobar",
		"",
		"@",
		"/",
		"@example.com",
		"example.com/",
		"juliet@example.com/foo ",
		"a@b@example.com",
		"a@example..com",
		"a@.example.com",
		"a@.",
		"a@-example.com",
		"a@example-.com",
		"a@exa mple.com",
		"a@exa<mple.com",
		"a@[::1",
		"a@[127.0.0.1]",
		"a@[fe80::1%eth0]",
		"a@\xff.com",
		"\xff@example.com",
		"a@example.com/\xff",
		"a@example.com/\x00",
		"a@example.com/\n",
		"a@xn--a.com",
		"a@" + strings.Repeat("a", 64) + ".com",
		strings.Repeat("a", 1024) + "@example.com",
		"a@example.com/" + strings.Repeat("a", 1024),
		"a@example.com/" + strings.Repeat("\u265A", 342),
		strings.Repeat("a", 100000),
	} {
		j, err := Parse(s)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%.40q: got %q, error %v", s, j, err)
		}
		if b, err := ParseBytes([]byte(s)); err == nil {
			t.Errorf("%.40q as bytes: got %q", s, b)
		}
	}
}

// Preparation makes equal addresses == (RFC 7622 §3.2.3, §3.3, §3.4).
func TestRFC7622Preparation(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"Juliet@Example.COM/Balcony", "juliet@example.com/Balcony"},
		{"juliet@example.com.", "juliet@example.com"}, // §3.2: final dot stripped
		{"juliet@example.com./r", "juliet@example.com/r"},
		{"juliet@xn--bcher-kva.example", "juliet@b\u00fccher.example"}, // §3.2.1
		{"juliet@B\u00dcCHER.example", "juliet@b\u00fccher.example"},
		{"juliet@bu\u0308cher.example", "juliet@b\u00fccher.example"},
		{"juliet@stra\u00dfe.example", "juliet@stra\u00dfe.example"}, // not transitional
		{"juliet@example\u3002com", "juliet@example.com"},
		{"\uFF4Auliet@example.com", "juliet@example.com"}, // width mapping
		{"e\u0301@example.com/e\u0301", "\u00e9@example.com/\u00e9"},
		{"a@example.com/a\u00a0b", "a@example.com/a b"}, // OpaqueString maps spaces
		{"a@192.0.2.1", "a@192.0.2.1"},
		{"a@[2001:DB8::0:1]/x", "a@[2001:db8::1]/x"},
		{"cb_video.example.com", "cb_video.example.com"},
		{"localhost", "localhost"},
		{strings.Repeat("a", 1023) + "@example.com/" + strings.Repeat("b", 1023), strings.Repeat("a", 1023) + "@example.com/" + strings.Repeat("b", 1023)},
	} {
		j, err := Parse(tc.in)
		if err != nil {
			t.Errorf("%.60q: %v", tc.in, err)
			continue
		}
		if j.String() != tc.want {
			t.Errorf("%.60q: got %q", tc.in, j)
		}
		if again, err := Parse(j.String()); err != nil || again != j {
			t.Errorf("%.60q: parsed again: %q, %v", tc.in, again, err)
		}
	}
}

func TestParts(t *testing.T) {
	j := MustParse("juliet@example.com/balcony")
	if j.IsBare() || j.IsZero() {
		t.Error("a full JID is bare or zero")
	}
	if got := j.Bare(); got != MustParse("juliet@example.com") || !got.IsBare() {
		t.Errorf("Bare: %q", got)
	}
	if got := j.Host(); got != MustParse("example.com") || got.Domain() != "example.com" {
		t.Errorf("Host: %q", got)
	}
	if got, err := j.WithResource("x/y@z"); err != nil || got != MustParse("juliet@example.com/x/y@z") {
		t.Errorf("WithResource: %q, %v", got, err)
	}
	for _, r := range []string{"", " a", "\x01"} {
		if got, err := j.WithResource(r); !errors.Is(err, ErrMalformed) {
			t.Errorf("WithResource(%q): %q, %v", r, got, err)
		}
	}
	if _, err := (JID{}).WithResource("a"); !errors.Is(err, ErrMalformed) {
		t.Errorf("WithResource of the zero JID: %v", err)
	}
	if got := string(j.AppendTo([]byte("to="))); got != "to=juliet@example.com/balcony" {
		t.Errorf("AppendTo: %q", got)
	}
	if z := (JID{}); !z.IsZero() || !z.IsBare() || z.String() != "" || z.Domain() != "" || z.Bare() != z {
		t.Error("the zero JID has parts")
	}
	if got, err := New("Juliet", "Example.com", "balcony"); err != nil || got != j {
		t.Errorf("New: %q, %v", got, err)
	}
	for _, p := range [][3]string{{"a", "", ""}, {"a/b", "c", ""}, {"a@b", "c", ""}, {"a", "b/c", ""}, {"a", "b@c", ""}} {
		if got, err := New(p[0], p[1], p[2]); !errors.Is(err, ErrMalformed) {
			t.Errorf("New(%q): %q, %v", p, got, err)
		}
	}
}

func TestMapKey(t *testing.T) {
	m := map[JID]int{MustParse("Juliet@example.com"): 1}
	if m[MustParse("juliet@EXAMPLE.com.")] != 1 {
		t.Error("equal addresses are different keys")
	}
}

func TestText(t *testing.T) {
	in := map[JID]JID{MustParse("a@example.com"): MustParse("b@example.com/c"), {}: {}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out map[JID]JID
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) != 2 || out[MustParse("a@example.com")] != MustParse("b@example.com/c") {
		t.Errorf("%s became %v", b, out)
	}
	if err := new(JID).UnmarshalText([]byte("@")); !errors.Is(err, ErrMalformed) {
		t.Errorf("UnmarshalText: %v", err)
	}
}

// slowly is prepare without any fast path.
func slowly(local, domain, resource string) (JID, error) {
	d := strings.TrimSuffix(domain, ".")
	var err error
	if strings.HasPrefix(d, "[") {
		d, err = prepareLiteral(d)
	} else {
		d, err = prepareName(d)
	}
	if err != nil {
		return JID{}, err
	}
	if local != "" {
		if local, err = prepareLocal(local); err != nil {
			return JID{}, err
		}
	}
	if resource != "" {
		if resource, err = prepareResource(resource); err != nil {
			return JID{}, err
		}
	}
	return join(local, d, resource), nil
}

// FuzzParse holds the fast path against full preparation, and preparation to be
// idempotent.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"juliet@example.com/balcony", "a@b/c@d/e", "\u03A3@B\u00dc.example.", "[::1]/x", "A_b.c", "xn--bcher-kva.example", "a@1.2.3.4", "\u1E9E@ß.de/\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		j, err := Parse(s)
		if err != nil {
			if !errors.Is(err, ErrMalformed) || !j.IsZero() {
				t.Fatalf("%q: %q, %v", s, j, err)
			}
			return
		}
		local, domain, resource, err := split(s)
		if err != nil {
			t.Fatalf("%q is split by Parse only: %v", s, err)
		}
		slow, err := slowly(local, domain, resource)
		if err != nil || slow != j {
			t.Fatalf("%q: fast %q, slow %q, %v", s, j, slow, err)
		}
		if again, err := Parse(j.String()); err != nil || again != j {
			t.Fatalf("%q: %q, again %q, %v", s, j, again, err)
		}
		if again, err := New(j.Local(), j.Domain(), j.Resource()); err != nil || again != j {
			t.Fatalf("%q: %q, joined again %q, %v", s, j, again, err)
		}
		if b := j.Bare(); b.String() != strings.TrimSuffix(j.String(), "/"+j.Resource()) || !b.IsBare() {
			t.Fatalf("%q: bare %q", s, b)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("juliet@example.com/balcony"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParsePrecis(b *testing.B) {
	for b.Loop() {
		if _, err := Parse("\u03C0@example.com/\u265A"); err != nil {
			b.Fatal(err)
		}
	}
}

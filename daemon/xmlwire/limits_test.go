package xmlwire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	lim := Limits{Stanza: 100, Header: 150, Depth: 4, Attrs: 4}
	pad := func(n int, open, end string) string { return open + strings.Repeat("x", n-len(open)-len(end)) + end }
	for _, tc := range []struct{ name, in, want string }{
		{"stanza of the limit", clientHeader + pad(100, "<a>", "</a>"), "open " + pad(100, "<a>", "</a>")},
		{"stanza past the limit", clientHeader + pad(101, "<a>", "</a>"), "open !policy-violation"},
		{"stanza without end", clientHeader + pad(2000, "<a>", ""), "open !policy-violation"},
		{"start tag without end", clientHeader + pad(2000, "<a b='", ""), "open !policy-violation"},
		{"name without end", clientHeader + pad(2000, "<a", ""), "open !policy-violation"},
		{"white space without end", clientHeader + "<a" + strings.Repeat(" ", 2000), "open !policy-violation"},
		{"white space between stanzas is not bounded", clientHeader + strings.Repeat(" ", 2000) + "<a/>", "open <a/>"},
		{"header of the limit", pad(150, "<s:stream xmlns:s='"+NSStream+"' to='", "'>"), "open"},
		{"header past the limit", pad(151, "<s:stream xmlns:s='"+NSStream+"' to='", "'>"), "!policy-violation"},
		{"header without end", pad(2000, "<s:stream xmlns:s='"+NSStream+"' to='", ""), "!policy-violation"},
		{"depth of the limit", clientHeader + "<a><a><a><a/></a></a></a>", "open <a><a><a><a/></a></a></a>"},
		{"depth past the limit", clientHeader + "<a><a><a><a><a/></a></a></a></a>", "open !policy-violation"},
		{"attributes of the limit", clientHeader + "<a b='' c='' d='' e=''/>", "open <a b='' c='' d='' e=''/>"},
		{"attributes past the limit", clientHeader + "<a b='' c='' d='' e='' f=''/>", "open !policy-violation"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, used, err := play(t, []byte(tc.in), lim, whole)
			if tr := trace(got, err); tr != tc.want {
				t.Errorf("got %s\nwant %s", tr, tc.want)
			}
			compareSplit(t, []byte(tc.in), lim, got, used, err, 3)
		})
	}
}

func TestNamespacesInScopeAreBounded(t *testing.T) {
	lim := Limits{Depth: 4, Attrs: 4}
	for n, want := range map[int]string{2: "open", 3: "open !policy-violation"} {
		in := clientHeader
		for i := range n {
			in += fmt.Sprintf("<a xmlns:a%d='a' xmlns:b%d='b' xmlns:c%d='c'>", i, i, i)
		}
		got, _, err := play(t, []byte(in), lim, whole)
		if tr := trace(got, err); tr != want {
			t.Errorf("%d levels: %s, want %s", n, tr, want)
		}
	}
}

// A namespace may be named at length, but not at any: every element that is taken
// out of its place repeats it.
func TestNamespaceNamesAreBounded(t *testing.T) {
	for _, decl := range []string{"xmlns", "xmlns:p"} {
		fits := "<a " + decl + "='" + strings.Repeat("u", maxSpace) + "'/>"
		for in, want := range map[string]string{fits: "open " + fits, strings.Replace(fits, "u", "uu", 1): "open !policy-violation"} {
			got, _, err := play(t, []byte(clientHeader+in), DefaultLimits, whole)
			if tr := trace(got, err); tr != want {
				t.Errorf("%s of %d bytes: %.40s", decl, len(in), tr)
			}
		}
	}
}

func TestStreamPrefixesAreBounded(t *testing.T) {
	var b strings.Builder
	fmt.Fprintf(&b, "<stream:stream xmlns:stream='%s'", NSStream)
	for i := range maxStreamPrefixes {
		fmt.Fprintf(&b, " xmlns:p%d='u'", i)
	}
	b.WriteString(">")
	got, _, err := play(t, []byte(b.String()), Limits{Attrs: 100}, whole)
	if tr := trace(got, err); tr != "!policy-violation" {
		t.Error(tr)
	}
}

func TestSetLimits(t *testing.T) {
	s := NewScanner(Limits{Stanza: 10})
	if _, n, err := s.Next([]byte(clientHeader)); err != nil || n != len(clientHeader) {
		t.Fatal(n, err)
	}
	s.SetLimits(Limits{})
	if s.lim != DefaultLimits {
		t.Errorf("%+v", s.lim)
	}
	if ev, _, err := s.Next([]byte(chat)); err != nil || ev.Kind != Stanza {
		t.Error(ev.Kind, err)
	}
}

func TestScanDoesNotAllocate(t *testing.T) {
	s := opened(t)
	in := []byte(chat349)
	dst := make([]byte, 0, 1024)
	scan := func() {
		ev, _, err := s.Next(in)
		if err != nil || ev.Kind != Stanza {
			t.Fatal(ev.Kind, err)
		}
		dst = AppendStamped(dst[:0], ev.Raw, ev.Header, "romeo@montague.example/orchard", "", "")
	}
	scan() // the first call sizes the scanner's slices
	if n := testing.AllocsPerRun(100, scan); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestLinear feeds one long start tag, text and name byte by byte: the work must
// be one pass, which is seen by the scanner's position never going back.
func TestLinear(t *testing.T) {
	for _, in := range []string{
		"<a b='" + strings.Repeat("x", 6000) + "'/>",
		"<a " + strings.Repeat(" ", 6000) + "/>",
		"<" + strings.Repeat("n", 6000) + "/>",
		"<a>" + strings.Repeat("x", 6000) + "</a>",
		"<a><![CDATA[" + strings.Repeat("x", 6000) + "]]></a>",
		"<" + strings.Repeat("n", 3000) + "></" + strings.Repeat("n", 3000) + ">",
	} {
		s := opened(t)
		b := []byte(in)
		for end := 3; end < len(b); end++ {
			ev, n, err := s.Next(b[:end])
			if err != nil || ev.Kind != NeedMore || n != 0 {
				t.Fatalf("%.20s at %d: %v %d %v", in, end, ev.Kind, n, err)
			}
			if s.elem.pos != end {
				t.Fatalf("%.20s: looked at %d of %d bytes", in, s.elem.pos, end)
			}
		}
		if ev, n, err := s.Next(b); err != nil || ev.Kind != Stanza || n != len(b) || !bytes.Equal(ev.Raw, b) {
			t.Fatalf("%.20s: %v %d %v", in, ev.Kind, n, err)
		}
	}
}

// A scanner does not keep the memory one hostile stanza made it take.
func TestMemoryIsGivenBack(t *testing.T) {
	s := opened(t)
	uri := strings.Repeat("u", maxSpace)
	big := []byte("<a xmlns='" + uri + "' xmlns:a='" + uri + "' xmlns:b='" + uri + "'/>")
	if ev, _, err := s.Next(big); err != nil || ev.Kind != Stanza {
		t.Fatal(ev.Kind, err)
	}
	if ev, _, err := s.Next([]byte(chat)); err != nil || ev.Kind != Stanza {
		t.Fatal(ev.Kind, err)
	}
	if c := cap(s.elem.arena); c > keepArena {
		t.Errorf("keeps %d bytes", c)
	}
}

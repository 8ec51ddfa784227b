package xmlwire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const clientHeader = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>`

const chat = `<message to='juliet@capulet.example/balcony' from='romeo@montague.example/orchard' type='chat' id='ktx72v49' xml:lang='en'><body>Art thou not Romeo?</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>`

// opened is a scanner that has seen clientHeader.
func opened(tb testing.TB) *Scanner {
	tb.Helper()
	s := NewScanner(DefaultLimits)
	ev, n, err := s.Next([]byte(clientHeader))
	if err != nil || ev.Kind != StreamOpen || n != len(clientHeader) {
		tb.Fatal(ev.Kind, n, err)
	}
	return s
}

// trace writes the events of a play in one line.
func trace(events []seen, err error) string {
	var out []string
	for _, e := range events {
		switch e.kind {
		case StreamOpen:
			out = append(out, "open")
		case StreamClose:
			out = append(out, "close")
		case Stanza:
			out = append(out, e.raw)
		}
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		out = append(out, "!"+e.Condition)
	}
	return strings.Join(out, " ")
}

func TestStreams(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"RFC 6120 §4.2 header", clientHeader, "open"},
		{"§11.5 XML declaration", `<?xml version='1.0'?>` + clientHeader, "open"},
		{"§11.5 with encoding", `<?xml version="1.0" encoding='utf-8' ?>` + "\r\n" + clientHeader, "open"},
		{"§11.5 standalone is ignored", `<?xml version='1.0' standalone='no'?>` + clientHeader, "open"},
		{"§4.4 close", clientHeader + "</stream:stream>", "open close"},
		{"§4.4 close with space and what follows", clientHeader + "</stream:stream\n> \n", "open close"},
		{"§4.6.1 white space keepalives", " \n" + clientHeader + " \r\n\t<a/> \n<b/>\n", "open <a/> <b/>"},
		{"§4.8.2 prefix-free", heads[3] + "<message xmlns='jabber:client'/></stream>", "open <message xmlns='jabber:client'/> close"},
		{"§4.8.5 other prefix", "<s:stream xmlns:s='" + NSStream + "'><a/></s:stream>", "open <a/> close"},
		{"§11.1 CDATA", clientHeader + "<a><![CDATA[<b>&x;]]]]><![CDATA[>]]></a>", "open <a><![CDATA[<b>&x;]]]]><![CDATA[>]]></a>"},
		{"§11.1 predefined entities", clientHeader + "<a b='&lt;&#x3c;'>&amp;&gt;&apos;&quot;&#38;</a>", "open <a b='&lt;&#x3c;'>&amp;&gt;&apos;&quot;&#38;</a>"},
		{"]] and > in text", clientHeader + "<a>]] > ]&gt;</a>", "open <a>]] > ]&gt;</a>"},

		{"not XML at all", "GET / HTTP/1.1\r\n", "!not-well-formed"},
		{"TLS where none is spoken", "\x16\x03\x01\x02\x00", "!not-well-formed"},
		{"§11.6 byte order mark is text", "\uFEFF" + clientHeader, "!not-well-formed"},
		{"§11.6 UTF-16 little endian", "\xff\xfe<\x00", "!unsupported-encoding"},
		{"§11.6 UTF-16 without mark", "<\x00s\x00", "!unsupported-encoding"},
		{"§11.6 UTF-16 big endian without mark", "\x00<\x00s", "!unsupported-encoding"},
		{"§11.6 declared encoding", `<?xml version='1.0' encoding='ISO-8859-1'?>`, "!unsupported-encoding"},
		{"§11.8 XML 1.1", `<?xml version='1.1'?>`, "!not-well-formed"},
		{"XML declaration of nothing", `<?xml ?>`, "!not-well-formed"},
		{"XML declaration out of order", `<?xml encoding='UTF-8' version='1.0'?>`, "!not-well-formed"},
		{"XML declaration behind white space", ` <?xml version='1.0'?>`, "!restricted-xml"},
		{"endless XML declaration", `<?xml version='` + strings.Repeat("1", 300), "!policy-violation"},
		{"§11.1 PI before the header", `<?xmlx version='1.0'?>`, "!restricted-xml"},
		{"§11.1 PI between stanzas", clientHeader + `<?xml version='1.0'?>`, "open !restricted-xml"},
		{"§11.1 PI in a stanza", clientHeader + `<a><?p?></a>`, "open !restricted-xml"},
		{"§11.1 comment", clientHeader + `<!--`, "open !restricted-xml"},
		{"§11.1 comment in a stanza", clientHeader + `<a><!-- x --></a>`, "open !restricted-xml"},
		{"§11.1 DTD", `<!DOCTYPE stream [<!ENTITY x 'y'>]>`, "!restricted-xml"},
		{"§11.1 DTD in a stanza", clientHeader + `<a><!DOCTYPE x></a>`, "open !restricted-xml"},
		{"§11.1 entity", clientHeader + `<a>&nbsp;</a>`, "open !restricted-xml"},
		{"§11.1 entity in a value", clientHeader + `<a b='&lol9;'/>`, "open !restricted-xml"},
		{"§11.1 entity of a long name", clientHeader + `<a>&abcdefghijklmnopqrstuvwxyz;</a>`, "open !restricted-xml"},

		{"§4.8.1 stream namespace", `<stream:stream xmlns:stream='http://wrong.namespace.example.org/'>`, "!invalid-namespace"},
		{"§4.8.1 no namespace", `<stream to='x'>`, "!invalid-namespace"},
		{"root of another name", `<s:streams xmlns:s='` + NSStream + `'>`, "!bad-format"},
		{"root without content", `<s:stream xmlns:s='` + NSStream + `'/>`, "!bad-format"},
		{"stanza before the header", `<message xmlns='jabber:client'/>`, "!invalid-namespace"},
		{"end before the header", `</stream:stream>`, "!not-well-formed"},
		{"header prefix undeclared", `<stream:stream xmlns='jabber:client'>`, "!not-well-formed"},
		{"§4.9.3.1 text between stanzas", clientHeader + "x", "open !bad-format"},
		{"CDATA between stanzas", clientHeader + "<![CDATA[ ]]>", "open !bad-format"},
		{"NUL between stanzas", clientHeader + "\x00", "open !not-well-formed"},
		{"wrong end of the stream", clientHeader + "</stream>", "open !not-well-formed"},
		{"wrong end, longer", clientHeader + "</stream:streams>", "open !not-well-formed"},
		{"endless end of the stream", clientHeader + "</stream:stream" + strings.Repeat(" ", 100), "open !not-well-formed"},
		{"second header", clientHeader + clientHeader, "open !bad-format"},
		{"element behind the end", clientHeader + "</stream:stream><a/>", "open close !not-well-formed"},
		{"text behind the end", clientHeader + "</stream:stream>x", "open close !not-well-formed"},
		{"§4.8.5 content namespace with a prefix", clientHeader + "<foo:message xmlns:foo='jabber:client'/>", "open !bad-namespace-prefix"},
		{"§4.8.5 inside a stanza", clientHeader + "<message xmlns:foo='jabber:client'><foo:body/></message>", "open !bad-namespace-prefix"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, used, err := play(t, []byte(tc.in), DefaultLimits, whole)
			if tr := trace(got, err); tr != tc.want {
				t.Errorf("got %s\nwant %s", tr, tc.want)
			}
			compareSplit(t, []byte(tc.in), DefaultLimits, got, used, err, 1)
		})
	}
}

// TestNotWellFormed has what XML 1.0 and Namespaces in XML 1.0 forbid in an
// element (RFC 6120 §11.3).
func TestNotWellFormed(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"end tag of another name", "<a></b>", NotWellFormed},
		{"end tag that goes on", "<a></ab>", NotWellFormed},
		{"end tag too short", "<ab></a>", NotWellFormed},
		{"end tag with attribute", "<a></a b='c'>", NotWellFormed},
		{"end tag with leading space", "<a></ a>", NotWellFormed},
		{"space in front of the name", "< a/>", NotWellFormed},
		{"no name", "<>", NotWellFormed},
		{"name begins with a digit", "<1a/>", NotWellFormed},
		{"name begins with a combining character", "<\u0301a/>", NotWellFormed},
		{"name with a symbol", "<a\u00d7/>", NotWellFormed},
		{"name of prefix only", "<stream:/>", NotWellFormed},
		{"name without prefix", "<:a/>", NotWellFormed},
		{"two colons", "<stream:a:b/>", NotWellFormed},
		{"local name begins with a digit", "<stream:1/>", NotWellFormed},
		{"prefix xmlns", "<xmlns:a/>", NotWellFormed},
		{"undeclared prefix", "<q:a/>", NotWellFormed},
		{"undeclared attribute prefix", "<a q:b='c'/>", NotWellFormed},
		{"prefix out of scope", "<a><b xmlns:q='q'/><q:c/></a>", NotWellFormed},
		{"prefix undeclared again", "<a xmlns:q=''/>", NotWellFormed},
		{"prefix xmlns declared", "<a xmlns:xmlns='q'/>", NotWellFormed},
		{"prefix xml redefined", "<a xmlns:xml='q'/>", NotWellFormed},
		{"xml namespace by another prefix", "<a xmlns:q='" + NSXML + "'/>", NotWellFormed},
		{"xml namespace as default", "<a xmlns='" + NSXML + "'/>", NotWellFormed},
		{"xmlns namespace as default", "<a xmlns='" + NSXMLNS + "'/>", NotWellFormed},
		{"attribute twice", "<a b='1' b='2'/>", NotWellFormed},
		{"declaration twice", "<a xmlns='1' xmlns='2'/>", NotWellFormed},
		{"prefix declared twice", "<a xmlns:q='1' xmlns:q='2'/>", NotWellFormed},
		{"attribute twice by expanded name", "<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>", NotWellFormed},
		{"attribute twice by decoded name", "<a xmlns:p='u&amp;' xmlns:q='u&#38;' p:b='' q:b=''/>", NotWellFormed},
		{"attribute without value", "<a b/>", NotWellFormed},
		{"attribute without quotes", "<a b=c/>", NotWellFormed},
		{"attribute without =", "<a b'c'/>", NotWellFormed},
		{"attribute without space", "<a b='c'd='e'/>", NotWellFormed},
		{"attribute without name", "<a ='c'/>", NotWellFormed},
		{"space in an empty-element tag's end", "<a / >", NotWellFormed},
		{"< in a value", "<a b='<'/>", NotWellFormed},
		{"& alone", "<a>& </a>", NotWellFormed},
		{"& alone in a value", "<a b='&'/>", NotWellFormed},
		{"reference of nothing", "<a>&;</a>", NotWellFormed},
		{"reference to nothing", "<a>&#;</a>", NotWellFormed},
		{"reference to NUL", "<a>&#0;</a>", NotWellFormed},
		{"reference to a surrogate", "<a>&#xD800;</a>", NotWellFormed},
		{"reference to a control", "<a b='&#x1;'/>", NotWellFormed},
		{"reference to U+FFFE", "<a>&#xFFFE;</a>", NotWellFormed},
		{"reference past Unicode", "<a>&#x110000;</a>", NotWellFormed},
		{"reference past all numbers", "<a>&#99999999999;</a>", NotWellFormed},
		{"reference in capital X", "<a>&#X41;</a>", NotWellFormed},
		{"reference with letters", "<a>&#4A;</a>", NotWellFormed},
		{"reference without end", "<a>&#00000000000000000000000065;</a>", NotWellFormed},
		{"]]> in text", "<a>]]></a>", NotWellFormed},
		{"]]> in long text", "<a>0123456789]]]></a>", NotWellFormed},
		{"]]> split by an element", "<a>]]<b/>></a>", ""},
		{"control in text", "<a>\x01</a>", NotWellFormed},
		{"control in a value", "<a b='\x7f\x1f'/>", NotWellFormed},
		{"control in CDATA", "<a><![CDATA[\x00]]></a>", NotWellFormed},
		{"U+FFFF in text", "<a>\uFFFF</a>", NotWellFormed},
		{"U+FFFE in a value", "<a b='\uFFFE'/>", NotWellFormed},
		{"<! of something else", "<a><!x></a>", NotWellFormed},
		{"CDATA misspelt", "<a><![cdata[]]></a>", NotWellFormed},
		{"RFC 6120 §11.6 UTF-8 cut short", "<a>\xc3</a>", UnsupportedEncoding},
		{"§11.6 UTF-8 too long a form", "<a>\xc0\x80</a>", UnsupportedEncoding},
		{"§11.6 surrogate in UTF-8", "<a>\xed\xa0\x80</a>", UnsupportedEncoding},
		{"§11.6 Latin-1 in a value", "<a b='\xe9'/>", UnsupportedEncoding},
		{"§11.6 Latin-1 in a name", "<\xe9/>", UnsupportedEncoding},
		{"§11.6 Latin-1 in CDATA", "<a><![CDATA[\xe9]]></a>", UnsupportedEncoding},
		{"fifth edition names", "<\u00e9l\u00e8ve a\u00b7b='1' \U00010400='2'/>", ""},
		{"same local name in two namespaces", "<a xmlns:p='u' xmlns:q='v' p:b='' q:b='' b=''/>", ""},
		{"default namespace taken away", "<a xmlns=''><b/></a>", ""},
		{"xml declared as itself", "<a xmlns:xml='" + NSXML + "' xml:space='preserve'/>", ""},
		{"space wherever it may be", "<a\tb\n=\r'c'  ></a\n>", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			in := []byte(clientHeader + tc.in)
			got, used, err := play(t, in, DefaultLimits, whole)
			want := "open !" + tc.want
			if tc.want == "" {
				want = "open " + tc.in
			}
			if tr := trace(got, err); tr != want {
				t.Errorf("got %s\nwant %s", tr, want)
			}
			compareSplit(t, in, DefaultLimits, got, used, err, 2)
			compareOracle(t, in, got, used, err)
		})
	}
}

func TestLimits(t *testing.T) {
	lim := Limits{Stanza: 100, Header: 150, Depth: 4, Attrs: 4}
	pad := func(n int, open, end string) string { return open + strings.Repeat("x", n-len(open)-len(end)) + end }
	for _, tc := range []struct{ name, in, want string }{
		{"stanza of the limit", clientHeader + pad(100, "<a>", "</a>"), "open " + pad(100, "<a>", "</a>")},
		{"stanza past the limit", clientHeader + pad(101, "<a>", "</a>"), "open !policy-violation"},
		{"stanza without end", clientHeader + pad(5000, "<a>", ""), "open !policy-violation"},
		{"start tag without end", clientHeader + pad(5000, "<a b='", ""), "open !policy-violation"},
		{"name without end", clientHeader + pad(5000, "<a", ""), "open !policy-violation"},
		{"white space without end", clientHeader + "<a" + strings.Repeat(" ", 5000), "open !policy-violation"},
		{"white space between stanzas is not bounded", clientHeader + strings.Repeat(" ", 5000) + "<a/>", "open <a/>"},
		{"header of the limit", pad(150, "<s:stream xmlns:s='"+NSStream+"' to='", "'>"), "open"},
		{"header past the limit", pad(151, "<s:stream xmlns:s='"+NSStream+"' to='", "'>"), "!policy-violation"},
		{"header without end", pad(5000, "<s:stream xmlns:s='"+NSStream+"' to='", ""), "!policy-violation"},
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

// After STARTTLS (RFC 6120 §5.4.3.3) and SASL (§6.4.6) nothing of the old stream
// is left: no error, no half element, no prefix.
func TestRestart(t *testing.T) {
	s := NewScanner(DefaultLimits)
	feed := func(in string) (kinds []Kind, err error) {
		for len(in) > 0 {
			ev, n, err := s.Next([]byte(in))
			if err != nil {
				return kinds, err
			}
			if in = in[n:]; ev.Kind == NeedMore {
				break
			}
			kinds = append(kinds, ev.Kind)
		}
		return kinds, nil
	}
	if _, err := feed("x"); err == nil {
		t.Fatal("text was accepted")
	}
	s.Restart()
	if k, err := feed(heads[1] + "<q:a/>"); err != nil || !cmp.Equal(k, []Kind{StreamOpen, Stanza}) {
		t.Fatal(k, err)
	}
	if k, err := feed("<half"); err != nil || k != nil {
		t.Fatal(k, err)
	}
	s.Restart()
	if k, err := feed(clientHeader + "<q:a/>"); err == nil || !cmp.Equal(k, []Kind{StreamOpen}) {
		t.Fatal("a prefix of the stream before was accepted", k)
	}
}

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
		"<a b='" + strings.Repeat("x", 20000) + "'/>",
		"<a " + strings.Repeat(" ", 20000) + "/>",
		"<" + strings.Repeat("n", 20000) + "/>",
		"<a>" + strings.Repeat("x", 20000) + "</a>",
		"<a><![CDATA[" + strings.Repeat("x", 20000) + "]]></a>",
		"<" + strings.Repeat("n", 9000) + "></" + strings.Repeat("n", 9000) + ">",
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
	big := []byte("<a xmlns='" + strings.Repeat("u", 100000) + "'/>")
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

func TestErrorText(t *testing.T) {
	_, _, err := NewScanner(DefaultLimits).Next([]byte("x"))
	if err == nil || err.Error() != "not-well-formed: there is text outside the root element" {
		t.Error(err)
	}
}

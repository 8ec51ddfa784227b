package xmlwire

import (
	"errors"
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

func TestErrorText(t *testing.T) {
	_, _, err := NewScanner(DefaultLimits).Next([]byte("x"))
	if err == nil || err.Error() != "not-well-formed: there is text outside the root element" {
		t.Error(err)
	}
}

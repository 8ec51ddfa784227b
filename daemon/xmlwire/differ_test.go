package xmlwire

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"testing"
)

// heads are stream headers of each style (RFC 6120 §4.8.2, XEP-0114 §3).
var heads = []string{
	clientHeader,
	`<?xml version='1.0'?><stream:stream xmlns:stream="http://etherx.jabber.org/streams" xmlns="jabber:client" xmlns:q="urn:q" xmlns:r='urn:r&amp;1' xml:lang='de' to='example.com' from='a@example.com' version='1.0'>`,
	`<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb1.example.com'>`,
	`<stream xmlns='http://etherx.jabber.org/streams' to='example.com' version='1.0'>`,
}

// bodies are seeds of what stands in a stream.
var bodies = []string{
	chat,
	`<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>`,
	`<message xmlns='jabber:client' to="a'b"><body xmlns='jabber:client' >x</body><y xmlns='urn:y'><body xmlns="jabber:client"/></y></message>`,
	`<presence/> <presence type='unavailable' ></presence >`,
	"<q:a r:b='c' q:d='e'/>\n<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AA==</auth>",
	`<a xmlns:s='u' xmlns:t='u' s:x='1' t:x='2'/>`,
	"<a b=' \t\r\n&#10;&#x9;&amp;&lt;&quot;&apos;&gt;'>\r\n\r&#13;]]&gt;<![CDATA[ <&]]]]>&#x1F600;\u00e9\U0001F600</a>",
	`<x><!-- c --></x>`, `<x>&nbsp;</x>`, `<x>]]></x>`, `<x a="<"/>`, `<x></y>`, `<x><?p q?></x>`, `<!DOCTYPE x>`,
	`<c:message xmlns:c='jabber:client'/>`, `<message xmlns=''/>`, `<x xmlns:p=''/>`, "<\u00e9l\u00e8ve \u00e0='1'/>",
	`<x y:z='1'/>`, `<x a='1'b='2'/>`, `<x xmlns:xml='http://www.w3.org/XML/1998/namespace' xml:a=''/>`,
	`<message to='a' from='b'><a><b><c><d/></c></b></a></message></stream:stream>`,
}

// seen is what an event comes down to.
type seen struct {
	kind   Kind
	raw    string
	header string
	node   *node
}

// play feeds in to a new scanner, piece by piece, and returns the events, how
// many bytes they and the white space took, and the error.
func play(t testing.TB, in []byte, lim Limits, size func() int) (out []seen, used int, err error) {
	t.Helper()
	s := NewScanner(lim)
	end := 0
	for {
		// A fresh buffer each time: the scanner must not hold on to the last.
		ev, n, err := s.Next(bytes.Clone(in[used:end]))
		if n < 0 || n > end-used {
			t.Fatalf("consumed %d of %d", n, end-used)
		}
		used += n
		if err != nil {
			if e := (*Error)(nil); !errors.As(err, &e) || ev.Kind != NeedMore {
				t.Fatalf("error %v with event %d", err, ev.Kind)
			}
			if _, n, again := s.Next(in[used:end]); again != err || n != 0 {
				t.Fatalf("error %v was not final: %v", err, again)
			}
			return out, used, err
		}
		if ev.Kind != NeedMore {
			out = append(out, look1(t, ev))
			continue
		}
		if end == len(in) {
			return out, used, nil
		}
		end = min(len(in), end+size())
	}
}

func look1(t testing.TB, ev Event) seen {
	t.Helper()
	sn := seen{kind: ev.Kind, raw: string(ev.Raw)}
	switch ev.Kind {
	case StreamOpen:
		h := ev.Stream
		sn.header = fmt.Sprintf("%q %v %v %v %v %v", h.Space, h.To, h.From, h.ID, h.Version, h.Lang)
	case Stanza:
		h := *ev.Header
		h.prefixes, h.cuts, h.attrSpans = nil, nil, nil
		sn.header = fmt.Sprintf("%+v", h)
		sn.node = viewed(Look(ev.Raw, ev.Header))
		checkHeader(t, ev)
	}
	return sn
}

// checkHeader holds the header against the view.
func checkHeader(t testing.TB, ev Event) {
	t.Helper()
	h, v := ev.Header, Look(ev.Raw, ev.Header)
	if !v.Is(string(h.Space), string(h.Name)) {
		t.Fatalf("%q: header {%s}%s, view {%s}%s", ev.Raw, h.Space, h.Name, v.Space, v.Name)
	}
	kids := 0
	for c := range v.Children() {
		if kids == 0 && !c.Is(string(h.ChildSpace), string(h.ChildName)) {
			t.Fatalf("%q: child {%s}%s, view {%s}%s", ev.Raw, h.ChildSpace, h.ChildName, c.Space, c.Name)
		}
		kids++
	}
	if kids != h.Children || (kids == 0) != (h.ChildName == nil) {
		t.Fatalf("%q: %d children, view %d, first %q", ev.Raw, h.Children, kids, h.ChildName)
	}
	for name, a := range map[string]Attr{"to": h.To, "from": h.From, "type": h.Type, "id": h.ID, "xml:lang": h.Lang} {
		if w := v.Get(name); a.Present() != w.Present() || a.String() != w.String() || a.Escaped != w.Escaped || h.Get(name).String() != a.String() {
			t.Fatalf("%q: %s is %v, view %v", ev.Raw, name, a, w)
		}
	}
	if len(h.Attrs) != len(v.Attrs) {
		t.Fatalf("%q: %d attributes, view %d", ev.Raw, len(h.Attrs), len(v.Attrs))
	}
	if end := ev.Raw[h.StartEnd-1]; end != '>' || h.Empty != (ev.Raw[h.StartEnd-2] == '/') || h.Empty && h.StartEnd != len(ev.Raw) {
		t.Fatalf("%q: start tag ends at %d, empty %v", ev.Raw, h.StartEnd, h.Empty)
	}
}

func whole() int  { return 1 << 30 }
func single() int { return 1 }

// laxTag matches attributes that no white space separates, which encoding/xml
// accepts, and references longer than the scanner's bound.
var laxTag = regexp.MustCompile(`=\s*("[^"]*"|'[^']*')[^\s/>]|&[^;]{14}|<\?xml`)

// FuzzScan: what the scanner accepts, the oracle accepts and reads alike; what
// the scanner finds not well-formed, the oracle refuses; and the outcome does
// not depend on how the bytes are cut.
func FuzzScan(f *testing.F) {
	for i, h := range heads {
		for _, b := range bodies {
			f.Add([]byte(h+b), uint64(i))
		}
	}
	f.Add([]byte(`<?xml version='1.0' encoding='utf-8' standalone='yes' ?> `+clientHeader+`</stream:stream > `), uint64(9))
	f.Fuzz(func(t *testing.T, in []byte, seed uint64) {
		got, used, err := play(t, in, DefaultLimits, whole)
		compareSplit(t, in, DefaultLimits, got, used, err, seed)
		compareOracle(t, in, got, used, err)
	})
}

// compareSplit replays in cut at random places, and byte by byte.
func compareSplit(t *testing.T, in []byte, lim Limits, want []seen, used int, wantErr error, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for _, size := range []func() int{single, func() int { return 1 + rnd.IntN(40) }} {
		got, n, err := play(t, in, lim, size)
		if len(got) != len(want) || n != used {
			t.Fatalf("%q: cut: %d events, %d bytes, %v; whole: %d events, %d bytes, %v", in, len(got), n, err, len(want), used, wantErr)
		}
		if fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("%q: cut: %v; whole: %v", in, err, wantErr)
		}
		for i := range got {
			if g, w := got[i], want[i]; g.kind != w.kind || g.raw != w.raw || g.header != w.header {
				t.Fatalf("%q: cut: %+v; whole: %+v", in, g, w)
			}
		}
	}
}

// compareOracle holds events and error against the oracle.
func compareOracle(t *testing.T, in []byte, got []seen, used int, err error) {
	t.Helper()
	if e := (*Error)(nil); errors.As(err, &e) {
		o := new(oracle)
		if e.Condition == NotWellFormed && !laxTag.Match(in) && o.read(in) == nil && o.ended {
			t.Fatalf("%q: the scanner says %v, the oracle accepts", in, err)
		}
	}
	o := new(oracle)
	if oerr := o.read(in[:used]); errors.Is(oerr, errLax) {
		return
	} else if oerr != nil {
		t.Fatalf("%q: the scanner accepts, the oracle says %v", in[:used], oerr)
	}
	i := 0
	for _, sn := range got {
		if sn.kind != Stanza {
			continue
		}
		if i >= len(o.tops) {
			t.Fatalf("%q: %d stanzas, oracle %d", in, i+1, len(o.tops))
		}
		if g, w := sn.node.String(), o.tops[i].String(); g != w {
			t.Fatalf("%q:\nscanner\n%soracle\n%s", in, g, w)
		}
		i++
	}
	if i != len(o.tops) {
		t.Fatalf("%q: %d stanzas, oracle %d", in, i, len(o.tops))
	}
}

package archive

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

const (
	romeo  = "romeo@montague.example"
	juliet = "juliet@capulet.example"
	nurse  = "nurse@capulet.example"
)

// shelf is an archive of romeo's: 250 messages with three others in turn, a second
// apart, from the time 1000 on.
func shelf() Scan {
	with := []string{juliet + "/balcony", nurse + "/house", romeo + "/other"}
	var list []Entry
	for i := range 250 {
		list = append(list, Entry{Clock: uint64(2*i + 5), ID: id(i), Time: int64(1000 + 1000*i), With: with[i%3], Raw: fmt.Appendf(nil, "<message id='%d'/>", i)})
	}
	return scanOf(list)
}

// scanOf reads entries as a file does.
func scanOf(list []Entry) Scan {
	return func(from uint64, yield func(Stored) bool) {
		for _, e := range list {
			if s, err := Parse(e.Clock, e.AppendValue(nil)); err != nil || e.Clock >= from && !yield(s) {
				return
			}
		}
	}
}

func id(i int) string { return fmt.Sprintf("%024x", i) }

func before(s string) *string { return &s }

// Pages of an archive (XEP-0313 §4, XEP-0059 §2): which messages, in which order,
// how many match, and whether that was all.
func TestPages(t *testing.T) {
	for _, c := range []struct {
		name        string
		q           Query
		first, last int // numbers of the messages, -1 for none
		n, count    int
		index       int
		complete    bool
	}{
		{"§4.3.1: the server bounds a page", Query{Max: -1}, 0, 99, 100, 250, 0, false},
		{"so does the client", Query{Max: 10}, 0, 9, 10, 250, 0, false},
		{"the next page", Query{Max: 10, After: id(9)}, 10, 19, 10, 250, 10, false},
		{"the last one is complete", Query{Max: 100, After: id(199)}, 200, 249, 50, 250, 200, true},
		{"§4.3.3: from the end", Query{Max: 10, Before: before("")}, 240, 249, 10, 250, 240, false},
		{"and before that", Query{Max: 10, Before: before(id(240))}, 230, 239, 10, 250, 230, false},
		{"to the beginning", Query{Max: 10, Before: before(id(5))}, 0, 4, 5, 250, 0, true},
		{"XEP-0059 §2.7: how many", Query{Max: 0}, -1, -1, 0, 250, 0, false},
		{"§4.1.1: a bare address", Query{Max: 100, With: juliet}, 0, 249, 84, 84, 0, true},
		{"a full one", Query{Max: 2, With: nurse + "/house"}, 1, 4, 2, 83, 0, false},
		{"another resource", Query{Max: -1, With: nurse + "/none"}, -1, -1, 0, 0, 0, true},
		{"to oneself", Query{Max: 100, With: romeo}, 2, 248, 83, 83, 0, true},
		{"§4.1.2: from a time, which counts", Query{Max: 100, Start: 241_000}, 240, 249, 10, 10, 0, true},
		{"to a time, which counts", Query{Max: 100, End: 3000}, 0, 2, 3, 3, 0, true},
		{"§4.1.3: after a message", Query{Max: 100, AfterID: id(247)}, 248, 249, 2, 2, 0, true},
		{"before one", Query{Max: 100, BeforeID: id(2)}, 0, 1, 2, 2, 0, true},
		{"between two", Query{Max: 100, AfterID: id(10), BeforeID: id(13)}, 11, 12, 2, 2, 0, true},
		{"these", Query{Max: -1, IDs: map[string]bool{id(7): true, id(9): true}}, 7, 9, 2, 2, 0, true},
	} {
		p, ok := Pick(shelf(), 0, c.q)
		first, last := -1, -1
		if n := len(p.Entries); n > 0 {
			fmt.Sscanf(p.Entries[0].ID, "%x", &first)
			fmt.Sscanf(p.Entries[n-1].ID, "%x", &last)
		}
		got := fmt.Sprint(first, last, len(p.Entries), p.Count, p.Index, p.Complete)
		if want := fmt.Sprint(c.first, c.last, c.n, c.count, c.index, c.complete); !ok || got != want {
			t.Errorf("%s: first, last, number, count, index, complete %s, want %s", c.name, got, want)
		}
	}
	for _, q := range []Query{{Max: -1, After: "none"}, {Max: -1, Before: before("none")}, {Max: -1, AfterID: "none"}, {Max: -1, BeforeID: "none"}, {Max: -1, IDs: map[string]bool{id(1): true, "none": true}}} {
		if _, ok := Pick(shelf(), 0, q); ok {
			t.Errorf("%+v names what is not there", q)
		}
	}
	if p, _ := Pick(shelf(), 241_000, Query{Max: -1}); p.Count != 10 {
		t.Errorf("%d messages are shown that are too old", p.Count)
	}
}

// A page of large messages is cut, at the end that does not count, and says so.
func TestLargePages(t *testing.T) {
	var list []Entry
	for i := range 5 {
		list = append(list, Entry{Clock: uint64(i + 1), ID: id(i), Raw: make([]byte, maxBytes/2)})
	}
	large := scanOf(list)
	forth, _ := Pick(large, 0, Query{Max: 5})
	back, _ := Pick(large, 0, Query{Max: 5, Before: before("")})
	if len(forth.Entries) != 2 || forth.Complete || forth.Entries[0].ID != id(0) || len(back.Entries) != 2 || back.Complete || back.Entries[1].ID != id(4) || back.Index != 3 {
		t.Errorf("%d %v, %d %v", len(forth.Entries), forth.Complete, len(back.Entries), back.Complete)
	}
}

// A message that makes room between the two looks at an archive is not on the page;
// those behind it are.
func TestPageWhileTheOldestGo(t *testing.T) {
	looks := 0
	shrinking := func(from uint64, yield func(Stored) bool) {
		if looks++; looks > 1 {
			from = max(from, 9) // clocks 5 and 7 are gone
		}
		shelf()(from, yield)
	}
	p, ok := Pick(shrinking, 0, Query{Max: 4})
	if !ok || len(p.Entries) != 2 || p.Entries[0].ID != id(2) || p.Entries[1].ID != id(3) {
		t.Errorf("%v %+v", ok, p)
	}
	looks = 0
	if p, ok := Pick(shrinking, 0, Query{Max: 2}); !ok || len(p.Entries) != 0 {
		t.Errorf("%v %+v", ok, p)
	}
}

func query(inner string) []byte {
	return []byte("<iq type='set' id='1'><query xmlns='urn:xmpp:mam:2' queryid='f'>" + inner + "</query></iq>")
}

func fields(pairs ...string) string {
	f := stanza.Form{Type: "submit", About: NS}
	for i := 0; i < len(pairs); i += 2 {
		f.Fields = append(f.Fields, stanza.Field{Var: pairs[i], Values: []string{pairs[i+1]}})
	}
	return string(f.Append(nil))
}

// Queries as clients write them, and what is refused (§4.1, §4.3).
func TestQueries(t *testing.T) {
	at := time.Date(2010, 7, 10, 23, 8, 25, 0, time.UTC).UnixMilli()
	rsm := func(inner string) string { return "<set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set>" }
	for _, c := range []struct {
		inner   string
		want    Query
		refused stanza.Condition
	}{
		{"", Query{ID: "f", Max: -1}, ""},
		{fields("with", "Juliet@capulet.example", "start", "2010-07-10T23:08:25Z", "end", "2010-07-11T01:08:25.000+02:00"), Query{ID: "f", Max: -1, With: juliet, Start: at, End: at}, ""},
		{fields("before-id", "b", "after-id", "a", "ids", "i"), Query{ID: "f", Max: -1, BeforeID: "b", AfterID: "a", IDs: map[string]bool{"i": true}}, ""},
		{rsm("<max>10</max><after>x</after>") + "<flip-page/>", Query{ID: "f", Max: 10, After: "x", Flip: true}, ""},
		{rsm("<max>10</max><before/>"), Query{ID: "f", Max: 10, Before: before("")}, ""},
		{fields("with", "@"), Query{}, stanza.BadRequest},
		{fields("start", "yesterday"), Query{}, stanza.BadRequest},
		{fields("include-groupchat", "true"), Query{}, stanza.FeatureNotImplemented}, // §4.1.5
		{"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>other</value></field></x>", Query{}, stanza.BadRequest},
		{rsm("<max>-1</max>"), Query{}, stanza.BadRequest},
		{rsm("<index>3</index>"), Query{}, stanza.FeatureNotImplemented},
	} {
		q, refused := ReadQuery(query(c.inner))
		if d := cmp.Diff(c.want, q); refused != c.refused || refused == "" && d != "" {
			t.Errorf("%s: %q %s", c.inner, refused, d)
		}
	}
	if _, refused := ReadQuery([]byte("<iq type='set'><query xmlns='urn:xmpp:mam:2' node='n'/></iq>")); refused != stanza.FeatureNotImplemented {
		t.Errorf("a node's archive: %q", refused)
	}
}

// Which messages are kept (§6.1.1; XEP-0334 §4).
func TestWanted(t *testing.T) {
	for inner, want := range map[string]bool{
		"<body>x</body>": true, "": false, "<active xmlns='http://jabber.org/protocol/chatstates'/>": false, "<subject>x</subject>": false,
		"<body>x</body><no-store xmlns='urn:xmpp:hints'/>": false, "<body>x</body><no-permanent-store xmlns='urn:xmpp:hints'/>": false,
		"<composing xmlns='http://jabber.org/protocol/chatstates'/><store xmlns='urn:xmpp:hints'/>": true,
		"<received xmlns='urn:xmpp:receipts' id='1'/>":                                              true, "<request xmlns='urn:xmpp:receipts'/>": false,
		"<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>": true, "<encrypted xmlns='urn:xmpp:omemo:2'/>": true,
	} {
		if got := Wanted([]byte("<message>" + inner + "</message>")); got != want {
			t.Errorf("%s: %v", inner, got)
		}
	}
}

// Whose messages are kept (XEP-0441 §2).
func TestPreferences(t *testing.T) {
	u := &im.User{Items: map[string]im.Item{juliet: {Listed: true}, nurse: {}}}
	said := func(raw string) *im.User {
		p, refused := ReadPrefs([]byte("<iq type='set'>" + raw + "</iq>"))
		if refused != "" {
			t.Fatalf("%s: %s", raw, refused)
		}
		if got := string(AppendPrefs(nil, p)); got != raw {
			t.Errorf("%s is read as %s", raw, got)
		}
		return im.SetPrefs(u, p)
	}
	roster := said("<prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>" + nurse + "</jid></always><never><jid>" + juliet + "/balcony</jid></never></prefs>")
	for _, c := range []struct {
		u      *im.User
		with   string
		policy string
		want   bool
	}{
		{nil, juliet, im.Never, false}, {nil, juliet, im.Always, true}, {nil, juliet, im.Roster, false},
		{u, juliet + "/x", im.Roster, true}, {u, nurse, im.Roster, false},
		{roster, juliet + "/orchard", im.Never, true}, {roster, juliet + "/balcony", im.Never, false}, {roster, nurse + "/x", im.Never, true}, {roster, romeo, im.Always, false},
	} {
		if got := Keeps(c.u, c.with, Policy{Default: c.policy}); got != c.want {
			t.Errorf("%s by %s: %v", c.with, c.policy, got)
		}
	}
	for raw, want := range map[string]stanza.Condition{
		"<prefs xmlns='urn:xmpp:mam:2'/>":                                                                                stanza.BadRequest,
		"<prefs xmlns='urn:xmpp:mam:2' default='some'/>":                                                                 stanza.BadRequest,
		"<prefs xmlns='urn:xmpp:mam:2' default='never'><always><jid>@</jid></always></prefs>":                            stanza.JIDMalformed,
		"<prefs xmlns='urn:xmpp:mam:2' default='never'>" + strings.Repeat("<never><jid>a</jid></never>", 2) + "</prefs>": "",
	} {
		if p, refused := ReadPrefs([]byte("<iq>" + raw + "</iq>")); refused != want || len(p.Never) > 1 {
			t.Errorf("%s: %q", raw, refused)
		}
	}
}

// The name of a message is put in, and those that others made up are taken out
// (XEP-0359 §5), wherever they stand the same text inside of something else.
func TestNames(t *testing.T) {
	own := "<stanza-id xmlns='urn:xmpp:sid:0' by='" + romeo + "' id='1'/>"
	other := "<stanza-id xmlns='urn:xmpp:sid:0' by='room@muc.example' id='1'/>"
	nested := "<x xmlns='y'>" + own + "</x>"
	for raw, want := range map[string]string{
		"<message><body>x</body></message>":                                                                         "<message><body>x</body></message>",
		"<message>" + own + "<body>x</body>" + own + "</message>":                                                   "<message><body>x</body></message>",
		"<message>" + nested + own + "<body>x</body></message>":                                                     "<message>" + nested + "<body>x</body></message>",
		"<message>" + other + "<body/></message>":                                                                   "<message>" + other + "<body/></message>",
		"<message><a:stanza-id xmlns:a='urn:xmpp:sid:0' by='Romeo@Montague.example/x'/><body/></message>":           "<message><body/></message>",
		"<message><stanza-id xmlns='urn:xmpp:sid&#58;0' by='&#114;omeo@montague.example' id='1'/><body/></message>": "<message><body/></message>",
	} {
		if got := string(Identified([]byte(raw), romeo, "")); got != want {
			t.Errorf("%s\nis\n%s", raw, got)
		}
		named := strings.Replace(want, "</message>", "<stanza-id xmlns='urn:xmpp:sid:0' by='"+romeo+"' id='9'/></message>", 1)
		if got := string(Identified([]byte(raw), romeo, "9")); got != named {
			t.Errorf("%s\nis\n%s", raw, got)
		}
	}
	a, b := Name("c1", 7, [16]byte{1}, 1), Name("c1", 8, [16]byte{1}, 1)
	if a == b || len(a) != 24 || Name("c1", 7, [16]byte{1}, 1) != a || Name("c2", 7, [16]byte{1}, 1) == a {
		t.Errorf("%s %s", a, b)
	}
}

// What is stored is read again; what is not was not stored.
func TestValues(t *testing.T) {
	e := Entry{Clock: 7, ID: id(12), Time: 1234, With: juliet + "/balcony", Raw: []byte("<message/>")}
	got, err := Parse(7, e.AppendValue(nil))
	if d := cmp.Diff(e, got.Entry()); d != "" || err != nil {
		t.Errorf("%v %s", err, d)
	}
	for _, b := range [][]byte{nil, make([]byte, 19), append(make([]byte, 20), 200)} {
		if _, err := Parse(1, b); err == nil {
			t.Errorf("%x is read", b)
		}
	}
}

// The stanzas of an answer (§4.2, §5, §4.1.5).
func TestAnswers(t *testing.T) {
	e := Entry{ID: id(1), Time: 1278803305000, Raw: []byte("<message from='a' to='b'><body>x</body></message>")}
	if got := string(e.AppendResult(nil, "f27", romeo, romeo+"/x")); got != "<message from='"+romeo+"' to='"+romeo+"/x'><result xmlns='urn:xmpp:mam:2' queryid='f27' id='"+id(1)+
		"'><forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2010-07-10T23:08:25.000Z'/>"+
		"<message xmlns='jabber:client' from='a' to='b'><body>x</body></message></forwarded></result></message>" {
		t.Error(got)
	}
	p := Page{Entries: []Entry{{ID: "a"}, {ID: "b"}}, Count: 9, Index: 3, Complete: true}
	if got := string(p.Fin()); got != "<fin xmlns='urn:xmpp:mam:2' complete='true'><set xmlns='http://jabber.org/protocol/rsm'><first index='3'>a</first><last>b</last><count>9</count></set></fin>" {
		t.Error(got)
	}
	if list := p.Order(true); list[0].ID != "b" || p.Entries[0].ID != "a" {
		t.Error("a flipped page")
	}
	if got := string((Page{}).Fin()); got != "<fin xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><count>0</count></set></fin>" {
		t.Error(got)
	}
	if got := string(Metadata(shelf(), 2000)); got != "<metadata xmlns='urn:xmpp:mam:2'><start id='"+id(1)+"' timestamp='1970-01-01T00:00:02.000Z'/><end id='"+id(249)+"' timestamp='1970-01-01T00:04:10.000Z'/></metadata>" {
		t.Error(got)
	}
	if got := string(Metadata(scanOf(nil), 0)); got != "<metadata xmlns='urn:xmpp:mam:2'/>" {
		t.Error(got)
	}
	form, ok := stanza.ReadForm(xmlwire.Look(Fields(), nil))
	for _, name := range []string{"with", "start", "end", "before-id", "after-id", "ids"} {
		if _, there := form.Get(name); !there || !ok {
			t.Errorf("there is no %s", name)
		}
	}
}

// FuzzRead: queries and preferences of any bytes that stand alone, as all do that a
// stream hands on, are read or refused, and what is read of a message's names leaves a
// message.
func FuzzRead(f *testing.F) {
	f.Add(query(fields("with", juliet)))
	f.Add([]byte("<message><stanza-id xmlns='urn:xmpp:sid:0' by='" + romeo + "' id='1'/><body>x</body></message>"))
	f.Add([]byte("<A xmlns=''/>"))
	f.Add([]byte("<iq><prefs xmlns='urn:xmpp:mam:2' default='roster'><always><jid>a</jid></always></prefs></iq>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s := xmlwire.NewScanner(xmlwire.Limits{})
		var stanza []byte // without the white space before it
		scans := func(b []byte) bool {
			s.Restart()
			if _, _, err := s.Next([]byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")); err != nil {
				return false
			}
			ev, n, err := s.Next(b)
			stanza = ev.Raw
			return err == nil && ev.Kind == xmlwire.Stanza && n == len(b) && !ev.Header.Explicit && string(ev.Header.Space) == xmlwire.NSClient
		}
		if !scans(raw) {
			return
		}
		raw = stanza
		ReadQuery(raw)
		ReadPrefs(raw)
		Wanted(raw)
		if out := Identified(raw, romeo, id(1), juliet); !scans(out) {
			t.Errorf("%q became %q", raw, out)
		}
		if out := (Entry{ID: id(1), Raw: raw}).AppendResult(nil, "q", romeo, romeo); !scans(out) {
			t.Errorf("%q is carried by %q", raw, out)
		}
	})
}

// A query names no more messages than a page has: each is looked up.
func TestNamedMessagesAreBounded(t *testing.T) {
	for n, want := range map[int]stanza.Condition{maxIDs: "", maxIDs + 1: stanza.PolicyViolation} {
		var b strings.Builder
		b.WriteString("<iq type='set' id='1'><query xmlns='" + NS + "'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" + NS + "</value></field><field var='ids'>")
		for i := range n {
			fmt.Fprintf(&b, "<value>%x</value>", i)
		}
		b.WriteString("</field></x></query></iq>")
		if q, refused := ReadQuery([]byte(b.String())); refused != want || refused == "" && len(q.IDs) != n {
			t.Errorf("%d: %q, %d", n, refused, len(q.IDs))
		}
	}
}

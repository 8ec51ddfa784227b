package im

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/stanza"
)

func roster(set string) []byte {
	return []byte("<iq type='set' id='r' from='romeo@d/x'><query xmlns='jabber:iq:roster'>" + set + "</query></iq>")
}

// TestM5_2_RosterRequests is RFC 6121 §2.1.3, §2.1.5 and the errors of §2.3.3.
func TestM5_2_RosterRequests(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, c := range []struct {
		clause, inner string
		want          Query
		refused       stanza.Condition
	}{
		{"2.3.1", "<item jid='Nurse@D' name='Nurse &amp; Co'><group>Servants</group></item>",
			Query{Contact: "nurse@d", Name: "Nurse & Co", Groups: []string{"Servants"}}, ""},
		{"2.5.1", "<item jid='nurse@d' subscription='remove'/>", Query{Contact: "nurse@d", Remove: true}, ""},
		{"2.1.2.5", "<item jid='nurse@d' subscription='both' ask='subscribe' approved='true'/>", Query{Contact: "nurse@d"}, ""},
		{"2.1.5", "", Query{}, stanza.BadRequest},
		{"2.3.3", "<item jid='a@d'/><item jid='b@d'/>", Query{}, stanza.BadRequest},
		{"2.3.3", "<item jid='a@d'><group>A</group><group>A</group></item>", Query{Contact: "a@d", Groups: []string{"A", "A"}}, stanza.BadRequest},
		{"2.3.3", "<item jid='a@d' name='" + long + "'/>", Query{Contact: "a@d", Name: long}, stanza.NotAcceptable},
		{"2.3.3", "<item jid='a@d'><group/></item>", Query{Contact: "a@d", Groups: []string{""}}, stanza.NotAcceptable},
		{"2.3.3", "<item jid='a@d'><group>" + long + "</group></item>", Query{Contact: "a@d", Groups: []string{long}}, stanza.NotAcceptable},
		{"2.1.2.3", "<item/>", Query{}, stanza.BadRequest},
		{"2.1.2.3", "<item jid='@'/>", Query{}, stanza.BadRequest},
	} {
		q, ok, refused := DefaultLimits.ReadQuery(roster(c.inner))
		if d := cmp.Diff(c.want, q); !ok || refused != c.refused || d != "" {
			t.Errorf("§%s %.60s: refused %q, want %q; %s", c.clause, c.inner, refused, c.refused, d)
		}
	}
	get := "<iq type='get' id='r'><query xmlns='jabber:iq:roster' ver='7'/></iq>"
	if q, ok, _ := DefaultLimits.ReadQuery([]byte(get)); !ok || !q.Get || !q.HasVer || q.Ver != "7" {
		t.Errorf("§2.6.2: %+v", q)
	}
	get = strings.Replace(get, "/></iq>", "><item jid='a@d'/></query></iq>", 1)
	if _, _, refused := DefaultLimits.ReadQuery([]byte(get)); refused != stanza.BadRequest {
		t.Errorf("§2.1.3: a get with an item: %q", refused)
	}
	if _, ok, _ := DefaultLimits.ReadQuery([]byte("<iq type='get' id='r'><query xmlns='jabber:iq:private'/></iq>")); ok {
		t.Error("another request is taken for one of the roster")
	}
}

// set is Set where it must succeed.
func set(t *testing.T, index uint64, u *User, jid, name string, groups ...string) *User {
	t.Helper()
	u, out := DefaultLimits.Set(index, u, jid, name, groups)
	if out.Refused != "" {
		t.Fatal(out.Refused)
	}
	return u
}

// TestM5_2_RosterVersions is RFC 6121 §2.6.3: a client that knows a version gets
// what changed since, in order, or the whole roster.
func TestM5_2_RosterVersions(t *testing.T) {
	var u *User
	for i := range 6 {
		u = set(t, uint64(10+i), u, fmt.Sprintf("c%d@d", i), "")
	}
	u = set(t, 20, u, "c2@d", "Two", "A & B")
	u, _, out := DefaultLimits.Remove(21, u, "c3@d", nil, "romeo@d")
	if out.Refused != "" || len(out.Effects) != 0 {
		t.Fatalf("%+v", out)
	}
	pushes := func(ver string) (list []string, whole int) {
		a := Get(u, Query{Get: true, HasVer: ver != "-", Ver: ver}, "L")
		for _, p := range a.Pushes {
			list = append(list, string(p.Payload))
		}
		return list, strings.Count(string(a.Payload), "<item")
	}
	changed := []string{
		"<query xmlns='jabber:iq:roster' ver='L-20'><item jid='c2@d' name='Two' subscription='none'><group>A &amp; B</group></item></query>",
		"<query xmlns='jabber:iq:roster' ver='L-21'><item jid='c3@d' subscription='remove'/></query>",
	}
	for _, c := range []struct {
		ver    string
		pushes []string
		whole  int
	}{
		{"L-21", nil, 0}, {"L-20", changed[1:], 0}, {"L-15", changed, 0},
		{"L-10", nil, 5}, // more has changed than not
		{"", nil, 5}, {"-", nil, 5}, {"M-21", nil, 5}, {"L-22", nil, 5}, {"nonsense", nil, 5},
	} {
		list, whole := pushes(c.ver)
		if d := cmp.Diff(c.pushes, list); d != "" || whole != c.whole {
			t.Errorf("from %q: whole %d, want %d; %s", c.ver, whole, c.whole, d)
		}
	}
	if a := Get(nil, Query{Get: true}, "L"); string(a.Payload) != "<query xmlns='jabber:iq:roster' ver='L-0'></query>" {
		t.Errorf("§2.1.4: an empty roster: %s", a.Payload)
	}
	for i := range uint64(maxGone + 1) { // the removal of c3 is forgotten
		jid := fmt.Sprintf("g%d@d", i)
		u = set(t, 100+2*i, u, jid, "")
		u, _, _ = DefaultLimits.Remove(101+2*i, u, jid, nil, "romeo@d")
	}
	if list, whole := pushes("L-20"); len(list) != 0 || whole != 5 {
		t.Errorf("from before what is remembered: %d pushes, whole %d", len(list), whole)
	}
}

func TestRosterBounds(t *testing.T) {
	u := &User{Items: map[string]Item{}}
	for i := range DefaultLimits.Contacts {
		u.Items[fmt.Sprintf("c%d@d", i)] = Item{Listed: true}
	}
	if n, out := DefaultLimits.Set(1, u, "more@d", "", nil); out.Refused != stanza.ResourceConstraint || n != u {
		t.Errorf("%+v", out)
	}
	if _, out := DefaultLimits.Set(1, u, "c5@d", "known", nil); out.Refused != "" {
		t.Errorf("an item there is: %+v", out)
	}
	if n, _, e := DefaultLimits.Exchange(1, u, nil, Request{"romeo@d", "more@d", Subscribe, nil}); n != u || !e.Route {
		t.Error("a subscription made an item past the bound")
	}
	if _, n, e := DefaultLimits.Exchange(1, nil, u, Request{"more@d", "romeo@d", Subscribe, nil}); n != u || e.Deliver {
		t.Error("a request past the bound was kept")
	}
}

// TestM5_2_Handshake is RFC 6121 §3.1 to §3.3 over both rosters.
func TestM5_2_Handshake(t *testing.T) {
	var romeo, juliet *User
	step := func(index uint64, fromRomeo bool, typ Type) (e Effects) {
		if fromRomeo {
			romeo, juliet, e = DefaultLimits.Exchange(index, romeo, juliet, Request{"romeo@d", "juliet@d", typ, []byte("raw")})
		} else {
			juliet, romeo, e = DefaultLimits.Exchange(index, juliet, romeo, Request{"juliet@d", "romeo@d", typ, []byte("raw")})
		}
		return e
	}
	for i, c := range []struct {
		romeo          bool
		typ            Type
		want           Effects
		atRomeo, atJul State
	}{
		{true, Subscribe, Effects{Route: true, Deliver: true, UserPush: true}, PendingOut, PendingIn},
		{true, Subscribe, Effects{Route: true}, PendingOut, PendingIn}, // §3.1.3: not twice
		{false, Subscribed, Effects{Route: true, Deliver: true, UserPush: true, ContactPush: true, ShowUser: true}, To, From},
		{true, Subscribe, Effects{Route: true, Reply: Subscribed}, To, From},
		{false, Subscribe, Effects{Route: true, Deliver: true, UserPush: true}, To | PendingIn, From | PendingOut},
		{true, Subscribed, Effects{Route: true, Deliver: true, UserPush: true, ContactPush: true, ShowUser: true}, Both, Both},
		{true, Unsubscribe, Effects{Route: true, Deliver: true, UserPush: true, ContactPush: true, Reply: Unsubscribed, HideContact: true}, From, To},
		{true, Unsubscribed, Effects{Route: true, Deliver: true, UserPush: true, ContactPush: true, HideUser: true}, None, None},
		{true, Unsubscribed, Effects{}, None, None}, // §3.2.2 rule 1
	} {
		e := step(uint64(i+1), c.romeo, c.typ)
		c.want.Type = c.typ
		if d := cmp.Diff(c.want, e); d != "" {
			t.Errorf("step %d, %s: %s", i, c.typ, d)
		}
		if r, j := romeo.Contact("juliet@d").State, juliet.Contact("romeo@d").State; r != c.atRomeo || j != c.atJul {
			t.Errorf("step %d, %s: romeo %05b, juliet %05b", i, c.typ, r, j)
		}
	}
}

// A request is noted outside the roster (§3.1.3), kept until it is answered, and
// gone when it is withdrawn (§3.3.3) or refused (§3.2.2).
func TestM5_2_RequestsWait(t *testing.T) {
	for _, answer := range []struct {
		romeo  bool
		typ    Type
		listed bool
	}{{false, Subscribed, true}, {false, Unsubscribed, false}, {true, Unsubscribe, false}} {
		romeo, juliet, _ := DefaultLimits.Exchange(1, nil, nil, Request{"romeo@d", "juliet@d", Subscribe, []byte("please")})
		it := juliet.Contact("romeo@d")
		if it.Listed || string(it.Request) != "please" || juliet.Ver != 0 {
			t.Fatalf("noted as %+v", it)
		}
		if answer.romeo {
			_, juliet, _ = DefaultLimits.Exchange(2, romeo, juliet, Request{"romeo@d", "juliet@d", answer.typ, nil})
		} else {
			juliet, _, _ = DefaultLimits.Exchange(2, juliet, romeo, Request{"juliet@d", "romeo@d", answer.typ, nil})
		}
		it, there := juliet.Items["romeo@d"]
		if there != answer.listed || it.Listed != answer.listed || it.Request != nil {
			t.Errorf("after %s: %v %+v", answer.typ, there, it)
		}
	}
}

// TestM5_2_RosterRemoval is RFC 6121 §2.5.2: both subscriptions end.
func TestM5_2_RosterRemoval(t *testing.T) {
	romeo := &User{Ver: 1, Items: map[string]Item{"juliet@d": {State: Both, Listed: true}}}
	juliet := &User{Ver: 1, Items: map[string]Item{"romeo@d": {State: Both, Listed: true}}}
	r, j, out := DefaultLimits.Remove(9, romeo, "juliet@d", juliet, "romeo@d")
	want := []Effects{
		{Type: Unsubscribe, Route: true, Deliver: true, ContactPush: true, Reply: Unsubscribed, HideContact: true},
		{Type: Unsubscribed, Route: true, Deliver: true, ContactPush: true, HideUser: true},
	}
	if d := cmp.Diff(want, out.Effects); d != "" {
		t.Error(d)
	}
	if len(r.Items) != 0 || r.Gone["juliet@d"] != 9 || j.Contact("romeo@d").State != None || !j.Contact("romeo@d").Listed {
		t.Errorf("romeo %+v, juliet %+v", r, j)
	}
	if len(romeo.Items) != 1 || juliet.Items["romeo@d"].State != Both {
		t.Error("the values given were changed")
	}
	if _, _, out := DefaultLimits.Remove(10, r, "juliet@d", j, "romeo@d"); out.Refused != stanza.ItemNotFound { // §2.5.3
		t.Errorf("again: %+v", out)
	}
	if string(PushOf(r, "juliet@d", "L").Payload) != "<query xmlns='jabber:iq:roster' ver='L-9'><item jid='juliet@d' subscription='remove'/></query>" {
		t.Errorf("%s", PushOf(r, "juliet@d", "L").Payload)
	}
}

// Groups past the bound are not read: each is compared with the others (RFC 6121 §2.3.3).
func TestManyGroups(t *testing.T) {
	var b strings.Builder
	for i := range 10 * DefaultLimits.Groups {
		fmt.Fprintf(&b, "<group>%04x</group>", i)
	}
	q, _, refused := DefaultLimits.ReadQuery([]byte("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='a@b'>" + b.String() + "</item></query></iq>"))
	if refused != stanza.NotAcceptable || len(q.Groups) != DefaultLimits.Groups+1 {
		t.Errorf("%q, %d groups", refused, len(q.Groups))
	}
}

// A roster is never larger than what a stream takes at once, however its bytes come
// together: names, groups, addresses, requests. What makes it smaller is done.
func TestRosterBytes(t *testing.T) {
	var groups []string
	for i := range DefaultLimits.Groups {
		groups = append(groups, fmt.Sprint(i)+strings.Repeat("&", 1000))
	}
	var u *User
	var out Outcome
	n := 0
	for ; out.Refused == "" && n < DefaultLimits.Contacts; n++ {
		u, out = DefaultLimits.Set(uint64(n+1), u, fmt.Sprintf("c%d@d", n), "", groups)
	}
	if out.Limit != LimitRoster || n == DefaultLimits.Contacts {
		t.Errorf("%d contacts: %+v", n, out)
	}
	if size := len(Get(u, Query{Get: true}, "l").Payload); size > DefaultLimits.Roster+100 {
		t.Errorf("a roster of %d bytes", size)
	}
	smaller := DefaultLimits
	smaller.Roster = 1000
	if _, out := smaller.Set(99, u, "c0@d", "", groups[:1]); out.Refused != "" {
		t.Errorf("fewer groups: %+v", out)
	}
	request := func(u *User, from string, size int) *User {
		_, u, _ = DefaultLimits.Exchange(100, Absent, u, Request{From: from, To: "a@d", Type: Subscribe, Raw: make([]byte, size)})
		return u
	}
	v, known := request(nil, "x@d", 10), DefaultLimits.Roster/4000
	for i := range 2 * known {
		v = request(v, fmt.Sprintf("c%d@d", i), 4000)
	}
	if len(v.Items) > known || v.weight() > DefaultLimits.Roster {
		t.Errorf("%d requests of %d bytes", len(v.Items), v.weight())
	}
	if v, _, _ = DefaultLimits.Exchange(101, v, Absent, Request{From: "a@d", To: strings.Repeat("y", 3000) + "@d", Type: Subscribe}); len(v.Items) > known {
		t.Error("a contact more")
	}
	var long []string
	for i := range DefaultLimits.Blocked {
		long = append(long, fmt.Sprintf("a@b/%03d%s", i, strings.Repeat("r", 1000)))
	}
	if _, out := DefaultLimits.Block(nil, long); out.Limit != LimitRoster {
		t.Errorf("a block list: %+v", out)
	}
}

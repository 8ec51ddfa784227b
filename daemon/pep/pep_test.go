package pep

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

const (
	juliet = "juliet@capulet.example"
	romeo  = "romeo@montague.example"
)

var limits = im.DefaultLimits

var owner = Viewer{Owner: true, Addr: juliet}

func contact(state im.State, groups ...string) Viewer {
	return Viewer{Addr: romeo, Contact: im.Item{State: state, Groups: groups}}
}

func field(name string, values ...string) stanza.Field {
	return stanza.Field{Var: "pubsub#" + name, Values: values}
}

func publish(node, id, payload string, options ...stanza.Field) Change {
	return Change{Act: Publish, Node: node, Item: Item{ID: id, Raw: []byte(payload)}, Options: options}
}

// after applies changes of the owner that have to succeed.
func after(t *testing.T, s *Service, list ...Change) *Service {
	t.Helper()
	for _, c := range list {
		next, out := s.Apply(1, c, owner, limits)
		if out.Refused != "" {
			t.Fatalf("%+v: %+v", c, out)
		}
		s = next
	}
	return s
}

// shown lists the items of a node.
func shown(s *Service, node string) (list []string) {
	for _, it := range s.Node(node).Items {
		list = append(list, it.ID+"="+string(it.Raw))
	}
	return list
}

// The access models of XEP-0060 §4.5 and what XEP-0163 §5 has for default: who
// may see a node, and what the others are told (§6.5.9).
func TestAccess(t *testing.T) {
	s := after(t, nil, publish("n", "1", "<a/>"), publish("open", "1", "<a/>", field("access_model", Open)),
		publish("group", "1", "<a/>", field("access_model", Roster), field("roster_groups_allowed", "Friends", "Kin")),
		publish("list", "1", "<a/>", field("access_model", Whitelist)),
		Change{Act: Affiliate, Node: "list", Peers: map[string]string{romeo: Member}},
		publish("shut", "1", "<a/>", field("access_model", Whitelist)),
		publish("barred", "1", "<a/>", field("access_model", Open)),
		Change{Act: Affiliate, Node: "barred", Peers: map[string]string{romeo: Outcast}})
	stranger, friend, onlyTo := contact(im.None), contact(im.From, "Friends"), contact(im.To)
	for _, c := range []struct {
		node string
		v    Viewer
		want string
	}{
		{"n", owner, ""}, {"n", friend, ""}, {"n", stranger, "not-authorized presence-subscription-required"},
		{"n", onlyTo, "not-authorized presence-subscription-required"},
		{"open", stranger, ""}, {"open", friend, ""},
		{"group", friend, ""}, {"group", contact(im.Both), "not-authorized not-in-roster-group"},
		{"group", stranger, "not-authorized presence-subscription-required"},
		{"list", friend, ""}, {"list", owner, ""}, {"list", stranger, ""}, // §4.5: the list is all that counts
		{"shut", stranger, "not-authorized presence-subscription-required"}, {"shut", friend, "not-allowed closed-node"}, {"shut", owner, ""},
		{"barred", stranger, "forbidden "}, {"barred", friend, "forbidden "}, {"barred", owner, ""},
		{"none", owner, "item-not-found "}, {"none", friend, "item-not-found "},
		{"none", stranger, "not-authorized presence-subscription-required"}, // as of one that is there
	} {
		got := ""
		if r := s.Node(c.node).Refuses(c.v); r != nil {
			got = string(r.Condition) + " " + r.Detail
		}
		if got != c.want {
			t.Errorf("%s for %+v: %q, want %q", c.node, c.v, got, c.want)
		}
	}
	if s.Visible(contact(im.None)) != true || (&Service{}).Visible(stranger) || !(&Service{}).Visible(friend) {
		t.Error("who is told that there is such an account")
	}
}

// Items are in the order of publication, and only so many are kept (XEP-0060
// §13.1, XEP-0163 §3).
func TestItems(t *testing.T) {
	s := after(t, nil, publish("one", "a", "<a/>"), publish("one", "b", "<b/>"))
	if d := cmp.Diff([]string{"b=<b/>"}, shown(s, "one")); d != "" {
		t.Error("by default one item stays", d)
	}
	s = after(t, s, Change{Act: Create, Node: "many", Options: []stanza.Field{field("max_items", "3")}},
		publish("many", "1", "<a/>"), publish("many", "2", "<a/>"), publish("many", "3", "<a/>"), publish("many", "1", "<b/>"), publish("many", "4", "<a/>"))
	if d := cmp.Diff([]string{"3=<a/>", "1=<b/>", "4=<a/>"}, shown(s, "many")); d != "" {
		t.Error("what is published again is the newest", d)
	}
	before := shown(s, "many")
	next := after(t, s, Change{Act: Retract, Node: "many", Items: []string{"1"}})
	if d := cmp.Diff([]string{"3=<a/>", "4=<a/>"}, shown(next, "many")); d != "" {
		t.Error("retracted", d)
	}
	if next = after(t, next, Change{Act: Configure, Node: "many", Options: []stanza.Field{field("max_items", "1")}}); len(shown(next, "many")) != 1 {
		t.Error("a smaller bound keeps the newest")
	}
	if next = after(t, next, Change{Act: Purge, Node: "many"}); len(next.Node("many").Items) != 0 {
		t.Error("purged")
	}
	if next = after(t, next, Change{Act: Delete, Node: "many"}); next.Node("many") != nil {
		t.Error("deleted")
	}
	if d := cmp.Diff(before, shown(s, "many")); d != "" {
		t.Error("a change wrote to what it was given", d)
	}
}

// What XEP-0060 has a service refuse.
func TestRefusals(t *testing.T) {
	s := after(t, nil, publish("n", "1", "<a/>"))
	many := &Service{Nodes: map[string]*Node{}}
	for i := range limits.Nodes {
		many.Nodes[fmt.Sprint(i)] = &Node{Config: Default()}
	}
	big := after(t, nil, publish("n", "1", strings.Repeat("x", limits.Payload), field("max_items", "max")))
	for i := range limits.Items/limits.Payload - 1 {
		big = after(t, big, publish("n", fmt.Sprint("more", i), strings.Repeat("x", limits.Payload)))
	}
	friend := contact(im.From)
	for _, c := range []struct {
		name   string
		s      *Service
		change Change
		v      Viewer
		want   string
	}{
		{"§7.1.3.1: another's", s, publish("n", "2", "<a/>"), friend, "forbidden "},
		{"§8.1.2: it is there", s, Change{Act: Create, Node: "n"}, owner, "conflict "},
		{"§8.1.3: no such option", s, Change{Act: Create, Node: "m", Options: []stanza.Field{field("no_such")}}, owner, "not-acceptable "},
		{"§7.1.5: the node is set up otherwise", s, publish("n", "2", "<a/>", field("access_model", Open)), owner, "conflict precondition-not-met"},
		{"§7.1.5: a field that is not known", s, publish("n", "2", "<a/>", field("no_such", "1")), owner, "conflict precondition-not-met"},
		{"§7.1.5: the same of a new node", nil, publish("n", "2", "<a/>", field("no_such", "1")), owner, "conflict precondition-not-met"},
		{"§7.1.5: it is as expected", s, publish("n", "2", "<a/>", field("access_model", Presence), field("persist_items", "true")), owner, ""},
		{"§7.2.3.2: no such item", s, Change{Act: Retract, Node: "n", Items: []string{"9"}}, owner, "item-not-found "},
		{"§8.4.3.2: no such node", s, Change{Act: Delete, Node: "m"}, owner, "item-not-found "},
		{"§8.5.3.4: no such node", s, Change{Act: Purge, Node: "m"}, owner, "item-not-found "},
		{"§8.2.3.5: no such node", s, Change{Act: Configure, Node: "m"}, owner, "item-not-found "},
		{"§8.9.2: a publisher", s, Change{Act: Affiliate, Node: "n", Peers: map[string]string{romeo: "publisher"}}, owner, "not-acceptable "},
		{"§6.1.3.2: a stranger", s, Change{Act: Subscribe, Node: "n", Subscriber: romeo}, contact(im.None), "not-authorized presence-subscription-required"},
		{"§6.2.3.2: who has not subscribed", s, Change{Act: Unsubscribe, Node: "n", Subscriber: romeo}, friend, "unexpected-request not-subscribed"},
		{"too many nodes", many, Change{Act: Create, Node: "n"}, owner, "resource-constraint "},
		{"too many bytes", big, publish("n", "last", strings.Repeat("x", limits.Payload)), owner, "resource-constraint "},
	} {
		next, out := c.s.Apply(1, c.change, c.v, limits)
		if got := string(out.Refused) + " " + out.Detail; strings.TrimSpace(got) != strings.TrimSpace(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if out.Refused != "" && next != c.s {
			t.Errorf("%s: what is refused changed the service", c.name)
		}
	}
}

// TestLimits: what is at its limit gives way or is refused, and the outcome names it.
func TestLimits(t *testing.T) {
	small := limits
	small.Kept, small.Peers = 2, 1
	s := after(t, nil, publish("max", "1", "<a/>", field("max_items", "max"), field("access_model", Open)), publish("one", "1", "<a/>"))
	for i, c := range []struct {
		change Change
		v      Viewer
		want   string
	}{
		{publish("max", "2", "<a/>"), owner, ""},
		{publish("max", "2", "<b/>"), owner, ""}, // takes its own place
		{publish("max", "3", "<a/>"), owner, im.LimitKept},
		{publish("one", "2", "<a/>"), owner, ""}, // its owner wants one
		{Change{Act: Subscribe, Node: "max", Subscriber: romeo}, contact(im.From), ""},
		{Change{Act: Subscribe, Node: "max", Subscriber: romeo + "/x"}, contact(im.From), im.LimitPeers},
		{Change{Act: Affiliate, Node: "max", Peers: map[string]string{"a@b": Outcast, "c@d": Outcast}}, owner, im.LimitPeers},
	} {
		next, out := s.Apply(uint64(i), c.change, c.v, small)
		if out.Limit != c.want {
			t.Errorf("%d: %+v, want %q", i, out, c.want)
		}
		s = next
	}
	if got := s.Node("max").Items; len(got) != 2 || got[0].ID != "2" || got[1].ID != "3" {
		t.Errorf("%+v", got)
	}
}

// A subscription by request (XEP-0060 §6.1, §6.2), and an account that goes.
func TestSubscribers(t *testing.T) {
	s := after(t, nil, publish("n", "1", "<a/>", field("access_model", Open)))
	for _, addr := range []string{romeo, romeo + "/orchard"} {
		next, out := s.Apply(7, Change{Act: Subscribe, Node: "n", Subscriber: addr}, contact(im.None), limits)
		if out.Refused != "" {
			t.Fatal(out)
		}
		s = next
	}
	many, refused := s, 0
	for i := range maxOfOne { // some more than it may have, at other addresses
		next, out := many.Apply(8, Change{Act: Subscribe, Node: "n", Subscriber: fmt.Sprint(romeo, "/", i)}, contact(im.None), limits)
		if many = next; out.Refused == stanza.PolicyViolation {
			refused++
		}
	}
	if _, out := many.Apply(8, Change{Act: Subscribe, Node: "n", Subscriber: juliet}, contact(im.None), limits); refused != 2 || out.Refused != "" {
		t.Errorf("%d of one account's are refused, another's: %+v", refused, out)
	}
	list, _ := s.Answer(Request{Look: MySubscriptions}, contact(im.None), romeo)
	if want := "<pubsub xmlns='http://jabber.org/protocol/pubsub'><subscriptions><subscription node='n' jid='" + romeo + "' subscription='subscribed'/>" +
		"<subscription node='n' jid='" + romeo + "/orchard' subscription='subscribed'/></subscriptions></pubsub>"; string(list) != want {
		t.Errorf("%s", list)
	}
	if gone := s.Without(romeo); !s.Knows(romeo) || gone.Knows(romeo) || len(s.Node("n").Subscribers) != 2 {
		t.Error("an account that goes is still there")
	}
	next, out := s.Apply(8, Change{Act: Unsubscribe, Node: "n", Subscriber: romeo}, contact(im.None), limits)
	if out.Refused != "" || len(next.Node("n").Subscribers) != 1 {
		t.Errorf("%+v %+v", out, next.Node("n"))
	}
	if next = after(t, next, Change{Act: Dismiss, Node: "n", Peers: map[string]string{romeo + "/orchard": "none"}}); len(next.Node("n").Subscribers) != 0 {
		t.Error("dismissed")
	}
}

func iq(typ, inner string) []byte {
	return []byte("<iq type='" + typ + "' id='1' from='" + juliet + "/balcony'>" + inner + "</iq>")
}

func pubsub(inner string) string { return "<pubsub xmlns='" + NS + "'>" + inner + "</pubsub>" }
func ofOwner(inner string) string {
	return "<pubsub xmlns='" + NSOwner + "'>" + inner + "</pubsub>"
}

// Requests that break a rule of XEP-0060, with the condition and its detail.
func TestRequests(t *testing.T) {
	form := func(about string) string {
		return "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" + about + "</value></field></x>"
	}
	for _, c := range []struct{ typ, inner, want string }{
		{"set", pubsub(""), "bad-request "},
		{"get", pubsub("<publish node='n'/>"), "bad-request "},
		{"set", pubsub("<publish node='n'/>"), "bad-request item-required"},
		{"set", pubsub("<publish node='n'><item/><item/></publish>"), "bad-request invalid-payload"},
		{"set", pubsub("<publish node='n'><item/></publish>"), "bad-request payload-required"},
		{"set", pubsub("<publish node='n'><item><a xmlns='x'/><b xmlns='x'/></item></publish>"), "bad-request invalid-payload"},
		{"set", pubsub("<publish><item><a xmlns='x'/></item></publish>"), "bad-request nodeid-required"},
		{"set", pubsub("<publish node='n'><item><a xmlns='x'>" + strings.Repeat("x", limits.Payload) + "</a></item></publish>"), "not-acceptable payload-too-big"},
		{"set", pubsub("<publish node='n'><item><a xmlns='x'/></item></publish><publish-options>" + form("other") + "</publish-options>"), "bad-request "},
		{"set", pubsub("<publish node='" + strings.Repeat("n", MaxName+1) + "'><item><a xmlns='x'/></item></publish>"), "not-acceptable "},
		{"set", pubsub("<retract node='n'/>"), "bad-request item-required"},
		{"set", pubsub("<retract><item id='1'/></retract>"), "bad-request nodeid-required"},
		{"set", pubsub("<subscribe node='n' jid='" + romeo + "'/>"), "bad-request invalid-jid"},
		{"set", pubsub("<unsubscribe node='n' jid='" + romeo + "'/>"), "forbidden "},
		{"get", pubsub("<items/>"), "bad-request nodeid-required"},
		{"get", pubsub("<items node='n' max_items='0'/>"), "bad-request "},
		{"get", pubsub("<options node='n'/>"), "feature-not-implemented unsupported"},
		{"get", pubsub("<default/>"), "feature-not-implemented unsupported"},
		{"get", ofOwner("<configure/>"), "bad-request nodeid-required"},
		{"set", ofOwner("<delete/>"), "bad-request nodeid-required"},
		{"set", ofOwner("<affiliations node='n'><affiliation jid='@'/></affiliations>"), "bad-request "},
	} {
		_, r := Read(iq(c.typ, c.inner), Context{Sender: juliet})
		if r == nil || string(r.Condition)+" "+r.Detail != c.want {
			t.Errorf("%.200s: %+v, want %s", c.inner, r, c.want)
		}
	}
}

// What is read of the requests that are right.
func TestReads(t *testing.T) {
	at := Context{Sender: juliet, ID: "made", Time: 5}
	for _, c := range []struct {
		typ, inner string
		want       Request
	}{
		{"set", "<p:pubsub xmlns:p='" + NS + "' xmlns:y='Y'><p:publish node='n'><p:item><y:a><b/></y:a></p:item></p:publish></p:pubsub>",
			Request{Change: Change{Act: Publish, Node: "n", Item: Item{ID: "made", Time: 5, Raw: []byte("<y:a xmlns:y='Y'><b/></y:a>")}}}},
		{"set", pubsub("<publish node='n'><item id='x'><a/></item></publish>"),
			Request{Change: Change{Act: Publish, Node: "n", Item: Item{ID: "x", Time: 5, Raw: []byte("<a xmlns='" + NS + "'/>")}}}},
		{"set", pubsub("<publish node='n'><item id='x'><a xmlns='A'/></item></publish><publish-options><x xmlns='jabber:x:data' type='submit'>" +
			"<field var='FORM_TYPE'><value>" + publishOptions + "</value></field><field var='pubsub#access_model'><value>open</value></field></x></publish-options>"),
			Request{Change: Change{Act: Publish, Node: "n", Item: Item{ID: "x", Time: 5, Raw: []byte("<a xmlns='A'/>")}, Options: []stanza.Field{field("access_model", "open")}}}},
		{"set", pubsub("<retract node='n' notify='true'><item id='x'/></retract>"), Request{Change: Change{Act: Retract, Node: "n", Items: []string{"x"}}, Notify: true}},
		{"set", pubsub("<create/>"), Request{Change: Change{Act: Create, Node: "made"}}},
		{"set", pubsub("<subscribe node='n' jid='Juliet@capulet.example/x'/>"), Request{Change: Change{Act: Subscribe, Node: "n", Subscriber: juliet + "/x"}}},
		{"get", pubsub("<items node='n' max_items='2'><item id='x'/></items>"), Request{Change: Change{Node: "n"}, Look: Items, Max: 2, IDs: []string{"x"}}},
		{"get", ofOwner("<configure node='n'/>"), Request{Change: Change{Node: "n"}, Look: Configuration}},
		{"set", ofOwner("<configure node='n'><x xmlns='jabber:x:data' type='cancel'/></configure>"), Request{Change: Change{Act: Configure, Node: "n"}}},
		{"set", ofOwner("<affiliations node='n'><affiliation jid='" + romeo + "/x' affiliation='member'/></affiliations>"),
			Request{Change: Change{Act: Affiliate, Node: "n", Peers: map[string]string{romeo: Member}}}},
	} {
		q, r := Read(iq(c.typ, c.inner), at)
		if d := cmp.Diff(c.want, q); d != "" || r != nil {
			t.Errorf("%s: %+v %s", c.inner, r, d)
		}
	}
}

// The configuration form says what it takes (XEP-0060 §8.2).
func TestConfigurationForm(t *testing.T) {
	c, ok := Default().With([]stanza.Field{field("access_model", Roster), field("roster_groups_allowed", "b", "a"), field("max_items", "max"),
		field("persist_items", "0"), field("send_last_published_item", "never"), field("notify_retract", "false"), field("deliver_payloads", "0"),
		field("notify_delete", "0"), field("title", "T"), field("type", "urn:t"), field("notification_type", "headline")})
	if !ok || c.Max != asMany || c.keeps(limits.Kept) != 1 {
		t.Fatalf("%+v", c)
	}
	f := c.Form()
	again, ok := Default().With(f.Fields)
	if d := cmp.Diff(c, again); d != "" || !ok {
		t.Errorf("%v %s", ok, d)
	}
	f.Type = "submit"
	parsed, ok := stanza.ReadForm(xmlwire.Look(append(f.Append([]byte("<y>")), "</y>"...), nil))
	if met, known := c.Meets(parsed.Fields); !ok || !met || !known {
		t.Error("the form does not say what the node is")
	}
	for _, wrong := range []stanza.Field{field("access_model", "authorize"), field("max_items", "0"), field("max_items", "x"),
		field("persist_items", "yes"), field("notification_type", "normal"), field("send_last_published_item", "always"), {Var: "other"}} {
		if _, ok := c.With([]stanza.Field{wrong}); ok {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

// The stanzas that tell what happened (XEP-0060 §7.1.2, §7.2.2, §8.4.2, §8.5.2).
func TestEvents(t *testing.T) {
	node := &Node{Config: Default(), Items: []Item{{ID: "1", Raw: []byte("<a/>"), Time: 1000}}}
	const head = "<message type='headline' from='" + juliet + "' to='" + romeo + "/x' id='i'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
	silent, bare, quiet := *node, *node, *node
	silent.Config.Silent, bare.Config.Bare, quiet.Config.QuietRetract, quiet.Config.AnnounceDrop = true, true, true, false
	item := Change{Act: Publish, Node: "n", Item: node.Items[0]}
	drop := Request{Change: Change{Act: Retract, Node: "n", Items: []string{"1"}}}
	told := drop
	told.Notify = true
	for _, c := range []struct {
		q    Request
		node *Node
		want string
	}{
		{Request{Change: item}, node, "<items node='n'><item id='1'><a/></item></items>"},
		{Request{Change: item}, &bare, "<items node='n'><item id='1'/></items>"},
		{Request{Change: item}, &silent, ""},
		{drop, node, "<items node='n'><retract id='1'/></items>"},
		{drop, &quiet, ""},
		{told, &quiet, "<items node='n'><retract id='1'/></items>"},
		{Request{Change: Change{Act: Purge, Node: "n"}}, node, "<purge node='n'/>"},
		{Request{Change: Change{Act: Delete, Node: "n"}}, Kept(node.Keep()), "<delete node='n'/>"},
		{Request{Change: Change{Act: Delete, Node: "n"}}, &quiet, ""},
		{Request{Change: Change{Act: Configure, Node: "n"}}, node, ""},
		{Request{Change: Change{Act: Delete, Node: "n"}}, Kept(nil), ""},
	} {
		e, ok := EventOf(c.q, c.node, juliet)
		got := ""
		if ok {
			got = string(e.Append(nil, romeo+"/x", "i"))
		}
		if want := head + c.want + "</event></message>"; ok != (c.want != "") || ok && got != want {
			t.Errorf("%s: %s", c.q.Act, got)
		}
	}
	e, ok := node.LastEvent("n", juliet, true)
	if got := string(e.Append(nil, romeo+"/x", "i")); !ok || got != head+"<items node='n'><item id='1'><a/></item></items></event>"+
		"<delay xmlns='urn:xmpp:delay' stamp='1970-01-01T00:00:01.000Z'/></message>" {
		t.Errorf("last: %s", got)
	}
	if _, ok := silent.LastEvent("n", juliet, true); ok {
		t.Error("a silent node")
	}
	for last, want := range map[string][2]bool{never: {false, false}, onSub: {false, true}, onSubPresence: {true, true}} {
		node.Config.Last = last
		_, presence := node.LastEvent("n", juliet, true)
		_, sub := node.LastEvent("n", juliet, false)
		if presence != want[0] || sub != want[1] {
			t.Errorf("%s: %v %v", last, presence, sub)
		}
	}
}

// The answers to looks, and to whom they are refused.
func TestAnswers(t *testing.T) {
	s := after(t, nil, publish("n", "1", "<a/>", field("max_items", "9")), publish("n", "2", "<b/>"), publish("n", "3", "<c/>"),
		Change{Act: Affiliate, Node: "n", Peers: map[string]string{romeo: Member}}, publish("shut", "1", "<a/>", field("access_model", Whitelist)))
	friend := contact(im.From)
	for _, c := range []struct {
		q    Request
		v    Viewer
		want string
	}{
		{Request{Change: Change{Node: "n"}, Look: Items}, friend, "<items node='n'><item id='1'><a/></item><item id='2'><b/></item><item id='3'><c/></item></items></pubsub>"},
		{Request{Change: Change{Node: "n"}, Look: Items, Max: 2}, friend, "<items node='n'><item id='2'><b/></item><item id='3'><c/></item></items>"},
		{Request{Change: Change{Node: "n"}, Look: Items, IDs: []string{"2"}}, owner, "<items node='n'><item id='2'><b/></item></items>"},
		{Request{Change: Change{Node: "shut"}, Look: Items}, friend, "not-allowed"},
		{Request{Change: Change{Node: "n"}, Look: Configuration}, friend, "forbidden"},
		{Request{Change: Change{Node: "n"}, Look: Configuration}, owner, "<field var='pubsub#max_items' type='text-single'><value>9</value></field>"},
		{Request{Look: Defaults}, owner, "<default><x xmlns='jabber:x:data' type='form'>"},
		{Request{Look: MyAffiliations}, friend, "<affiliations><affiliation node='n' affiliation='member'/></affiliations>"},
		{Request{Look: MyAffiliations}, owner, "<affiliation node='n' affiliation='owner'/><affiliation node='shut' affiliation='owner'/>"},
		{Request{Change: Change{Node: "n"}, Look: Affiliations}, owner, "<affiliation jid='" + romeo + "' affiliation='member'/>"},
		{Request{Change: Change{Node: "n"}, Look: Subscribers}, friend, "forbidden"},
	} {
		b, r := s.Answer(c.q, c.v, c.v.Addr)
		if r != nil {
			b = []byte(r.Condition)
		}
		if !strings.Contains(string(b), c.want) {
			t.Errorf("%s %s: %s, want %s", c.q.Look, c.q.Node, b, c.want)
		}
	}
	if got := string(s.Listed("", juliet, friend)); !strings.Contains(got, "node='n'") || strings.Contains(got, "shut") {
		t.Errorf("a contact sees %s", got)
	}
	if got := string(s.Node("n").Info("n")); !strings.Contains(got, "<identity category='pubsub' type='leaf'/>") || !strings.Contains(got, "<value>3</value>") {
		t.Errorf("info %s", got)
	}
	refused := Detailed([]byte("<iq><error type='cancel'><feature-not-implemented/></error></iq>"), "unsupported", "x")
	if string(refused) != "<iq><error type='cancel'><feature-not-implemented/><unsupported xmlns='http://jabber.org/protocol/pubsub#errors' feature='x'/></error></iq>" {
		t.Errorf("%s", refused)
	}
}

// The examples of XEP-0115 §5.2 and §5.3, and answers that are not what the hash
// says (§5.4).
func TestCaps(t *testing.T) {
	simple := "<identity category='client' name='Exodus 0.9.1' type='pc'/><feature var='http://jabber.org/protocol/caps'/>" +
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/muc'/><feature var='http://jabber.org/protocol/disco#items'/>"
	complex := "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/><identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/>" +
		"<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/>" +
		"<feature var='http://jabber.org/protocol/muc'/><x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>" +
		"<field var='ip_version' type='text-multi'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>" +
		"<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field></x>"
	for _, c := range []struct {
		ver, inner string
		ok         bool
	}{
		{"QgayPKawpkPSDYmwT/WM94uAlu0=", simple, true},
		{"q07IKJEyjvHSyhy//CH0CxmKi8w=", complex, true},
		{"q07IKJEyjvHSyhy//CH0CxmKi8w=", simple, false},
		{"QgayPKawpkPSDYmwT/WM94uAlu0=", simple + strings.Repeat("<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>urn:x</value></field></x>", 2), true}, // §5.4
		{"QgayPKawpkPSDYmwT/WM94uAlu0=", simple + "<feature var='a+notify'/>", false},
		{"QgayPKawpkPSDYmwT/WM94uAlu0=", simple + "<feature var='http://jabber.org/protocol/muc'/>", false},
	} {
		caps := CapsOf([]byte("<presence><c xmlns='" + NSCaps + "' hash='sha-1' node='n' ver='" + c.ver + "'/></presence>"))
		_, ok := caps.Wants([]byte("<iq type='result'><query xmlns='http://jabber.org/protocol/disco#info'>" + c.inner + "</query></iq>"))
		if ok != c.ok || caps.Key() != "sha-1:"+c.ver {
			t.Errorf("%s: %v, want %v", c.ver, ok, c.ok)
		}
	}
	for _, raw := range []string{"<presence/>", "<presence><c xmlns='" + NSCaps + "' node='n' ver='0.9'/></presence>",
		"<presence><c xmlns='" + NSCaps + "' hash='md5' node='n' ver='x'/></presence>"} {
		if c := CapsOf([]byte(raw)); c != (Caps{}) || c.Key() != "" {
			t.Errorf("%s: %+v", raw, c)
		}
	}
}

// Of what a client wants to hear of so much is kept, the same in whatever order it
// tells them.
func TestWantsAreBounded(t *testing.T) {
	for _, c := range []struct{ names, size, want int }{{10, 40, 10}, {300, 4, 256}, {249, 1016, 4}, {4, 1024, 0}, {16, 256, 16}, {17, 256, 16}} {
		text, features := "client/pc//T<", ""
		for i := range c.names {
			name := strings.Repeat(">", c.size-3) + fmt.Sprintf("%03d+notify", i)
			text += name + "<"
			features = "<feature var='" + name + "'/>" + features
		}
		sum := sha1.Sum([]byte(text))
		caps := Caps{Node: "n", Hash: "sha-1", Ver: base64.StdEncoding.EncodeToString(sum[:])}
		nodes, ok := caps.Wants([]byte("<iq type='result'><query xmlns='" + stanza.NSDiscoInfo + "'><identity category='client' type='pc' name='T'/>" + features + "</query></iq>"))
		if !ok || len(nodes) != c.want || c.want > 0 && !strings.HasSuffix(nodes[c.want-1], fmt.Sprintf("%03d", c.want-1)) {
			t.Errorf("of %d with %d bytes %d are kept, want %d", c.names, c.size, len(nodes), c.want)
		}
	}
}

// FuzzRead: whatever is read and published is told in a stanza that stands alone.
func FuzzRead(f *testing.F) {
	for _, inner := range []string{pubsub("<publish node='n'><item id='&apos;'><a xmlns='A' b='c'>d</a></item></publish>"), pubsub("<retract node='n'><item id='1'/></retract>"),
		"<p:pubsub xmlns:p='" + NS + "' xmlns:q='&quot;'><p:publish node='&lt;'><p:item><q:a/></p:item></p:publish></p:pubsub>", ofOwner("<delete node='n'/>")} {
		f.Add(iq("set", inner))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !alone(raw) {
			return
		}
		q, r := Read(raw, Context{Sender: juliet, ID: "made"})
		if r != nil {
			return
		}
		if e, ok := EventOf(q, &Node{Config: Default()}, juliet); ok && !alone(e.Append(nil, romeo, "i")) {
			t.Errorf("%q is told as %q", raw, e.Append(nil, romeo, "i"))
		}
		if b := Done(q); len(b) > 0 && !alone(append(append([]byte("<iq>"), b...), "</iq>"...)) {
			t.Errorf("%q is answered with %q", raw, b)
		}
	})
}

// alone reports whether bytes are one stanza on any stream.
func alone(raw []byte) bool {
	s := xmlwire.NewScanner(xmlwire.Limits{Stanza: 1 << 22})
	if _, _, err := s.Next([]byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")); err != nil {
		return false
	}
	ev, n, err := s.Next(raw)
	return err == nil && ev.Kind == xmlwire.Stanza && n == len(raw)
}

// An answer has what a stream takes at once: the newest items that fit (XEP-0060
// §6.5.4), the others by page (XEP-0059), and one item whatever its size.
func TestAnswersAreBounded(t *testing.T) {
	s := after(t, nil, Change{Act: Create, Node: "n", Options: []stanza.Field{field("max_items", "max")}})
	for i := range 8 {
		s = after(t, s, publish("n", fmt.Sprint(i), strings.Repeat("x", 100<<10)))
	}
	listed := func(q Request) (ids string) {
		t.Helper()
		q.Look, q.Node = Items, "n"
		b, r := s.Answer(q, owner, juliet)
		if r != nil {
			return string(r.Condition)
		}
		if len(b) > maxAnswer+1024 {
			t.Errorf("%+v: %d bytes", q, len(b))
		}
		pubsub := xmlwire.Look(b, nil)
		items, _ := pubsub.Child(NS, "items")
		for it := range items.Children() {
			ids += it.Get("id").String()
		}
		if set, ok := pubsub.Child(nsRSM, "set"); ok {
			for c := range set.Children() {
				ids += " " + c.Text()
			}
		}
		return ids
	}
	for _, c := range []struct {
		inner, want string
	}{
		{"<items node='n'/>", "67 6 7 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><before/></set>", "67 6 7 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><before/><max>1</max></set>", "7 7 7 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><max>1</max></set>", "0 0 0 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><after/></set>", "01 0 1 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'/>", "01 0 1 8"},
		{"<items node='n' max_items='1'/><set xmlns='" + nsRSM + "'/>", "7 7 7 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><before>6</before></set>", "45 4 5 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><before>1</before></set>", "0 0 0 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><after>2</after></set>", "34 3 4 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><after>2</after><max>1</max></set>", "3 3 3 8"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><after>9</after></set>", "item-not-found"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><after>9</after><before>1</before></set>", "item-not-found"},
		{"<items node='n'/><set xmlns='" + nsRSM + "'><max>0</max></set>", " 8"},
		{"<items node='n'><item id='0'/><item id='5'/></items><set xmlns='" + nsRSM + "'><max>0</max></set>", " 2"},
		{"<items node='n'><item id='0'/></items><set xmlns='" + nsRSM + "'><max>9</max></set>", "0 0 0 1"},
		{"<items node='n'><item id='none'/></items><set xmlns='" + nsRSM + "'><max>9</max></set>", " 0"},
		{"<items node='n' max_items='1'/>", "7 7 7 8"},
		{"<items node='n'><item id='0'/><item id='5'/></items>", "05"},
	} {
		q, r := Read(iq("get", pubsub(c.inner)), Context{Sender: juliet})
		if r != nil {
			t.Fatalf("%s: %+v", c.inner, r)
		}
		if got := listed(q); got != c.want {
			t.Errorf("%s: %q, want %q", c.inner, got, c.want)
		}
	}
	if _, r := Read(iq("get", pubsub("<items node='n'/><set xmlns='"+nsRSM+"'><max>x</max></set>")), Context{}); r == nil {
		t.Error("a page of x items")
	}
	s = after(t, s, publish("n", "huge", strings.Repeat("x", maxAnswer)), Change{Act: Retract, Node: "n", Items: []string{"7"}})
	if got, _ := s.Answer(Request{Look: Items, Change: Change{Node: "n"}}, owner, juliet); len(got) < maxAnswer {
		t.Error("an item that is large by itself is not shown")
	}
	many := after(t, nil, Change{Act: Create, Node: "n", Options: []stanza.Field{field("max_items", "max")}})
	for i := range limits.Kept {
		many = after(t, many, publish("n", fmt.Sprint(i)+strings.Repeat("i", 1000), "<a/>"))
	}
	peers := map[string]string{}
	for i := range maxNamed {
		peers[fmt.Sprint(i)+strings.Repeat("a", 500)+"@b"] = Outcast
	}
	many = after(t, many, Change{Act: Affiliate, Node: "n", Peers: peers})
	list := many.Listed("n", juliet, owner)
	if set, ok := xmlwire.Look(list, nil).Child(nsRSM, "set"); !ok || len(list) > maxAnswer+4096 || !strings.Contains(string(list), "name='999i") {
		t.Errorf("%d bytes of a list, %s", len(list), set.Raw)
	}
	if _, r := many.Answer(Request{Look: Affiliations, Change: Change{Node: "n"}}, owner, juliet); r == nil || r.Condition != stanza.ResourceConstraint {
		t.Errorf("a list that no stream takes: %+v", r)
	}
}

// All that an account says counts, whatever it says it by; what takes something away is
// done however much there is.
func TestEverythingCounts(t *testing.T) {
	small := limits
	small.Items = 3000
	long := strings.Repeat("a", 1000)
	s := after(t, nil, publish("n", "1", "<a/>", field("access_model", Open), field("max_items", "max")))
	for name, c := range map[string]Change{
		"an item's name": publish("n", long, strings.Repeat("x", 2000)),
		"a node's name":  {Act: Create, Node: long, Options: []stanza.Field{field("title", long), field("type", long)}},
		"groups":         {Act: Configure, Node: "n", Options: []stanza.Field{field("roster_groups_allowed", long, long+"b", long+"c")}},
		"titles":         {Act: Configure, Node: "n", Options: []stanza.Field{field("title", long), field("type", long), field("roster_groups_allowed", long)}},
		"affiliations":   {Act: Affiliate, Node: "n", Peers: map[string]string{long: Member, long + "b": Outcast, long + "c": Outcast}},
	} {
		if next, out := s.Apply(1, c, owner, small); out.Limit != im.LimitItems || next != s {
			t.Errorf("%s: %+v", name, out)
		}
	}
	for i, want := range []string{"", "", im.LimitItems} {
		next, out := s.Apply(1, Change{Act: Subscribe, Node: "n", Subscriber: fmt.Sprint(romeo, "/", i, long)}, contact(im.None), small)
		if out.Limit != want {
			t.Errorf("subscriber %d: %+v", i, out)
		}
		s = next
	}
	s = after(t, s, publish("n", "2", strings.Repeat("x", 4000)), publish("n", "3", strings.Repeat("x", 4000)))
	for _, c := range []Change{{Act: Retract, Node: "n", Items: []string{"2"}}, publish("n", "3", strings.Repeat("x", 3500)),
		{Act: Configure, Node: "n", Options: []stanza.Field{field("title", "")}}, {Act: Delete, Node: "n"}} {
		next, out := s.Apply(1, c, owner, small)
		if out.Refused != "" {
			t.Errorf("%s: %+v", c.Act, out)
		}
		s = next
	}
	for _, f := range []stanza.Field{field("title", strings.Repeat("t", MaxName+1)), field("roster_groups_allowed", strings.Repeat("g", im.MaxName+1))} {
		if _, ok := Default().With([]stanza.Field{f}); ok {
			t.Errorf("%s of any length", f.Var)
		}
	}
}

// An answer that makes the string of another is none (XEP-0115): whoever gave it first
// would say for all clients of a kind what they want to hear of.
func TestCapsAreNotPoisoned(t *testing.T) {
	answer := func(inner string) []byte {
		return []byte("<iq type='result'><query xmlns='" + stanza.NSDiscoInfo + "'>" + inner + "</query></iq>")
	}
	about := "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>%s</value></field><field var='%s'><value>%s</value></field></x>"
	client := "<identity category='client' type='pc' name='T'/>"
	for _, c := range []struct{ text, honest, forged string }{
		{"client/pc//T<mood+notify<tune+notify<", client + "<feature var='mood+notify'/><feature var='tune+notify'/>",
			"<identity category='client' type='pc' name='T&lt;mood+notify&lt;tune+notify'/>"},
		{"client/pc//T<a<b+notify<", client + "<feature var='a'/><feature var='b+notify'/>", client + "<feature var='a&lt;b+notify'/>"},
		{"client/pc//T<a<b<c+notify<d<", client + "<feature var='a'/><feature var='b'/><feature var='c+notify'/><feature var='d'/>",
			client + "<feature var='a'/>" + fmt.Sprintf(about, "b", "c+notify", "d")},
		{"client/pc//T<u:/v/w/x+notify<", client + "<feature var='u:/v/w/x+notify'/>",
			client + "<identity category='u:' type='v' xml:lang='w' name='x+notify'/>"},
	} {
		sum := sha1.Sum([]byte(c.text))
		caps := Caps{Node: "n", Hash: "sha-1", Ver: base64.StdEncoding.EncodeToString(sum[:])}
		if nodes, ok := caps.Wants(answer(c.honest)); !ok || len(nodes) == 0 {
			t.Errorf("%s: %v", c.honest, ok)
		}
		if nodes, ok := caps.Wants(answer(c.forged)); ok {
			t.Errorf("%s is taken: %v", c.forged, nodes)
		}
	}
}

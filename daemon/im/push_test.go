package im

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/stanza"
)

const formToPublish = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>" +
	"<field var='secret'><value>s&lt;</value></field></x>"

// TestXEP0357Requests is XEP-0357 §5 and §6: what is a request, and which are
// refused.
func TestXEP0357Requests(t *testing.T) {
	const bare = "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s&lt;</value></field></x>"
	large := "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>" + strings.Repeat("s", maxOptions) + "</value></field></x>"
	for _, c := range []struct {
		typ, inner string
		want       Register
		refused    stanza.Condition
	}{
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='Push.d' node='n'/>", Register{Target: Target{JID: "push.d", Node: "n"}}, ""},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='push.d' node='n'>" + bare + "</enable>", Register{Target: Target{JID: "push.d", Node: "n", Options: []byte(formToPublish)}}, ""},
		{"set", "<disable xmlns='urn:xmpp:push:0' jid='push.d' node='n'/>", Register{Disable: true, Target: Target{JID: "push.d", Node: "n"}}, ""},
		{"set", "<disable xmlns='urn:xmpp:push:0' jid='push.d'/>", Register{Disable: true, Target: Target{JID: "push.d"}}, ""},
		{"get", "<enable xmlns='urn:xmpp:push:0' jid='push.d' node='n'/>", Register{}, stanza.BadRequest},
		{"set", "<other xmlns='urn:xmpp:push:0' jid='push.d' node='n'/>", Register{}, stanza.BadRequest},
		{"set", "<enable xmlns='urn:xmpp:push:0' node='n'/>", Register{}, stanza.BadRequest},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='push.d'/>", Register{}, stanza.BadRequest},
		{"set", "<disable xmlns='urn:xmpp:push:0' node='n'/>", Register{}, stanza.BadRequest},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='@' node='n'/>", Register{}, stanza.JIDMalformed},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='push.d' node='" + strings.Repeat("n", MaxName+1) + "'/>", Register{}, stanza.NotAcceptable},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='push.d' node='n'>" + large + "</enable>", Register{}, stanza.NotAcceptable},
		{"set", "<enable xmlns='urn:xmpp:push:0' jid='push.d' node='n'><x xmlns='jabber:x:data'/></enable>", Register{}, stanza.BadRequest},
	} {
		q, refused := ReadRegister([]byte("<iq type='" + c.typ + "' id='1'>" + c.inner + "</iq>"))
		if d := cmp.Diff(c.want, q); refused != c.refused || refused == "" && d != "" {
			t.Errorf("%s %s: %q %s", c.typ, c.inner, refused, d)
		}
	}
}

// TestXEP0357Targets: a node is registered once, one or all of an address are given
// up, and there is a bound.
func TestXEP0357Targets(t *testing.T) {
	l := Limits{Targets: 3}
	one, two, other := Target{JID: "p.d", Node: "1", Name: "q1"}, Target{JID: "p.d", Node: "2", Name: "q2"}, Target{JID: "o.d", Node: "1", Name: "q3"}
	var u *User
	for _, each := range []Target{one, two, other} {
		u, _ = l.Enable(u, each)
	}
	before := u
	again := Target{JID: "p.d", Node: "1", Name: "q4", Options: []byte("<x/>")}
	u, out := l.Enable(u, again)
	if d := cmp.Diff([]Target{two, other, again}, u.Noticed()); d != "" || out.Refused != "" {
		t.Error(out, d)
	}
	if same, out := l.Enable(u, Target{JID: "p.d", Node: "3"}); same != u || out.Refused != stanza.ResourceConstraint || out.Limit != LimitTargets {
		t.Errorf("one too many: %+v", out)
	}
	if Disable(u, "p.d", "9") != u || Disable(nil, "p.d", "") != nil {
		t.Error("what is not there is given up")
	}
	if d := cmp.Diff([]Target{two, other}, Disable(u, "p.d", "1").Noticed()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Target{other}, Disable(u, "p.d", "").Noticed()); d != "" {
		t.Error(d)
	}
	if !Disable(Disable(u, "p.d", ""), "o.d", "1").Empty() || u.Empty() {
		t.Error("what is left of a user")
	}
	if d := cmp.Diff([]Target{one, two, other}, before.Noticed()); d != "" {
		t.Errorf("an earlier version has changed: %s", d)
	}
}

// TestXEP0357Notice is XEP-0357 §7: what an app server is told, and which answers
// end a registration.
func TestXEP0357Notice(t *testing.T) {
	const notice = "<iq type='set' from='d' to='p.d' id='q1-q7'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='&lt;n'>" +
		"<item><notification xmlns='urn:xmpp:push:0'/></item></publish>%s</pubsub></iq>"
	plain := Target{JID: "p.d", Node: "<n", Name: "q1"}
	if got, want := string(plain.AppendNotice(nil, "d", "q7")), fmt.Sprintf(notice, ""); got != want {
		t.Error(got)
	}
	plain.Options = []byte(formToPublish)
	if got, want := string(plain.AppendNotice(nil, "d", "q7")), fmt.Sprintf(notice, "<publish-options>"+formToPublish+"</publish-options>"); got != want {
		t.Error(got)
	}
	for inner, want := range map[string]string{
		"<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>":    "q1",
		"<pubsub xmlns='p'/><error type='auth'><x/></error>":                                            "q1",
		"<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>": "",
	} {
		if got := NoticeRefused([]byte("<iq type='error' id='q1-q7' from='p.d' to='d'>" + inner + "</iq>")); got != want {
			t.Errorf("%s: %q", inner, got)
		}
	}
}

package stream

import (
	"strings"
	"testing"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

const sm = " xmlns='urn:xmpp:sm:3'"

func failed(condition, h string) string {
	return "<failed" + sm + h + "><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>"
}

// TestResume follows XEP-0198 §3, §5 and §6 before a resource is bound.
func TestResume(t *testing.T) {
	p := unbound(t)
	script(t, p, [][3]string{
		{"<enable" + sm + "/>", failed("unexpected-request", ""), "continue not resumed: unexpected-request"},
		{"<resume" + sm + " previd='known'/>", failed("bad-request", ""), "continue not resumed: bad-request"},
		{"<resume" + sm + " previd='other' h='0'/>", failed("item-not-found", ""), "continue not resumed: item-not-found"},
		{"<resume" + sm + " previd='over' h='0'/>", failed("item-not-found", " h='5'"), "continue not resumed: item-not-found"},
		{"<resume" + sm + " previd='known' h='3'/>", "<resumed" + sm + " previd='known' h='7'/>", "resume"},
	})
	if p.m.State() != Bound || p.m.JID().String() != "juliet@meet.example/before" {
		t.Errorf("state %d as %s", p.m.State(), p.m.JID())
	}
}

// TestResumeThenBind: §5, the client may bind a resource when it can not resume.
func TestResumeThenBind(t *testing.T) {
	p := unbound(t)
	script(t, p, [][3]string{
		{"<resume" + sm + " previd='other' h='0'/>", failed("item-not-found", ""), "continue not resumed: item-not-found"},
		{"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>",
			"<iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>juliet@meet.example/x</jid></bind></iq>", "bind"},
	})
	p = unbound(t)
	for range maxBinds - 1 {
		p.feed("<resume" + sm + " previd='other' h='0'/>")
	}
	if out, act := p.feed("<resume" + sm + " previd='other' h='0'/>"); act.Do != Close || !strings.Contains(out, "policy-violation") {
		t.Errorf("tried too often: %s, %s", out, describe(act))
	}
}

// TestTooHigh: §6, who says that it has more than it was sent.
func TestTooHigh(t *testing.T) {
	out, act := unbound(t).feed("<resume" + sm + " previd='known' h='10'/>")
	want := "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>" +
		"<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>You acknowledged 10 stanzas, but I only sent you 9 so far.</text>" +
		"<handled-count-too-high" + sm + " h='10' send-count='9'/></stream:error></stream:stream>"
	if out != want || act.Do != Close {
		t.Errorf("%s\ngot  %s\nwant %s", describe(act), out, want)
	}
}

// TestManagementBeforeSignIn: §3, not before authentication.
func TestManagementBeforeSignIn(t *testing.T) {
	p := offered(t, "")
	for _, in := range []string{"<enable" + sm + "/>", "<resume" + sm + " previd='known' h='0'/>"} {
		if out, act := p.feed(in); out != failed("unexpected-request", "") || p.m.State() != Signing {
			t.Errorf("%s: %s, %s", in, out, describe(act))
		}
	}
}

// TestInline follows XEP-0198 §7 within SASL2 and Bind 2.
func TestInline(t *testing.T) {
	const (
		bind    = "<bind xmlns='urn:xmpp:bind:0'><tag>t</tag><enable" + sm + " resume='true'/></bind>"
		enabled = "<enabled" + sm + " id='token' resume='true' max='60'/>"
		head    = "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@meet.example/"
		feature = "<stream:features><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/></stream:features>" // xmpp.js would enable it again
	)
	for _, tc := range []struct{ ask, want string }{
		{bind, head + "t/id2</authorization-identifier><bound xmlns='urn:xmpp:bind:0'>" + enabled + "</bound></success>" + feature},
		{"<resume" + sm + " previd='known' h='9'/>" + bind, // the bind request is ignored, and no features follow
			head + "before</authorization-identifier><resumed" + sm + " previd='known' h='7'/></success>"},
		{"<resume" + sm + " previd='over' h='9'/>" + bind,
			head + "t/id2</authorization-identifier>" + failed("item-not-found", " h='5'") + "<bound xmlns='urn:xmpp:bind:0'>" + enabled + "</bound></success>" + feature},
		{"<resume" + sm + " h='9'/>" + bind,
			head + "t/id2</authorization-identifier>" + failed("bad-request", "") + "<bound xmlns='urn:xmpp:bind:0'>" + enabled + "</bound></success>" + feature},
	} {
		p := offered(t, "")
		out, _ := signIn2(t, p, "pencil", tc.ask)
		if got := additional.ReplaceAllString(out, ""); got != tc.want || p.m.State() != Bound {
			t.Errorf("%s\ngot  %s\nwant %s", tc.ask, got, tc.want)
		}
	}
	p := offered(t, "")
	out, act := signIn2(t, p, "pencil", "<resume"+sm+" previd='other' h='0'/>")
	if !strings.Contains(out, failed("item-not-found", "")+"</success><stream:features><bind ") || act.Do != Admit || p.m.State() != Unbound {
		t.Errorf("without a bind request: %s, %s", out, describe(act))
	}
}

// TestManage reads the elements of a bound stream (XEP-0198 §4, §6).
func TestManage(t *testing.T) {
	p := unbound(t)
	p.feed("<resume" + sm + " previd='known' h='0'/>")
	for _, tc := range []struct {
		in      string
		want    Command
		refusal stanza.Condition
		broken  bool
	}{
		{"<r" + sm + "/>", Command{Ask: true}, "", false},
		{"<a" + sm + " h='4294967295'/>", Command{Acked: true, H: 1<<32 - 1}, "", false},
		{"<a" + sm + "/>", Command{}, "", true},
		{"<a" + sm + " h='4294967296'/>", Command{}, "", true},
		{"<resume" + sm + " previd='known' h='0'/>", Command{}, stanza.UnexpectedRequest, false},
	} {
		ev, _, err := p.scan.Next([]byte(tc.in))
		if err != nil || ev.Kind != xmlwire.Stanza || !p.m.Manages(ev.Header) {
			t.Fatalf("%s: %v", tc.in, err)
		}
		if c, refusal, v := p.m.Manage(ev); c != tc.want || refusal != tc.refusal || (v != nil) != tc.broken {
			t.Errorf("%s: %+v, %q, %v", tc.in, c, refusal, v)
		}
	}
	ev, _, _ := p.scan.Next([]byte("<enable" + sm + " resume='1' max='10'/>"))
	if c, _, _ := p.m.Manage(ev); c.Enable == nil || !c.Enable.Resume || c.Enable.Max.Seconds() != 10 {
		t.Errorf("enable: %+v", c.Enable)
	}
}

// unbound returns a peer that is signed in and has no resource.
func unbound(t testing.TB) *peer {
	t.Helper()
	p := offered(t, "")
	if _, act := signIn2(t, p, "pencil", ""); act.Do != Admit {
		t.Fatalf("signed in: %s", describe(act))
	}
	return p
}

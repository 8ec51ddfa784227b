package stream

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/sasl"
)

const someAgent = "<user-agent id='d4565fa7-4d72-4749-b3d3-740edbf87770'><software>x</software></user-agent>"

// signIn2 plays SCRAM as juliet in the profile of XEP-0388, with what else an
// <authenticate/> asks for.
func signIn2(t testing.TB, p *peer, password, more string) (string, Action) {
	t.Helper()
	data := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	return exchange(t, p, password, func(first string) string {
		return "<authenticate xmlns='" + nsSASL2 + "' mechanism='SCRAM-SHA-256-PLUS'><initial-response>" + data(first) + "</initial-response>" + more + "</authenticate>"
	}, func(final string) string {
		return "<response xmlns='" + nsSASL2 + "'>" + data(final) + "</response>"
	})
}

// offered returns a peer that has been offered SASL, by a header with that 'from'.
func offered(t testing.TB, from string) *peer {
	p := newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
	p.feed(strings.Replace(clientHeader, " to=", from+" to=", 1))
	return p
}

var additional = regexp.MustCompile("<additional-data>[^<]*</additional-data>")

// TestSASL2 follows XEP-0388 §2.6: success names the account, the features follow
// at once, and the stream is not restarted.
func TestSASL2(t *testing.T) {
	p := offered(t, " from='juliet@meet.example'")
	out, act := signIn2(t, p, "pencil", someAgent)
	want := "<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@meet.example</authorization-identifier></success>" +
		"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"
	if got := additional.ReplaceAllString(out, ""); got != want || act.Do != Admit {
		t.Fatalf("%s\ngot  %s\nwant %s", describe(act), got, want)
	}
	script(t, p, [][3]string{
		{"<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>",
			"<iq type='result' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>juliet@meet.example/x</jid></bind></iq>", "bind"},
		{"<authenticate xmlns='" + nsSASL2 + "' mechanism='SCRAM-SHA-1'/>", "", "close not-authorized"},
	})
}

func TestSASL2Fails(t *testing.T) {
	out, act := signIn2(t, offered(t, ""), "wrong", "<bind xmlns='"+nsBind2+"'/>")
	if want := "<failure xmlns='urn:xmpp:sasl:2'><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"; out != want || describe(act) != "continue failed not-authorized" {
		t.Errorf("wrong password: %s, %s", out, describe(act))
	}
	// §5.2: 'from' names another account
	p := offered(t, " from='romeo@meet.example'")
	if _, act := signIn2(t, p, "pencil", ""); describe(act) != "continue failed invalid-authzid" || p.m.State() != Signing {
		t.Errorf("another's 'from': %s", describe(act))
	}
}

// TestBind2 follows XEP-0386 §3.2.
func TestBind2(t *testing.T) {
	bind := func(more string) string { return "<bind xmlns='" + nsBind2 + "'>" + more + "</bind>" }
	bound := regexp.MustCompile("^<success xmlns='urn:xmpp:sasl:2'><authorization-identifier>juliet@meet.example/(.*)</authorization-identifier><bound xmlns='urn:xmpp:bind:0'/></success><stream:features><ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>$")
	resource := func(more string) string {
		t.Helper()
		p := offered(t, "")
		out, act := signIn2(t, p, "pencil", more)
		m := bound.FindStringSubmatch(additional.ReplaceAllString(out, ""))
		if m == nil || act.Do != Bind || p.m.State() != Bound {
			t.Fatalf("%s: state %d, %s", out, p.m.State(), describe(act))
		}
		return m[1]
	}
	if got := resource(bind("")); got != "id2" {
		t.Errorf("resource %q", got)
	}
	if got := resource(bind("<tag>Awesome</tag>")); got != "Awesome/id2" {
		t.Errorf("with a tag %q", got)
	}
	if got := resource(bind("<tag>" + strings.Repeat("x", 2000) + "</tag>")); got != "id2" {
		t.Errorf("with an endless tag %q", got)
	}
	first, again := resource(someAgent+bind("<tag>Awesome</tag>")), resource(someAgent+bind("<tag>Awesome</tag>"))
	if first != again || !strings.HasPrefix(first, "Awesome/") || strings.Contains(strings.ToLower(first), "d4565fa7") {
		t.Errorf("the same client has %q, then %q", first, again)
	}
	other := resource(strings.Replace(someAgent, "d4565fa7", "d4565fa8", 1) + bind("<tag>Awesome</tag>"))
	if other == first {
		t.Errorf("another client has %q too", other)
	}
	if got := resource("<user-agent id='juliet'/>" + bind("")); got != "id2" {
		t.Errorf("an identifier that is none makes %q", got)
	}
}

// TestBind2Inline: what is asked for together with the session goes with it
// (XEP-0386 §3.2), and nothing else does.
func TestBind2Inline(t *testing.T) {
	for inner, want := range map[string]Wish{
		"":                                     {},
		"<enable xmlns='urn:xmpp:carbons:2'/>": {Carbons: true},
		"<enable xmlns='urn:xmpp:carbons:1'/><active xmlns='urn:xmpp:csi:0'/>":   {},
		"<inactive xmlns='urn:xmpp:csi:0'/><enable xmlns='urn:xmpp:carbons:2'/>": {Carbons: true, Inactive: true},
	} {
		if _, act := signIn2(t, offered(t, ""), "pencil", "<bind xmlns='"+nsBind2+"'>"+inner+"</bind>"); act.Do != Bind || act.Wish != want {
			t.Errorf("%s: %+v", inner, act)
		}
	}
	if _, act := signIn2(t, offered(t, ""), "pencil", "<enable xmlns='urn:xmpp:carbons:2'/>"); act.Do == Bind || act.Wish != (Wish{}) {
		t.Errorf("without a session: %+v", act)
	}
}

// TestBind2Refused: the stream is as before the sign-in, which may be tried again.
func TestBind2Refused(t *testing.T) {
	p := offered(t, "")
	p.m.cfg.NewID = func() string { return "leaderless" }
	out, act := signIn2(t, p, "pencil", "<bind xmlns='"+nsBind2+"'/>")
	if want := "<failure xmlns='urn:xmpp:sasl:2'><temporary-auth-failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></failure>"; out != want || act.Failed || act.Err == nil {
		t.Fatalf("%s, %s", out, describe(act))
	}
	if !p.m.JID().IsZero() || p.m.State() != Signing {
		t.Fatalf("%s, state %d", p.m.JID(), p.m.State())
	}
	p.m.cfg.NewID = func() string { return "free" }
	if out, act := signIn2(t, p, "pencil", "<bind xmlns='"+nsBind2+"'/>"); act.Do != Bind || !strings.Contains(out, "/free<") {
		t.Fatalf("again: %s, %s", out, describe(act))
	}
}

// TestProved offers EXTERNAL for the accounts that a certificate proves, in the
// domain asked for (RFC 6120 §13.7.2.2.1, XEP-0178 §2).
func TestProved(t *testing.T) {
	proved := Channel{Proved: []jid.JID{jid.MustParse("ghost@meet.example"), jid.MustParse("juliet@meet.example"), jid.MustParse("juliet@second.example")}}
	header := func(to string) string { return strings.Replace(clientHeader, "meet.example", to, 1) }
	p := newPeerOn(t, true, proved)
	if out, _ := p.feed(header("meet.example")); strings.Count(out, "<mechanism>EXTERNAL</mechanism>") != 2 {
		t.Fatalf("not offered in both profiles: %s", out)
	}
	out, act := p.feed("<auth xmlns='" + nsSASL + "' mechanism='EXTERNAL'>=</auth>")
	if out != "<success xmlns='"+nsSASL+"'></success>" || act.Do != Restart || p.m.JID().String() != "juliet@meet.example" {
		t.Errorf("%s, %s, %s", out, describe(act), p.m.JID())
	}
	p = newPeerOn(t, true, proved)
	p.feed(header("second.example"))
	out, act = p.feed("<authenticate xmlns='" + nsSASL2 + "' mechanism='EXTERNAL'><initial-response/></authenticate>")
	if act.Do != Admit || !strings.Contains(out, ">juliet@second.example<") {
		t.Errorf("%s, %s", out, describe(act))
	}
	p = newPeerOn(t, true, Channel{Proved: proved.Proved[:1]})
	if out, _ := p.feed(header("meet.example")); strings.Contains(out, "EXTERNAL") {
		t.Errorf("offered to nobody's account: %s", out)
	}
}

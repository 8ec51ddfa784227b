package stream

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/sasl"
)

const clientHeader = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'" +
	" to='meet.example' version='1.0' xml:lang='de'>"

var saslData = regexp.MustCompile(`<(challenge|success) xmlns='urn:[a-z:-]*sasl[:2]*'>(?:<additional-data>)?([^<]*)<`)

// signIn plays SCRAM as juliet up to the answer to the last message.
func signIn(t testing.TB, p *peer, password string, late bool) (string, Action) {
	t.Helper()
	element := func(name, attr, data string) string {
		return "<" + name + " xmlns='" + nsSASL + "'" + attr + ">" +
			base64.StdEncoding.EncodeToString([]byte(data)) + "</" + name + ">"
	}
	return exchange(t, p, password, func(first string) string {
		if late { // RFC 6120 §6.3.10: the less efficient mode
			p.feed("<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-256-PLUS'/>")
			return element("response", "", first)
		}
		return element("auth", " mechanism='SCRAM-SHA-256-PLUS'", first)
	}, func(final string) string { return element("response", "", final) })
}

// exchange plays SCRAM as juliet by what begin and end make of its messages.
func exchange(t testing.TB, p *peer, password string, begin, end func(string) string) (string, Action) {
	t.Helper()
	client, err := scram.SHA256.NewClient("juliet", password, "")
	if err != nil {
		t.Fatal(err)
	}
	conv := client.NewConversationWithChannelBinding(scram.ChannelBinding{Type: sasl.Exporter, Data: []byte("ekm")})
	first, err := conv.Step("")
	if err != nil {
		t.Fatal(err)
	}
	out, _ := p.feed(begin(first))
	final, err := conv.Step(saslOf(t, out, "challenge"))
	if err != nil {
		t.Fatal(err)
	}
	out, act := p.feed(end(final))
	if strings.HasPrefix(out, "<success") {
		if _, err := conv.Step(saslOf(t, out, "success")); err != nil || !conv.Valid() {
			t.Fatalf("the client does not believe the server: %v", err)
		}
	}
	return out, act
}

func saslOf(t testing.TB, out, name string) string {
	t.Helper()
	m := saslData.FindStringSubmatch(out)
	if m == nil || m[1] != name {
		t.Fatalf("no %s: %s", name, out)
	}
	b, err := base64.StdEncoding.DecodeString(m[2])
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// signedIn returns a peer that has to bind next.
func signedIn(t testing.TB, late bool) *peer {
	t.Helper()
	p := newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
	p.feed(clientHeader)
	if out, act := signIn(t, p, "pencil", late); act.Do != Restart {
		t.Fatalf("not signed in: %s, %s", out, describe(act))
	}
	out, _ := p.feed(clientHeader)
	if want := "<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>" +
		"<ver xmlns='urn:xmpp:features:rosterver'/><sub xmlns='urn:xmpp:features:pre-approval'/><csi xmlns='urn:xmpp:csi:0'/><sm xmlns='urn:xmpp:sm:3'/></stream:features>"; !strings.HasSuffix(out, want) {
		t.Fatalf("features after sign-in: %s", out)
	}
	return p
}

// script feeds the peer and compares answers and actions, "" for any.
func script(t *testing.T, p *peer, steps [][3]string) {
	t.Helper()
	for _, s := range steps {
		out, act := p.feed(s[0])
		if s[1] != "" && out != s[1] {
			t.Fatalf("%s\ngot  %s\nwant %s", s[0], out, s[1])
		}
		if got := describe(act); s[2] != "" && got != s[2] {
			t.Fatalf("%s\naction %q, want %q", s[0], got, s[2])
		}
	}
}

// TestBind follows RFC 6120 §7.6 and §7.7.
func TestBind(t *testing.T) {
	bind := func(id, resource string) string {
		return "<iq type='set' id='" + id + "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>" + resource + "</bind></iq>"
	}
	result := func(id, jid string) string {
		return "<iq type='result' id='" + id + "'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>" + jid + "</jid></bind></iq>"
	}
	for name, steps := range map[string][][3]string{
		"client's resource": {{bind("1", "<resource>a &amp; b</resource>"), result("1", "juliet@meet.example/a &amp; b"), "bind"}},
		"server's resource": {{bind("a&lt;", ""), result("a&lt;", "juliet@meet.example/id3"), "bind"}},
		"refused, again": {
			{bind("1", "<resource>taken</resource>"), "<iq type='error' id='1'><error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", ""},
			{bind("2", "<resource>free</resource>"), result("2", "juliet@meet.example/free"), "bind"},
		},
		"no leader": {{bind("1", "<resource>leaderless</resource>"), "<iq type='error' id='1'><error type='wait'><internal-server-error xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>no session could be granted</text></error></iq>", "continue no leader"}},
		"six times in vain": {
			{bind("1", "<resource> </resource>"), "", "continue binding refused: bad-request: no resource can have this name"},
			{bind("2", "<resource>taken</resource>"), "", ""}, {bind("3", "<resource>taken</resource>"), "", ""},
			{bind("4", "<resource>taken</resource>"), "", ""}, {bind("5", "<resource>taken</resource>"), "", ""},
			{bind("6", "<resource>taken</resource>"), "", "close binding refused: conflict: "},
		},
		"stanza first":   {{"<message to='romeo@meet.example'/>", "", "close not-authorized"}},
		"other IQ first": {{"<iq type='get' id='1'><query xmlns='jabber:iq:roster'/></iq>", "", "close not-authorized"}},
		"SASL again":     {{"<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-1'/>", "", "close not-authorized"}},
	} {
		t.Run(name, func(t *testing.T) { script(t, signedIn(t, false), steps) })
	}
}

// TestClientStanzas looks at what a bound client may send (RFC 6120 §8.1.2.1,
// RFC 6121 §3.1.2, RFC 6120 §4.7.4).
func TestClientStanzas(t *testing.T) {
	for _, c := range []struct{ in, out, act string }{
		{"<message to='a@b'/>", "<message from='juliet@meet.example/x' xml:lang='de' to='a@b'/>", "continue"},
		{"<message from='juliet@meet.example/x' to='a@b'/>", "<message from='juliet@meet.example/x' xml:lang='de' to='a@b'/>", "continue"},
		{"<message from='JULIET@meet.example' to='a@b' xml:lang='en'/>", "<message from='juliet@meet.example/x' to='a@b' xml:lang='en'/>", "continue"},
		{"<presence type='subscribe' to='a@b'/>", "<presence from='juliet@meet.example' xml:lang='de' type='subscribe' to='a@b'/>", "continue"},
		{"<presence type='unavailable'/>", "<presence from='juliet@meet.example/x' xml:lang='de' type='unavailable'/>", "continue"},
		{"<message from='romeo@meet.example' to='a@b'/>", "", "close invalid-from"},
		{"<message from='juliet@meet.example/other' to='a@b'/>", "", "close invalid-from"},
		{"<message from='' to='a@b'/>", "", "close invalid-from"},
		{"<message xmlns='jabber:server' to='a@b'/>", "", "close invalid-namespace"},
		{"<pubsub/>", "", "close unsupported-stanza-type"},
		{"<x xmlns='urn:example'/>", "", "close unsupported-stanza-type"},
		{"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "", "close not-authorized"},
	} {
		p := signedIn(t, true)
		p.feed("<iq type='set' id='1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>")
		if p.m.State() != Bound || p.m.JID().String() != "juliet@meet.example/x" {
			t.Fatalf("state %d, %s", p.m.State(), p.m.JID())
		}
		out, act := p.feed(c.in)
		if out := strings.ReplaceAll(out, "  ", " "); c.out != "" && out != c.out {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, out, c.out)
		}
		if got := describe(act); got != c.act {
			t.Errorf("%s: action %q, want %q", c.in, got, c.act)
		}
	}
}

// TestClaim holds a client to the 'from' of its headers (RFC 6120 §6.4.6).
func TestClaim(t *testing.T) {
	romeo := strings.Replace(clientHeader, " to=", " from='romeo@meet.example' to=", 1)
	p := newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
	p.feed(romeo)
	if _, act := signIn(t, p, "pencil", false); describe(act) != "close invalid-from" {
		t.Errorf("at sign-in: %s", describe(act))
	}
	p = newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
	p.feed(clientHeader)
	signIn(t, p, "pencil", false)
	if _, act := p.feed(romeo); describe(act) != "close invalid-from" {
		t.Errorf("after sign-in: %s", describe(act))
	}
	p = newPeer(t, true, sasl.Binding{Exporter: []byte("ekm")})
	p.feed(clientHeader)
	if out, act := signIn(t, p, "wrong", false); describe(act) != "continue failed not-authorized" || p.m.User() != "juliet" {
		t.Errorf("wrong password: %s, %s", out, describe(act))
	}
}

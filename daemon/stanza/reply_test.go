package stanza

import (
	"testing"

	"quorate.org/daemon/xmlwire"
)

const streamHead = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>`

// scan reads one stanza as from a client.
func scan(tb testing.TB, in string) ([]byte, *xmlwire.Header) {
	tb.Helper()
	s := xmlwire.NewScanner(xmlwire.DefaultLimits)
	_, _, err := s.Next([]byte(streamHead))
	if err != nil {
		tb.Fatal(err)
	}
	ev, _, err := s.Next([]byte(in))
	if err != nil || ev.Kind != xmlwire.Stanza {
		return nil, nil
	}
	return ev.Raw, ev.Header
}

func TestRFC6120Section83Errors(t *testing.T) {
	for _, tc := range []struct {
		name, in, from, to string
		t                  ErrorType
		c                  Condition
		text, want         string
	}{
		{"rule 2: addresses are swapped", `<message from='romeo@montague.example' to='juliet@capulet.example' id='1' type='chat'><body>x</body></message>`, "", "", "", ServiceUnavailable, "",
			`<message type='error' id='1' from='juliet@capulet.example' to='romeo@montague.example'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`},
		{"rule 2: malformed addresses are replaced", `<message from='a@x' to='@@'/>`, "x", "a@x/r", "", JIDMalformed, "",
			`<message type='error' from='x' to='a@x/r'><error type='modify'><jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`},
		{"rule 3: IQ without id", `<iq type='get'/>`, "", "", "", BadRequest, "",
			`<iq type='error' id=''><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`},
		{"rule 8: no error for an error", `<message type='error'/>`, "", "", "", ItemNotFound, "", ""},
		{"rule 8: written with references", `<iq id='1' type='&#101;rror'/>`, "", "", "", ItemNotFound, "", ""},
		{"§8.2.3: none for an IQ result", `<iq id='1' type='result'/>`, "", "", "", ItemNotFound, "", ""},
		{"type of the caller's choice and text", `<presence id="a'&quot;&lt;"/>`, "", "b", Wait, UndefinedCondition, "a < b",
			`<presence type='error' id='a&apos;&quot;&lt;' to='b'><error type='wait'><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>a &lt; b</text></error></presence>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw, h := scan(t, tc.in)
			for _, h := range []*xmlwire.Header{h, nil} {
				got := string(AppendError([]byte("|"), raw, h, tc.from, tc.to, tc.t, tc.c, tc.text))
				if got != "|"+tc.want {
					t.Errorf("got  %s\nwant %s", got[1:], tc.want)
				}
			}
		})
	}
	if got := AppendError(nil, []byte("no stanza"), nil, "", "", "", BadRequest, ""); got != nil {
		t.Errorf("an error for nothing: %s", got)
	}
}

// The types are those RFC 6120 §8.3.3 recommends.
func TestRFC6120Section833Types(t *testing.T) {
	for c, want := range map[Condition]ErrorType{
		BadRequest: Modify, Conflict: Cancel, FeatureNotImplemented: Cancel, Forbidden: Auth, Gone: Cancel,
		InternalServerError: Cancel, ItemNotFound: Cancel, JIDMalformed: Modify, NotAcceptable: Modify,
		NotAllowed: Cancel, NotAuthorized: Auth, PolicyViolation: Modify, RecipientUnavailable: Wait,
		Redirect: Modify, RegistrationRequired: Auth, RemoteServerNotFound: Cancel, RemoteServerTimeout: Wait,
		ResourceConstraint: Wait, ServiceUnavailable: Cancel, SubscriptionRequired: Auth,
		UndefinedCondition: Cancel, UnexpectedRequest: Wait,
	} {
		if got := c.Type(); got != want {
			t.Errorf("%s: %s, want %s", c, got, want)
		}
	}
}

func TestRFC6120Section823Results(t *testing.T) {
	for _, tc := range []struct{ name, in, payload, want string }{
		{"XEP-0199 §4.1 ping", `<iq from='juliet@capulet.example/balcony' to='capulet.example' id='c2s1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>`, "",
			`<iq type='result' id='c2s1' from='capulet.example' to='juliet@capulet.example/balcony'/>`},
		{"with payload", `<iq id='1' type='set'><x xmlns='y'/></iq>`, "<x xmlns='y'/>", `<iq type='result' id='1'><x xmlns='y'/></iq>`},
		{"none for a result", `<iq id='1' type='result'/>`, "", ""},
		{"none for an error", `<iq id='1' type='error'/>`, "", ""},
		{"none for a message", `<message id='1' type='get'/>`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			raw, h := scan(t, tc.in)
			for _, h := range []*xmlwire.Header{h, nil} {
				if got := string(AppendIQResult(nil, raw, h, "", "", []byte(tc.payload))); got != tc.want {
					t.Errorf("got  %s\nwant %s", got, tc.want)
				}
			}
		})
	}
}

func TestRFC6120Section492StreamErrors(t *testing.T) {
	want := `<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`
	if got := string(AppendStreamError(nil, StreamSystemShutdown, "")); got != want {
		t.Errorf("got %s", got)
	}
	want = `<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>a &amp; b</text></stream:error>`
	got := string(AppendStreamError(nil, StreamNotWellFormed, "a & b"))
	if got != want {
		t.Errorf("got %s", got)
	}
	s := xmlwire.NewScanner(xmlwire.DefaultLimits)
	in := []byte(streamHead + got + StreamEnd)
	for _, kind := range []xmlwire.Kind{xmlwire.StreamOpen, xmlwire.Stanza, xmlwire.StreamClose} {
		ev, n, err := s.Next(in)
		if err != nil || ev.Kind != kind {
			t.Fatal(ev.Kind, err)
		}
		in = in[n:]
	}
}

func TestXEP0030(t *testing.T) {
	info := string(AppendDiscoInfo(nil, "", []Identity{{"server", "im", "Quorate"}, {"pubsub", "pep", ""}}, []string{NSPing, NSDiscoInfo}))
	want := `<query xmlns='http://jabber.org/protocol/disco#info'><identity category='server' type='im' name='Quorate'/><identity category='pubsub' type='pep'/><feature var='urn:xmpp:ping'/><feature var='http://jabber.org/protocol/disco#info'/></query>`
	if info != want {
		t.Errorf("got %s", info)
	}
	items := string(AppendDiscoItems(nil, "n'", []Item{{"cb1.example.com", "", "cb1"}, {"a@example.com", "m<", ""}}))
	want = `<query xmlns='http://jabber.org/protocol/disco#items' node='n&apos;'><item jid='cb1.example.com' name='cb1'/><item jid='a@example.com' node='m&lt;'/></query>`
	if items != want {
		t.Errorf("got %s", items)
	}
	for in, node := range map[string]string{
		`<iq type='get' id='1'>` + items + `</iq>`:                              "n'",
		`<iq type='get' id='1'>` + info + `</iq>`:                               "",
		`<iq type='get' id='1'><query xmlns='jabber:iq:roster' node='x'/></iq>`: "",
	} {
		raw, h := scan(t, in)
		if got := DiscoNode(raw, h); got != node {
			t.Errorf("%s: node %q", in, got)
		}
	}
}

// FuzzAppendError: the answer to any stanza is one well-formed stanza of its
// kind, with its id, of type error, and is itself not answered.
func FuzzAppendError(f *testing.F) {
	for _, s := range []string{
		`<message from='a' to="b'c" id='1'/>`, `<iq type='get' id='&lt;'><ping xmlns='urn:xmpp:ping'/></iq>`,
		`<presence type='error'/>`, `<iq type='result' id='1'/>`, `<message xmlns='jabber:client' id="'"><body/></message>`,
	} {
		f.Add(s, "text <&>", "from'", "to")
	}
	f.Fuzz(func(t *testing.T, in, text, from, to string) {
		raw, h := scan(t, in)
		if raw == nil || string(h.Space) != xmlwire.NSClient {
			return
		}
		id, name := h.ID.String(), string(h.Name)
		out := AppendError(nil, raw, h, from, to, "", BadRequest, text)
		if again := AppendError(nil, raw, nil, from, to, "", BadRequest, text); string(again) != string(out) {
			t.Fatalf("%q: with header %q, without %q", in, out, again)
		}
		if out == nil {
			if !h.Type.Is("error") && !h.Type.Is("result") {
				t.Fatalf("%q is not answered", in)
			}
			return
		}
		raw, h = scan(t, string(out))
		if string(raw) != string(out) || string(h.Name) != name || h.ID.String() != id || !h.Type.Is("error") {
			t.Fatalf("%q is answered by %q", in, out)
		}
		if again := AppendError(nil, raw, h, from, to, "", BadRequest, text); again != nil {
			t.Fatalf("%q is answered by %q", raw, again)
		}
	})
}

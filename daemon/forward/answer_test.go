package forward

import (
	"testing"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/router"
	"quorate.org/daemon/xmlwire"
)

const features = "<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='urn:xmpp:ping'/><feature var='jabber:iq:last'/><feature var='urn:xmpp:time'/>"

// serviceFeatures are those of an account as a publish-subscribe service.
func serviceFeatures() (list string) {
	for _, f := range append([]string{archive.NS, archive.NSExtended, archive.NSIDs, pep.NSConversion, im.NSPush}, pep.Features()...) {
		list += "<feature var='" + f + "'/>"
	}
	return list
}

// answers is what ann, at another node than the leader, gets back for what she
// sends; "" is nothing.
var answers = []struct{ name, sent, got string }{
	{"ping to the server", // XEP-0199 §4.2
		"<iq type='get' id='1' from='" + ann + "' to='meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq type='result' id='1' from='meet.example' to='" + ann + "'/>"},
	{"ping to nobody", // RFC 6120 §10.3.3: the account
		"<iq type='get' id='2' from='" + ann + "'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq type='result' id='2' from='ann@meet.example' to='" + ann + "'/>"},
	{"disco#info of the server", // XEP-0030 §3.1
		"<iq type='get' id='3' from='" + ann + "' to='meet.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		"<iq type='result' id='3' from='meet.example' to='" + ann + "'><query xmlns='http://jabber.org/protocol/disco#info'>" +
			"<identity category='server' type='im' name='Quorate'/>" + features + "<feature var='jabber:iq:version'/><feature var='msgoffline'/><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:blocking'/><feature var='vcard-temp'/></query></iq>"},
	{"disco#info of the own account",
		"<iq type='get' id='4' from='" + ann + "' to='ann@meet.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		"<iq type='result' id='4' from='ann@meet.example' to='" + ann + "'><query xmlns='http://jabber.org/protocol/disco#info'>" +
			"<identity category='account' type='registered'/><identity category='pubsub' type='pep'/>" + features + serviceFeatures() + "</query></iq>"},
	{"disco#items of the server",
		"<iq type='get' id='5' from='" + ann + "' to='meet.example'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
		"<iq type='result' id='5' from='meet.example' to='" + ann + "'><query xmlns='http://jabber.org/protocol/disco#items'>" +
			"<item jid='cb1.meet.example' name='cb1'/><item jid='cb2.meet.example' name='cb2'/></query></iq>"},
	{"disco#items of the own account",
		"<iq type='get' id='6' from='" + ann + "' to='ann@meet.example'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>",
		"<iq type='result' id='6' from='ann@meet.example' to='" + ann + "'><query xmlns='http://jabber.org/protocol/disco#items'></query></iq>"},
	{"disco#info of an unknown node",
		"<iq type='get' id='7' from='" + ann + "' to='meet.example'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>",
		iqError("7", "meet.example", "cancel", "item-not-found")},
	{"disco#items of an unknown node",
		"<iq type='get' id='8' from='" + ann + "' to='meet.example'><query xmlns='http://jabber.org/protocol/disco#items' node='x'/></iq>",
		iqError("8", "meet.example", "cancel", "item-not-found")},
	{"the server's version", // XEP-0092 §2
		"<iq type='get' id='25' from='" + ann + "' to='meet.example'><query xmlns='jabber:iq:version'/></iq>",
		"<iq type='result' id='25' from='meet.example' to='" + ann + "'><query xmlns='jabber:iq:version'><name>Quorate</name><version>1.2&lt;3</version></query></iq>"},
	{"an account's version", // it has none
		"<iq type='get' id='26' from='" + ann + "' to='ann@meet.example'><query xmlns='jabber:iq:version'/></iq>",
		iqError("26", "ann@meet.example", "cancel", "service-unavailable")},
	{"the server's time", // XEP-0202 §2; the bubble's clock
		"<iq type='get' id='27' from='" + ann + "' to='meet.example'><time xmlns='urn:xmpp:time'/></iq>",
		"<iq type='result' id='27' from='meet.example' to='" + ann + "'><time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2000-01-01T00:00:00Z</utc></time></iq>"},
	{"what the server does not know", // RFC 6120 §8.4
		"<iq type='get' id='9' from='" + ann + "' to='meet.example'><query xmlns='jabber:iq:search'/></iq>",
		iqError("9", "meet.example", "cancel", "service-unavailable")},
	{"a ping that is a set",
		"<iq type='set' id='10' from='" + ann + "' to='meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("10", "meet.example", "cancel", "service-unavailable")},
	{"disco#info of another's account", // never told whether it exists: RFC 6120 §13.11
		"<iq type='get' id='11' from='" + ann + "' to='bob@meet.example'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
		iqError("11", "bob@meet.example", "cancel", "service-unavailable")},
	{"a resource that is not there",
		"<iq type='get' id='12' from='" + ann + "' to='bob@meet.example/none'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("12", "bob@meet.example/none", "cancel", "service-unavailable")},
	{"a domain not served", // RFC 6120 §10.4
		"<iq type='get' id='13' from='" + ann + "' to='far.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("13", "far.example", "cancel", "remote-server-not-found")},
	{"a call bridge not configured",
		"<iq type='get' id='14' from='" + ann + "' to='cb9.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("14", "cb9.meet.example", "cancel", "remote-server-not-found")},
	{"a call bridge not connected",
		"<iq type='get' id='15' from='" + ann + "' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("15", "cb1.meet.example", "wait", "recipient-unavailable")},
	{"a malformed address", // RFC 6120 §8.3.3.8
		"<iq type='get' id='16' from='" + ann + "' to='@@'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("16", "meet.example", "modify", "jid-malformed")},
	{"an empty address",
		"<iq type='get' id='17' from='" + ann + "' to=''><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("17", "meet.example", "modify", "jid-malformed")},
	{"an error for a malformed address", "<iq type='error' id='18' from='" + ann + "' to='@@'/>", ""}, // §8.3.1
	{"an iq of no type", // §8.2.3
		"<iq id='19' from='" + ann + "' to='meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("19", "meet.example", "modify", "bad-request")},
	{"an iq of a bad type",
		"<iq type='ask' id='20' from='" + ann + "' to='meet.example'><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("20", "meet.example", "modify", "bad-request")},
	{"a request of two payloads",
		"<iq type='get' id='23' from='" + ann + "' to='meet.example'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>",
		iqError("23", "meet.example", "modify", "bad-request")},
	{"a request without a payload", "<iq type='get' id='24' from='" + ann + "' to='meet.example'/>",
		iqError("24", "meet.example", "modify", "bad-request")},
	{"a result for nobody", "<iq type='result' id='21' from='" + ann + "' to='bob@meet.example/none'/>", ""},
	{"presence for nobody", "<presence from='" + ann + "' to='bob@meet.example'/>", ""},
	{"a headline for nobody", "<message type='headline' from='" + ann + "' to='bob@meet.example'/>", ""}, // RFC 6121 §8.5.2.2.1
	{"an address with a reference",
		"<iq type='get' id='22' from='" + ann + "' to='meet&#46;example'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq type='result' id='22' from='meet&#46;example' to='" + ann + "'/>"},
}

// TestSecondDomain: a further domain answers for itself, and has no call bridges.
func TestSecondDomain(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, toAnn := f.bind("a", ann)
		e, toEve := f.bind("b", "eve@second.example/x")
		f.say(a, "<message type='chat' from='"+ann+"' to='eve@second.example/x'/>")
		wantStream(t, "eve", toEve, "<message type='chat' from='"+ann+"' to='eve@second.example/x'/>")
		for sent, got := range map[string]string{
			"<iq type='get' id='1' from='eve@second.example/x' to='second.example'><ping xmlns='urn:xmpp:ping'/></iq>": "<iq type='result' id='1' from='second.example' to='eve@second.example/x'/>",
			"<iq type='get' id='1' from='eve@second.example/x' to='second.example'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>": "<iq type='result' id='1' from='second.example' to='eve@second.example/x'>" +
				"<query xmlns='http://jabber.org/protocol/disco#items'></query></iq>",
			"<message type='chat' id='1' from='eve@second.example/x'/>": "<message type='error' id='1' from='second.example' to='eve@second.example/x'><error type='cancel'>" +
				"<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
		} {
			f.say(e, sent)
			wantStream(t, "eve", toEve, got)
		}
		wantStream(t, "ann", toAnn)
	})
}

func iqError(id, from, kind, condition string) string {
	return "<iq type='error' id='" + id + "' from='" + from + "' to='" + ann + "'><error type='" + kind + "'><" + condition +
		" xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
}

func TestAnswers(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, heard := f.bind("a", ann)
		for _, c := range answers {
			f.say(a, c.sent)
			var want []string
			if c.got != "" {
				want = []string{c.got}
			}
			wantStream(t, c.name+": ann", heard, want...)
		}
		if s := f.nodes["a"].Status(); s.Waiting != 0 {
			t.Errorf("%d frames are never answered for", s.Waiting)
		}
	})
}

// RFC 6120 §10.3.1: a message without a recipient is for the own account.
func TestMessageToNobody(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, heard := f.bind("a", ann)
		raw := "<message type='chat' id='1' from='" + ann + "'><body>note</body></message>"
		f.say(a, raw) // not available yet
		wantStream(t, "ann", heard,
			"<message type='error' id='1' from='meet.example' to='"+ann+"'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
		f.say(a, "<presence from='"+ann+"'><priority>x</priority></presence>")
		heard.take() // her own presence
		f.say(a, raw)
		wantStream(t, "ann", heard, raw)
		f.say(a, "<presence from='"+ann+"'><priority>-1</priority></presence>")
		heard.take()
		f.say(a, raw)
		if got := heard.take(); len(got) != 1 || got[0] == raw {
			t.Errorf("with a negative priority she received %q", got)
		}
	})
}

// FuzzAnswer: whatever stands alone is answered with what stands alone.
func FuzzAnswer(f *testing.F) {
	for _, c := range answers {
		f.Add([]byte(c.sent), "meet.example")
	}
	f.Fuzz(func(t *testing.T, raw []byte, to string) {
		c, ok := classOf(raw)
		if !ok {
			return
		}
		frame := &router.Frame{Class: c, To: []byte(to), Raw: raw}
		refused, _ := errorFor(office{}, frame, "service-unavailable", "why")
		for _, out := range [][]byte{answer(server{office{}, time.Now(), "1"}, frame, anyone), refused} {
			if len(out) > 0 && !read(out, func(*xmlwire.Header) {}) {
				t.Errorf("%q is answered with %q", raw, out)
			}
		}
	})
}

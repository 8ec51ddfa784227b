package im

import (
	"testing"

	"quorate.org/daemon/xmlwire"
)

// scanned returns the one stanza in raw as a stream has it, standing alone; nil for
// anything else.
func scanned(raw []byte) []byte {
	s := xmlwire.NewScanner(xmlwire.Limits{Stanza: 1 << 20})
	if _, _, err := s.Next([]byte("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' xmlns:p='urn:p'>")); err != nil {
		return nil
	}
	ev, n, err := s.Next(raw)
	if err != nil || ev.Kind != xmlwire.Stanza || n != len(raw) || string(ev.Header.Space) != xmlwire.NSClient {
		return nil
	}
	switch string(ev.Header.Name) {
	case "message", "presence", "iq":
	default:
		return nil
	}
	return xmlwire.AppendStamped(nil, ev.Raw, ev.Header, "a@b/c", "", "")
}

// FuzzServices: whatever a client sends, what the services of its account make of
// it is a stanza again.
func FuzzServices(f *testing.F) {
	for _, seed := range []string{
		"<message to='d@e' type='chat'><body>x</body><p:y/></message>",
		"<message><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message/></forwarded></received></message>",
		"<iq type='set' id='1'><query xmlns='jabber:iq:private'><p:a x='1'/><b xmlns='c'>&lt;<![CDATA[<]]></b></query></iq>",
		"<iq type='get' id='1'><query xmlns='jabber:iq:private'><p:a/></query></iq>",
		"<iq type='set' id='1'><vCard xmlns='vcard-temp'><p:FN>x</p:FN></vCard></iq>",
		"<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'><item jid=\"a@b/&apos;\"/></block></iq>",
		"<iq type='set' id='1'><enable xmlns='urn:xmpp:push:0' jid='a.b' node=\"it's\"><x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field></x></enable></iq>",
		"<presence type='unavailable'><status>it's</status></presence>",
		"<p:message xmlns:p='jabber:client'/>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw := scanned(data)
		if raw == nil {
			return
		}
		whole := func(what string, stanza []byte) {
			if scanned(stanza) == nil {
				t.Errorf("%s of %s: %s", what, raw, stanza)
			}
		}
		iq := func(what string, payload []byte) { whole(what, AppendSet(nil, payload, "a@b/c", "1")) }
		Deferrable(raw)
		Copied(Chat, raw)
		whole("the copy", AppendCopy(nil, raw, true, "a@b", "a@b/d"))
		u, _ := DefaultLimits.SetPrivate(nil, nil)
		u = DefaultLimits.Leave(u, 1, raw)
		whole("the absence", u.Absence("a@b", "b", "d@e", "1"))
		if last, refused := u.Activity(2000); refused == "" {
			iq("the last activity", last)
		}
		if q, refused := DefaultLimits.ReadPrivate(raw); refused == "" {
			u, _ = DefaultLimits.SetPrivate(u, q.Items)
			iq("private XML", u.PrivateXML(q))
		}
		if card, refused := ReadVCard(raw); refused == "" && card != nil {
			iq("the vCard", card)
		}
		if q, refused := DefaultLimits.ReadBlocking(raw); refused == "" {
			iq("the block list", AppendBlocking(nil, q, q.Items))
		}
		if q, refused := ReadRegister(raw); refused == "" {
			whole("the notice", q.AppendNotice(nil, "b", "1"))
		}
		NoticeRefused(raw)
	})
}

package im

import "testing"

// TestXEP0280Eligible is XEP-0280 §6.1 and §9, one row per rule.
func TestXEP0280Eligible(t *testing.T) {
	const (
		none = iota
		sent
		both
	)
	for _, c := range []struct {
		kind  Kind
		inner string
		want  int
	}{
		{Chat, "<body>x</body>", both},
		{Chat, "", both},
		{Chat, "<composing xmlns='http://jabber.org/protocol/chatstates'/>", both},
		{Normal, "<body>x</body>", both},
		{Normal, "<subject>x</subject>", none},
		{Normal, "<x:body xmlns:x='other'>x</x:body>", none},
		{Normal, "<received xmlns='urn:xmpp:receipts' id='1'/>", both},
		{Normal, "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>", both},
		{Normal, "<x xmlns='jabber:x:conference' jid='room@muc'/>", both},
		{Normal, "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>", both},
		{Normal, "<encrypted xmlns='eu.siacs.conversations.axolotl'/>", both},
		{Groupchat, "<body>x</body>", none},
		{Headline, "<body>x</body>", none},
		{Error, "<body>x</body><error type='cancel'/>", both},
		{Error, "<error type='cancel'/>", none},
		{Chat, "<body>x</body><x xmlns='http://jabber.org/protocol/muc#user'/>", sent},
		{Chat, "<body>x</body><private xmlns='urn:xmpp:carbons:2'/>", none},
		{Chat, "<body>x</body><no-copy xmlns='urn:xmpp:hints'/>", none},
		{Chat, "<body>x</body><no-store xmlns='urn:xmpp:hints'/>", both},
		{Chat, "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'/></received>", none},
	} {
		s, r := Copied(c.kind, []byte("<message from='a@b/c' to='d@e'>"+c.inner+"</message>"))
		if s != (c.want >= sent) || r != (c.want == both) {
			t.Errorf("kind %d, %s: sent %v, received %v", c.kind, c.inner, s, r)
		}
	}
}

// TestXEP0280Copy is XEP-0280 §7 and §8: who a copy is from and for, and what it
// holds.
func TestXEP0280Copy(t *testing.T) {
	raw := []byte("<message from='a@b/c' to='d@e' type='chat'><body>&lt;x</body></message>")
	for sent, want := range map[bool]string{
		false: "<message type='chat' from='d@e' to='d@e/f'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
			"<message xmlns='jabber:client' from='a@b/c' to='d@e' type='chat'><body>&lt;x</body></message></forwarded></received></message>",
		true: "<message type='chat' from='d@e' to='d@e/f'><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" +
			"<message xmlns='jabber:client' from='a@b/c' to='d@e' type='chat'><body>&lt;x</body></message></forwarded></sent></message>",
	} {
		got := AppendCopy(nil, raw, sent, "d@e", "d@e/f")
		if string(got) != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if !IsCopy(got) {
			t.Errorf("not known again: %s", got)
		}
	}
	if IsCopy(raw) || IsCopy([]byte("<message from='x@y' to='d@e/f'><sent xmlns='urn:xmpp:carbons:2'/></message>")) {
		t.Error("what somebody else sent is taken for a copy")
	}
}

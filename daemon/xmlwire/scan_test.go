package xmlwire

import (
	"testing"
)

const clientHeader = `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='example.com' version='1.0'>`

const chat = `<message to='juliet@capulet.example/balcony' from='romeo@montague.example/orchard' type='chat' id='ktx72v49' xml:lang='en'><body>Art thou not Romeo, and a Montague? Neither, fair saint, if either thee dislike.</body><active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>`

func opened(tb testing.TB) *Scanner {
	tb.Helper()
	s := NewScanner(DefaultLimits)
	ev, n, err := s.Next([]byte(clientHeader))
	if err != nil || ev.Kind != StreamOpen || n != len(clientHeader) {
		tb.Fatal(ev.Kind, n, err)
	}
	return s
}

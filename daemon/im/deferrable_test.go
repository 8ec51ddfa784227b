package im

import "testing"

// TestXEP0352Deferrable: what waits while a client is inactive, and what does not.
func TestXEP0352Deferrable(t *testing.T) {
	for raw, want := range map[string]bool{
		"<presence from='a@b/c'><show>away</show></presence>":                                                                                            true,
		"<presence from='a@b/c' type='unavailable'/>":                                                                                                    true,
		"<presence from='a@b' type='subscribe'/>":                                                                                                        false,
		"<presence from='a@b' type='error'/>":                                                                                                            false,
		"<message from='a@b/c'><active xmlns='http://jabber.org/protocol/chatstates'/><thread>1</thread></message>":                                      true,
		"<message from='a@b/c'><active xmlns='http://jabber.org/protocol/chatstates'/><body>x</body></message>":                                          false,
		"<message from='a@b/c'><encrypted xmlns='eu.siacs.conversations.axolotl'/></message>":                                                            false,
		"<message from='a@b' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'/></message>":                                         true,
		"<message from='a@b/c' type='error'/>":                                                                                                           false,
		"<iq from='a@b/c' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>":                                                                          false,
		"<r xmlns='urn:xmpp:sm:3'/>":                                                                                                                     true,
		"<a xmlns='urn:xmpp:sm:3' h='1'/>":                                                                                                               false,
		string(AppendCopy(nil, []byte("<message from='a@b/c'><body>x</body></message>"), false, "d@e", "d@e/f")):                                         false,
		string(AppendCopy(nil, []byte("<message from='a@b/c'><active xmlns='http://jabber.org/protocol/chatstates'/></message>"), true, "d@e", "d@e/f")): true,
	} {
		if got := Deferrable([]byte(raw)); got != want {
			t.Errorf("%s: %v", raw, got)
		}
	}
}

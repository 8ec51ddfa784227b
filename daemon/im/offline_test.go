package im

import (
	"testing"

	"quorate.org/daemon/stanza"
)

// TestM5_2_Storable is XEP-0160 §3 with the hints of XEP-0334.
func TestM5_2_Storable(t *testing.T) {
	for inner, want := range map[string]bool{
		"<body>hi</body>": true,
		"<body>hi</body><active xmlns='http://jabber.org/protocol/chatstates'/>":                    true,
		"<composing xmlns='http://jabber.org/protocol/chatstates'/>":                                false,
		"<thread>t</thread><composing xmlns='http://jabber.org/protocol/chatstates'/>":              false,
		"<body>hi</body><no-store xmlns='urn:xmpp:hints'/>":                                         false,
		"<body>hi</body><no-permanent-store xmlns='urn:xmpp:hints'/>":                               false,
		"<composing xmlns='http://jabber.org/protocol/chatstates'/><store xmlns='urn:xmpp:hints'/>": true,
		"<received xmlns='urn:xmpp:receipts' id='1'/>":                                              true,
		"": false,
	} {
		if got := Storable([]byte("<message from='a@d/x' to='b@d' type='chat'>" + inner + "</message>")); got != want {
			t.Errorf("%s: %v", inner, got)
		}
	}
}

// TestM5_2_Delay is XEP-0203 §2 and §4: who kept it and since when, once.
func TestM5_2_Delay(t *testing.T) {
	raw := []byte("<message from='a@d/x' to='b@d'><body>hi</body></message>")
	got := Delayed(raw, "d", 1_034_291_305_007)
	want := "<message from='a@d/x' to='b@d'><body>hi</body><delay xmlns='urn:xmpp:delay' from='d' stamp='2002-10-10T23:08:25.007Z'/></message>"
	if string(got) != want {
		t.Errorf("%s", got)
	}
	if !HasDelay(got, "d") || HasDelay(got, "e") || HasDelay(raw, "d") {
		t.Error("who noted a delay is not recognised")
	}
	if string(raw) != "<message from='a@d/x' to='b@d'><body>hi</body></message>" {
		t.Error("the stanza given was changed")
	}
}

func TestOfflineStore(t *testing.T) {
	var u *User
	for i := range uint64(DefaultLimits.Offline) {
		u, _ = DefaultLimits.Store(i+1, u, []byte("m"))
	}
	full, out := DefaultLimits.Store(999, u, []byte("m"))
	if out.Refused != stanza.ServiceUnavailable || full != u {
		t.Errorf("past %d messages: %+v", DefaultLimits.Offline, out)
	}
	left := Unstore(u, 150)
	if len(left.Offline) != DefaultLimits.Offline-150 || left.Offline[0].Index != 151 || len(u.Offline) != DefaultLimits.Offline {
		t.Errorf("%d left of %d", len(left.Offline), len(u.Offline))
	}
	if Unstore(left, 150) != left {
		t.Error("deleting again changes something")
	}
	if _, out := DefaultLimits.Store(1000, left, make([]byte, DefaultLimits.Stored)); out.Refused == "" {
		t.Error("past the bytes")
	}
}

func TestAppendTo(t *testing.T) {
	for raw, want := range map[string]string{
		"<presence from='a@d/x'/>":                                       "<presence to='b@d' from='a@d/x'/>",
		"<presence from='a@d/x'><show>away</show></presence>":            "<presence to='b@d' from='a@d/x'><show>away</show></presence>",
		"<presence from='a@d' type='subscribe' to='B@d/r' id='1'/>":      "<presence to='b@d' from='a@d' type='subscribe' id='1'/>",
		"<presence from='a@d' to=\"b@d/it's\"><x to='c'/></presence>":    "<presence to='b@d' from='a@d'><x to='c'/></presence>",
		"<p:presence xmlns:p='jabber:client' from='a@d' to = 'x@d/to'/>": "<p:presence to='b@d' xmlns:p='jabber:client' from='a@d'/>",
	} {
		if got := string(AppendTo(nil, []byte(raw), "b@d")); got != want {
			t.Errorf("%s:\n got  %s\n want %s", raw, got, want)
		}
	}
}

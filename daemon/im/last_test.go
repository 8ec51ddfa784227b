package im

import (
	"strings"
	"testing"

	"quorate.org/daemon/stanza"
)

// TestLastActivity is XEP-0012 §3 and RFC 6121 §4.3.2 rule 3 on what is kept.
func TestLastActivity(t *testing.T) {
	var u *User
	if _, refused := u.Activity(1000); refused != stanza.ItemNotFound {
		t.Errorf("never there: %q", refused)
	}
	u = DefaultLimits.Leave(u, 10_000, []byte("<presence from='a@b/c' id='1' type='unavailable'><status>Heading &amp; home</status></presence>"))
	if DefaultLimits.Leave(u, 9_000, nil) != u {
		t.Error("an earlier time takes the place of a later one")
	}
	got, _ := u.Activity(913_999)
	if string(got) != "<query xmlns='jabber:iq:last' seconds='903'>Heading &amp; home</query>" {
		t.Errorf("%s", got)
	}
	if got, _ := u.Activity(9_000); !strings.Contains(string(got), "seconds='0'") {
		t.Errorf("before it: %s", got)
	}
	const stamp = "<delay xmlns='urn:xmpp:delay' from='b' stamp='1970-01-01T00:00:10.000Z'/>"
	if got := u.Absence("a@b", "b", "d@e", "p"); string(got) != "<presence from='a@b' to='d@e' id='1' type='unavailable'><status>Heading &amp; home</status>"+stamp+"</presence>" {
		t.Errorf("%s", got)
	}
	for _, raw := range []string{"", strings.Repeat("x", DefaultLimits.Request+1)} {
		u = DefaultLimits.Leave(nil, 10_000, []byte(raw))
		if raw == "" {
			u = DefaultLimits.Leave(nil, 10_000, nil)
		}
		if got := u.Absence("a@b", "b", "d@e", "p"); string(got) != "<presence from='a@b' to='d@e' type='unavailable' id='p'>"+stamp+"</presence>" {
			t.Errorf("%s", got)
		}
	}
}

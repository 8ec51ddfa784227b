package stanza

import (
	"errors"
	"testing"

	"quorate.org/daemon/xmlwire"
)

func TestCheck(t *testing.T) {
	for _, tc := range []struct {
		in   string
		want Condition
	}{
		{`<iq type='get' id='1'><x xmlns='y'/></iq>`, ""},
		{`<iq type='set' id=''><x xmlns='y'/></iq>`, ""},
		{`<iq type='result' id='1'/>`, ""},
		{`<iq type='result' id='1'><x xmlns='y'/></iq>`, ""},
		{`<iq type='error' id='1'><x xmlns='y'/><error/></iq>`, ""},
		{`<iq type='get' id='1'/>`, BadRequest},                                    // RFC 6120 §8.2.3 rule 3
		{`<iq type='get' id='1'><x xmlns='y'/><x xmlns='y'/></iq>`, BadRequest},    // rule 3
		{`<iq type='result' id='1'><x xmlns='y'/><x xmlns='y'/></iq>`, BadRequest}, // rule 4
		{`<iq type='get'><x xmlns='y'/></iq>`, BadRequest},                         // rule 1
		{`<iq id='1'><x xmlns='y'/></iq>`, BadRequest},                             // rule 2
		{`<iq type='other' id='1'><x xmlns='y'/></iq>`, BadRequest},                // rule 2
		{`<presence/>`, ""},
		{`<presence type='unavailable'/>`, ""},
		{`<presence type='available'/>`, BadRequest}, // RFC 6121 §4.7.1
		{`<presence type=''/>`, BadRequest},
		{`<message type='anything'/>`, ""}, // RFC 6121 §5.2.2
	} {
		_, h := scan(t, tc.in)
		if got := Check(h); got != tc.want {
			t.Errorf("%s: %q", tc.in, got)
		}
	}
}

func TestRFC6120Section7Bind(t *testing.T) {
	for _, tc := range []struct {
		in, resource string
		ok           bool
	}{
		{`<iq id='1' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`, "", true},
		{`<iq id='1' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>bal&lt;cony</resource></bind></iq>`, "bal<cony", true},
		{`<iq id='1' type='set'><b:bind xmlns:b='urn:ietf:params:xml:ns:xmpp-bind'><b:resource><![CDATA[x]]></b:resource></b:bind></iq>`, "x", true},
		{`<iq id='1' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource xmlns='other'>x</resource></bind></iq>`, "", true},
		{`<iq id='1' type='get'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>`, "", false},
		{`<iq id='1' type='set'><bind/></iq>`, "", false},
		{`<message type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></message>`, "", false},
	} {
		raw, h := scan(t, tc.in)
		for _, h := range []*xmlwire.Header{h, nil} {
			if r, ok := BindResource(raw, h); r != tc.resource || ok != tc.ok {
				t.Errorf("%s: %q %v", tc.in, r, ok)
			}
		}
	}
	want := `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>a@b/&lt;c</jid></bind>`
	if got := string(AppendBind(nil, "a@b/<c")); got != want {
		t.Errorf("got %s", got)
	}
}

func TestRFC6121Section47Presence(t *testing.T) {
	for _, tc := range []struct {
		in       string
		show     Show
		priority int8
		bad      int // how many of the two are malformed
	}{
		{`<presence/>`, Online, 0, 0},
		{`<presence><show>away</show><priority>1</priority></presence>`, Away, 1, 0},
		{`<presence><priority> -128 </priority><show>chat</show></presence>`, Chat, -128, 0},
		{`<presence><show>dnd</show><priority>+127</priority></presence>`, DND, 127, 0},
		{`<presence xmlns='jabber:client'><show>xa</show><show>dnd</show></presence>`, XA, 0, 0},
		{`<presence><show xmlns='other'>away</show><priority xmlns='other'>5</priority></presence>`, Online, 0, 0},
		{`<presence><show>busy</show><priority>128</priority></presence>`, Online, 0, 2},
		{`<presence><show/><priority/></presence>`, Online, 0, 2},
		{`<presence><show>AWAY</show><priority>1.0</priority></presence>`, Online, 0, 2},
		{`<presence><priority>99999999999999999999</priority></presence>`, Online, 0, 1},
	} {
		raw, h := scan(t, tc.in)
		for _, h := range []*xmlwire.Header{h, nil} {
			show, e1 := ReadShow(raw, h)
			priority, e2 := ReadPriority(raw, h)
			bad := 0
			for _, err := range []error{e1, e2} {
				if errors.Is(err, ErrPresence) {
					bad++
				} else if err != nil {
					t.Errorf("%s: %v", tc.in, err)
				}
			}
			if show != tc.show || priority != tc.priority || bad != tc.bad {
				t.Errorf("%s: %q %d, %v %v", tc.in, show, priority, e1, e2)
			}
		}
	}
}

// FuzzRead: the readers agree with and without the header, and stay within what
// they promise, on every stanza and on bytes that are none.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`<presence><show>away</show><priority>-1</priority></presence>`,
		`<iq id='1' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>x</resource></bind></iq>`,
		`<iq id='1' type='get'><query xmlns='http://jabber.org/protocol/disco#info' node='x'/></iq>`,
		`<presence><show>`, `<`, ``,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		raw, h := scan(t, in)
		if raw == nil {
			raw = []byte(in)
		}
		show, err := ReadShow(raw, h)
		if show != Online && show != Away && show != Chat && show != DND && show != XA || err != nil && show != Online {
			t.Fatalf("%q: show %q, %v", in, show, err)
		}
		if p, err := ReadPriority(raw, h); err != nil && p != 0 {
			t.Fatalf("%q: priority %d, %v", in, p, err)
		}
		r1, ok1 := BindResource(raw, h)
		r2, ok2 := BindResource(raw, nil)
		if h != nil && !h.Inherits && (r1 != r2 || ok1 != ok2) {
			t.Fatalf("%q: with header %q %v, without %q %v", in, r1, ok1, r2, ok2)
		}
		if h != nil && !h.Inherits && DiscoNode(raw, h) != DiscoNode(raw, nil) {
			t.Fatalf("%q: nodes differ", in)
		}
	})
}

package forward

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

const failure = "<iq type='error' id='v' from='%s' to='%s'><error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

func (c *client) iq(typ, to, payload string) {
	c.f.t.Helper()
	if to != "" {
		to = " to='" + to + "'"
	}
	c.say("<iq from='%s'%s type='%s' id='v'>%s</iq>", c.addr, to, typ, payload)
}

func (c *client) result(of, payload string) string {
	if payload == "" {
		return fmt.Sprintf("<iq type='result' id='v' from='%s' to='%s'/>", of, short(c.addr))
	}
	return fmt.Sprintf("<iq type='result' id='v' from='%s' to='%s'>%s</iq>", of, short(c.addr), payload)
}

// TestXEP0049PrivateXML: what one resource keeps another one gets, at another
// node, and nobody else.
func TestXEP0049PrivateXML(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		one, two, juliet := f.enter("b", "romeo", "one"), f.enter("c", "romeo", "two"), f.enter("c", "juliet", "j")
		one.iq("set", "", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'>7</prefs></query>")
		one.got("kept", one.result("romeo@m", ""))
		two.iq("get", "romeo@meet.example", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'/></query>")
		two.got("there", two.result("romeo@m", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'>7</prefs></query>"))
		two.iq("get", "", "<query xmlns='jabber:iq:private'><prefs xmlns='other'/></query>")
		two.got("nothing", two.result("romeo@m", "<query xmlns='jabber:iq:private'><prefs xmlns='other'/></query>"))
		for _, typ := range []string{"get", "set"} {
			juliet.iq(typ, "romeo@meet.example", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'/></query>")
			juliet.got("another's", fmt.Sprintf(failure, "romeo@m", "juliet@m/j", "auth", "forbidden"))
		}
		juliet.iq("get", "", "<query xmlns='jabber:iq:private'/>")
		juliet.got("nothing asked for", fmt.Sprintf(failure, "meet.example", "juliet@m/j", "modify", "bad-request"))
	})
}

// TestXEP0054VCard: everybody sees a vCard, its owner sets it, and nobody learns
// from it who is there (§3.3).
func TestXEP0054VCard(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.enter("b", "romeo", "r"), f.enter("c", "juliet", "j")
		const ask, card = "<vCard xmlns='vcard-temp'/>", "<vCard xmlns='vcard-temp'><FN>Romeo &amp; co</FN></vCard>"
		romeo.iq("get", "", ask)
		romeo.got("none", fmt.Sprintf(failure, "meet.example", "romeo@m/r", "cancel", "item-not-found"))
		for _, to := range []string{"romeo", "nobody"} {
			juliet.iq("get", to+"@meet.example", ask)
			juliet.got("none of "+to, fmt.Sprintf(failure, to+"@m", "juliet@m/j", "cancel", "service-unavailable"))
		}
		romeo.iq("set", "", card)
		romeo.got("set", romeo.result("romeo@m", ""))
		juliet.iq("get", "romeo@meet.example", ask)
		juliet.got("seen", juliet.result("romeo@m", card))
		juliet.iq("set", "romeo@meet.example", card)
		juliet.got("another's", fmt.Sprintf(failure, "romeo@m", "juliet@m/j", "auth", "forbidden"))
		romeo.iq("set", "", ask)
		romeo.got("forgotten", romeo.result("romeo@m", ""))
		if u := f.store.State().User("romeo@meet.example"); !u.Empty() {
			t.Errorf("left: %+v", u)
		}
	})
}

// TestPrivateLeaderLost: what is being kept when the leader is lost is kept, and
// answered once.
func TestPrivateLeaderLost(t *testing.T) {
	for _, what := range []fault{lost, mute, heavy} {
		t.Run(fmt.Sprint(what), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				romeo := f.enter("b", "romeo", "r")
				f.store.breaks(what)
				romeo.iq("set", "", "<query xmlns='jabber:iq:private'><prefs xmlns='mine'>7</prefs></query>")
				romeo.iq("set", "", "<vCard xmlns='vcard-temp'><FN>R</FN></vCard>")
				synctest.Wait()
				f.nodes["a"].Abdicate()
				f.store.breaks(none)
				f.lead("c")
				time.Sleep(10 * time.Second)
				romeo.got("kept", romeo.result("romeo@m", ""), romeo.result("romeo@m", ""))
				if u := f.store.State().User("romeo@meet.example"); u == nil || len(u.Private) != 1 || len(u.VCard) == 0 {
					t.Errorf("kept %+v", u)
				}
			})
		})
	}
}

package forward

import (
	"fmt"
	"testing"
)

// TestStrangersRequests is RFC 6121 §8.5.3.1: an IQ request reaches a resource that
// shares presence with its sender, by a subscription or because it sent them
// presence; a Call Bridge's always does. Others are told what they are told of a
// resource that is not there.
func TestStrangersRequests(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, juliet, nurse := f.online("b", "romeo", "r"), f.online("c", "juliet", "j"), f.online("a", "nurse", "n")
		s, out := f.bind("c", "cb1.meet.example")
		bridge := &client{f: f, addr: "cb1.meet.example", bare: "cb1.meet.example", s: s, out: out}
		romeo.out.take()
		ping := func(c *client, to *client) string {
			c.iq("get", to.addr, "<ping xmlns='urn:xmpp:ping'/>")
			return fmt.Sprintf("<iq from='%s' to='%s' type='get' id='v'><ping xmlns='urn:xmpp:ping'/></iq>", short(c.addr), short(to.addr))
		}
		refused := func(c *client, to string) {
			t.Helper()
			c.got("a stranger", fmt.Sprintf(failure, short(to), short(c.addr), "cancel", "service-unavailable"))
		}
		romeo.out.take()
		juliet.got("a contact", ping(romeo, juliet))
		juliet.iq("result", romeo.addr, "")
		romeo.got("the answer", "<iq from='juliet@m/j' to='romeo@m/r' type='result' id='v'></iq>")
		juliet.got("a Call Bridge", ping(bridge, juliet))
		other := f.enter("a", "juliet", "k")
		juliet.got("another resource", ping(other, juliet))

		ping(nurse, juliet)
		refused(nurse, juliet.addr)
		nurse.iq("get", "juliet@meet.example/none", "<ping xmlns='urn:xmpp:ping'/>")
		refused(nurse, "juliet@meet.example/none")
		for _, to := range []string{juliet.addr, "juliet@meet.example/none"} { // XEP-0012 §4
			nurse.lastSeen(to)
			nurse.got("a stranger", fmt.Sprintf(notForYou, short(to), "nurse@m/n"))
		}
		juliet.got("nothing of it")
		romeo.lastSeen(juliet.addr)
		juliet.got("a contact", "<iq from='romeo@m/r' to='juliet@m/j' type='get' id='l'><query xmlns='jabber:iq:last'/></iq>")

		juliet.say("<presence from='%s' to='nurse@meet.example'/>", juliet.addr)
		nurse.out.take()
		f.lead("b") // the edge knows it
		juliet.got("whom she sent presence to", ping(nurse, juliet))
		juliet.say("<presence from='%s' to='nurse@meet.example' type='unavailable'/>", juliet.addr)
		nurse.out.take()
		ping(nurse, juliet)
		refused(nurse, juliet.addr)
		nurse.message(juliet.addr, "hello") // of messages the rule says nothing
		if got := juliet.bodies(); len(got) != 1 {
			t.Errorf("a message: %q", got)
		}
	})
}

package forward

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// carbons asks for copies.
func (c *client) carbons(what string) {
	c.f.t.Helper()
	c.say("<iq from='%s' type='set' id='c'><%s xmlns='urn:xmpp:carbons:2'/></iq>", c.addr, what)
	c.got(what, "<iq type='result' id='c' from='"+short(c.bare)+"' to='"+short(c.addr)+"'/>")
}

// copied is a copy as got shows it.
func copied(what, account, resource, from, to, inner string) string {
	return fmt.Sprintf("<message type='chat' from='%s@m' to='%s@m/%s'><%s xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"+
		"<message xmlns='jabber:client' from='%s' to='%s' type='chat'>%s</message></forwarded></%s></message>",
		account, account, resource, what, from, to, inner, what)
}

// TestXEP0280Carbons: resources that ask for copies get those of what their
// account sends and receives, wherever they are, until they ask for none.
func TestXEP0280Carbons(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		desk, phone, third := f.online("b", "romeo", "desk"), f.online("c", "romeo", "phone"), f.enter("a", "romeo", "third")
		juliet, other := f.online("c", "juliet", "j"), f.online("b", "juliet", "k")
		desk.out.take()
		phone.out.take()
		juliet.out.take()
		for range 2 { // §9.1
			phone.carbons("enable")
		}
		third.carbons("enable") // not available, which §7 does not ask for
		other.carbons("enable")
		desk.message("juliet@meet.example/j", "1")
		juliet.got("the message", "<message from='romeo@m/desk' to='juliet@m/j' type='chat'><body>1</body></message>")
		phone.got("sent", copied("sent", "romeo", "phone", "romeo@m/desk", "juliet@m/j", "<body>1</body>"))
		third.got("sent", copied("sent", "romeo", "third", "romeo@m/desk", "juliet@m/j", "<body>1</body>"))
		other.got("received", copied("received", "juliet", "k", "romeo@m/desk", "juliet@m/j", "<body>1</body>"))
		phone.message("juliet@meet.example", "2") // to the one bound last
		other.got("the message, and no copy", "<message from='romeo@m/phone' to='juliet@m' type='chat'><body>2</body></message>")
		third.got("sent", copied("sent", "romeo", "third", "romeo@m/phone", "juliet@m", "<body>2</body>"))
		phone.got("its own")
		desk.got("never asked")
		juliet.got("never asked")
		desk.say("<message from='%s' to='juliet@meet.example/j' type='chat'><body>3</body><private xmlns='urn:xmpp:carbons:2'/></message>", desk.addr)
		phone.got("private")
		other.got("private")
		desk.message("nurse@meet.example", "kept") // §8: sent all the same
		phone.got("kept", copied("sent", "romeo", "phone", "romeo@m/desk", "nurse@m", "<body>kept</body>"))
		third.out.take()
		desk.message("nobody@meet.example", "refused")
		phone.got("what is refused was never sent")
		phone.carbons("disable")
		juliet.out.take()
		juliet.message("romeo@meet.example/desk", "4")
		phone.got("disabled")
		third.got("received", copied("received", "romeo", "third", "juliet@m/j", "romeo@m/desk", "<body>4</body>"))
		other.got("sent", copied("sent", "juliet", "k", "juliet@m/j", "romeo@m/desk", "<body>4</body>"))
		third.message("romeo@meet.example", "to myself") // one that takes messages gets it, and nobody twice
		third.got("its own")
		if got := append(desk.bodies(), phone.bodies()...); len(got) != 2 {
			t.Errorf("%q", got) // desk has 4, phone the last one
		}
	})
}

// TestXEP0280Refusals: who may not, and what is no request (§4.1).
func TestXEP0280Refusals(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.online("b", "romeo", "r")
		s, out := f.bind("c", "cb1.meet.example")
		bridge := &client{f: f, addr: "cb1.meet.example", bare: "cb1.meet.example", s: s, out: out}
		const failed = "<iq type='error' id='c' from='%s' to='%s'><error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
		bridge.say("<iq from='cb1.meet.example' to='meet.example' type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
		bridge.got("a component", fmt.Sprintf(failed, "meet.example", "cb1.meet.example", "cancel", "service-unavailable"))
		romeo.say("<iq from='%s' to='juliet@meet.example' type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>", romeo.addr)
		romeo.got("for another", fmt.Sprintf(failed, "juliet@m", "romeo@m/r", "cancel", "not-allowed"))
		romeo.say("<iq from='%s' type='set' id='c'><able xmlns='urn:xmpp:carbons:2'/></iq>", romeo.addr)
		romeo.got("no request", fmt.Sprintf(failed, "meet.example", "romeo@m/r", "modify", "bad-request"))
	})
}

// TestXEP0280LeaderLost: the flag and every copy outlive the leader, and each
// comes once: the next leader knows who has the message and who its copy.
func TestXEP0280LeaderLost(t *testing.T) {
	for _, mute := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "a"}, {"c", "a"}} {
		t.Run(fmt.Sprint(mute), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				romeo, phone := f.online("b", "romeo", "r"), f.online("c", "romeo", "phone")
				juliet, other := f.online("c", "juliet", "j"), f.online("b", "juliet", "k")
				phone.carbons("enable")
				other.carbons("enable")
				for _, c := range []*client{romeo, juliet} {
					c.out.take()
				}
				f.mu.Lock()
				f.mute[mute] = true // one part, or one answer, is lost with the leader
				f.mu.Unlock()
				romeo.message("juliet@meet.example/j", "1")
				romeo.message("juliet@meet.example/j", "2")
				synctest.Wait()
				f.mu.Lock()
				f.mute[mute] = false
				f.mu.Unlock()
				f.lead("b")
				time.Sleep(time.Second)
				romeo.message("juliet@meet.example/j", "3")
				for _, c := range []*client{juliet, phone, other} {
					if got := c.bodies(); fmt.Sprint(got) != "[1 2 3]" {
						t.Errorf("%s got %q", c.addr, got)
					}
				}
				romeo.got("no error")
			})
		})
	}
}

// TestXEP0386Carbons: a session that binds with copies has them before it has said
// a word, and over a leader's loss.
func TestXEP0386Carbons(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
		f.wish.Carbons = true
		phone := f.enter("c", "romeo", "phone")
		romeo.message(juliet.addr, "1")
		phone.got("sent", copied("sent", "romeo", "phone", "romeo@m/r", "juliet@m/j", "<body>1</body>"))
		f.lead("c")
		romeo.message(juliet.addr, "2")
		phone.got("sent", copied("sent", "romeo", "phone", "romeo@m/r", "juliet@m/j", "<body>2</body>"))
	})
}

// TestXEP0280Kept: what is kept for its recipient is copied to none of their
// resources, which would hear it twice; only those of its sender get copies, also
// from the next leader (§7). What is not kept is copied.
func TestXEP0280Kept(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, phone := f.online("c", "romeo", "r"), f.online("b", "romeo", "phone")
		phone.carbons("enable")
		romeo.out.take()
		desk, busy := f.enter("b", "juliet", "desk"), f.enter("c", "juliet", "busy")
		desk.carbons("enable") // and not available
		busy.carbons("enable")
		busy.presence("<priority>-1</priority>")
		busy.out.take()
		f.store.breaks(mute)
		romeo.message(desk.bare, "kept")
		synctest.Wait()
		f.store.breaks(none)
		f.lead("b")
		time.Sleep(time.Second)
		if got := phone.bodies(); len(got) != 1 {
			t.Errorf("the sender's other resource heard %q", got)
		}
		romeo.say("<message from='%s' to='%s' type='chat'><body>now</body><no-store xmlns='urn:xmpp:hints'/></message>", romeo.addr, desk.bare)
		if got := append(desk.bodies(), busy.bodies()...); fmt.Sprint(got) != "[now now]" {
			t.Errorf("before they take messages: %q", got)
		}
		desk.presence("")
		if got := desk.bodies(); fmt.Sprint(got) != "[kept]" {
			t.Errorf("desk heard %q", got)
		}
		busy.presence("<priority>1</priority>")
		if got := busy.bodies(); got != nil {
			t.Errorf("busy heard %q", got)
		}
	})
}

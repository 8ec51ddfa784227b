package forward

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/replica"
)

// appServer is a component that is given notice of messages (XEP-0357 §3).
type appServer struct {
	*client
	last string // id of the last notice
}

func (f *fabric) appServer(node string) *appServer {
	f.t.Helper()
	s, out := f.bind(node, "cb1.meet.example")
	return &appServer{client: &client{f: f, addr: "cb1.meet.example", bare: "cb1.meet.example", s: s, out: out}}
}

var notice = regexp.MustCompile(`^<iq type='set' from='meet\.example' to='cb1\.meet\.example' id='(q[0-9a-f]+-q[0-9a-f]+)'><pubsub xmlns='http://jabber.org/protocol/pubsub'>` +
	`<publish node='([^']*)'><item><notification xmlns='urn:xmpp:push:0'/></item></publish>(.*)</pubsub></iq>$`)

// noticed checks at which nodes it was given notice since the last look, and
// whether with options: "node" or "node+".
func (a *appServer) noticed(what string, want ...string) {
	a.f.t.Helper()
	var list []string
	for _, raw := range a.out.take() {
		m := notice.FindStringSubmatch(raw)
		switch {
		case m == nil:
			list = append(list, raw)
			continue
		case m[3] != "":
			m[2] += "+"
		}
		a.last, list = m[1], append(list, m[2])
	}
	if d := cmp.Diff(want, list); d != "" {
		a.f.t.Errorf("%s: (-want +got)\n%s", what, d)
	}
}

// refuses answers the last notice with an error.
func (a *appServer) refuses(from, typ, condition string) {
	a.f.t.Helper()
	a.say("<iq from='%s' to='meet.example' type='error' id='%s'><error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", from, a.last, typ, condition)
	synctest.Wait()
}

// pushes sends a request about notices, which is granted.
func (c *client) pushes(what, jid, node, inner string) {
	c.f.t.Helper()
	if node != "" {
		node = " node='" + node + "'"
	}
	c.iq("set", "", fmt.Sprintf("<%s xmlns='urn:xmpp:push:0' jid='%s'%s>%s</%s>", what, jid, node, inner, what))
	c.got(what, c.result(short(c.bare), ""))
}

// leave ends a session that was available.
func (c *client) leave() {
	c.s.Close()
	synctest.Wait()
}

// away is a client whose stream is lost.
func (m *managed) away() {
	m.s.Detach()
	synctest.Wait()
}

// confirm tells the server what the client has.
func (m *managed) confirm() {
	m.f.t.Helper()
	if sent, ok := m.s.Acked(m.h); !ok {
		m.f.t.Errorf("%s has %d, and was sent %d", m.addr, m.h, sent)
	}
	synctest.Wait()
}

// TestXEP0357Requests: who may ask for notices, at whom, and how many (§5).
func TestXEP0357Requests(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.limits.Targets = 1
		romeo := f.enter("b", "romeo", "r")
		const enable = "<enable xmlns='urn:xmpp:push:0' jid='%s' node='n'/>"
		romeo.iq("get", romeo.bare, "<query xmlns='http://jabber.org/protocol/disco#info'/>")
		if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], "<feature var='urn:xmpp:push:0'/>") { // §4.1
			t.Errorf("the account's features: %q", got)
		}
		for _, jid := range []string{"push.elsewhere.example", "cb9.meet.example", "meet.example", "juliet@meet.example", "juliet@meet.example/j"} {
			romeo.iq("set", "", fmt.Sprintf(enable, jid))
			romeo.got("at "+jid, fmt.Sprintf(failure, "meet.example", "romeo@m/r", "cancel", "item-not-found"))
		}
		romeo.iq("set", "juliet@meet.example", fmt.Sprintf(enable, "cb1.meet.example"))
		romeo.got("for another", fmt.Sprintf(failure, "juliet@m", "romeo@m/r", "auth", "forbidden"))
		romeo.iq("set", "romeo@meet.example", fmt.Sprintf(enable, "cb1.meet.example"))
		romeo.got("at a component that is not there yet", romeo.result("romeo@m", ""))
		romeo.iq("set", "", fmt.Sprintf(enable, "x@cb2.meet.example"))
		romeo.got("a second", fmt.Sprintf(failure, "meet.example", "romeo@m/r", "wait", "resource-constraint"))
		if n := f.nodes["a"].Seen().Reached["xmpp.max_push_nodes"]; n != 1 {
			t.Errorf("counted %d times", n)
		}
		romeo.pushes("disable", "cb1.meet.example", "other", "")
		romeo.pushes("disable", "cb1.meet.example", "", "")
		if u := f.store.State().User(romeo.bare); !u.Empty() {
			t.Errorf("left: %+v", u)
		}
	})
}

// TestXEP0357Stored: an app server hears of each message that is kept for somebody
// who is not there, at every node that is enabled, and of no other; with the options
// it was enabled with (§7).
func TestXEP0357Stored(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet, romeo, app := f.online("b", "juliet", "j"), f.enter("c", "romeo", "r"), f.appServer("a")
		romeo.presence("")
		romeo.out.take()
		juliet.pushes("enable", "cb1.meet.example", "phone", "")
		juliet.pushes("enable", "cb1.meet.example", "pad", "<x xmlns='jabber:x:data'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field></x>")
		romeo.message(juliet.addr, "1")
		juliet.bodies()
		app.noticed("while she is there")
		juliet.leave()
		romeo.message("juliet@meet.example", "2")
		app.noticed("kept", "phone", "pad+")
		romeo.say("<message from='%s' to='juliet@meet.example' type='chat'><body>3</body><no-store xmlns='urn:xmpp:hints'/></message>", romeo.addr)
		romeo.say("<message from='%s' to='juliet@meet.example' type='headline'><body>4</body></message>", romeo.addr)
		romeo.say("<message from='%s' to='juliet@meet.example' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", romeo.addr)
		app.noticed("not kept")
		romeo.message("nurse@meet.example", "5")
		app.noticed("for somebody else")
		juliet = f.online("c", "juliet", "k")
		juliet.blocks("set", "block", "romeo@meet.example")
		juliet.got("blocks", juliet.done())
		juliet.pushes("disable", "cb1.meet.example", "pad", "")
		juliet.leave()
		romeo.message("juliet@meet.example", "6")
		app.noticed("of one who is blocked")
		nurse := f.online("b", "nurse", "n")
		nurse.message("juliet@meet.example", "7")
		app.noticed("the node that is left", "phone")
		app.leave()
		nurse.message("juliet@meet.example", "8")
		nurse.got("nobody there to be told, and no error")
		app = f.appServer("c")
		nurse.message("juliet@meet.example", "9")
		app.noticed("at another node", "phone")
		juliet = f.online("c", "juliet", "k")
		juliet.pushes("disable", "cb1.meet.example", "", "")
		juliet.leave()
		nurse.message("juliet@meet.example", "10")
		app.noticed("disabled")
	})
}

// TestXEP0357Waiting: of what a session gets whose client is not there but may
// resume it, an app server hears, also of a copy; not before, and not again once
// the client is back. So it does behind the loss of a node or a leader.
func TestXEP0357Waiting(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, app, phone := f.online("b", "romeo", "r"), f.appServer("b"), f.resumable("c", "juliet", "phone")
		phone.pushes("enable", "cb1.meet.example", "n", "")
		phone.carbons("enable")
		phone.h += 2
		desk := f.online("b", "juliet", "desk")
		phone.hear()
		romeo.message(phone.addr, "1")
		app.noticed("while she is there")
		phone.hear()
		phone.confirm()
		phone.away()
		romeo.message(phone.addr, "2")
		app.noticed("she is not", "n")
		romeo.message(desk.addr, "3")
		app.noticed("of a copy", "n")
		desk.message(romeo.addr, "4")
		app.noticed("of what she sent herself")
		romeo.say("<message from='%s' to='%s' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", romeo.addr, phone.addr)
		app.noticed("of nothing")
		f.lead("b")
		romeo.message(phone.addr, "5")
		app.noticed("behind the leader", "n")
		phone.mustResume("a", 3)
		if got := bodiesOf(phone.hear()); fmt.Sprint(got) != "[2 3 4 5]" {
			t.Errorf("heard %q", got)
		}
		romeo.message(phone.addr, "6")
		app.noticed("she is back")
		phone.hear()
		f.kill("a")
		app.noticed("her node is gone, and she has not confirmed all", "n")
		romeo.message(phone.addr, "7")
		app.noticed("while it is", "n")
		phone.mustResume("c", 3)
		if got := bodiesOf(phone.hear()); fmt.Sprint(got) != "[7]" {
			t.Errorf("heard %q", got)
		}
		f.lead("c")
		romeo.message(phone.addr, "8")
		app.noticed("she is back")
		phone.hear()
		desk.leave()
		phone.confirm()
		phone.away()
		app.noticed("she has all")
		phone.mustResume("b", 3)
		say(romeo, phone.addr, 9, 10)
		app.noticed("to a stream that is lost, of which nobody knows yet")
		phone.away()
		app.noticed("she may have missed them", "n")
		time.Sleep(2 * resumeWait)
		app.noticed("kept when her time is over", "n", "n")
	})
}

// TestXEP0357Refused: an error of the app server ends the registration that its
// notice was for, unless it says to wait or is of another one (§7.1).
func TestXEP0357Refused(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet, romeo, app := f.online("b", "juliet", "j"), f.online("c", "romeo", "r"), f.appServer("b")
		juliet.pushes("enable", "cb1.meet.example", "other", "")
		juliet.pushes("enable", "cb1.meet.example", "n", "")
		juliet.leave()
		romeo.message("juliet@meet.example", "1")
		app.noticed("kept", "other", "n")
		app.refuses("cb1.meet.example", "wait", "resource-constraint")
		app.refuses("x@cb1.meet.example", "cancel", "item-not-found")
		romeo.say("<iq from='%s' to='meet.example' type='error' id='%s'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>", romeo.addr, app.last)
		romeo.message("juliet@meet.example", "2")
		app.noticed("still", "other", "n")
		app.refuses("cb1.meet.example", "cancel", "item-not-found")
		f.lead("c")
		romeo.message("juliet@meet.example", "3")
		app.noticed("the one that is left", "other")
		stale := *app
		juliet = f.online("b", "juliet", "j")
		juliet.pushes("enable", "cb1.meet.example", "other", "")
		juliet.leave()
		stale.refuses("cb1.meet.example", "cancel", "item-not-found") // of the registration before
		romeo.message("juliet@meet.example", "4")
		app.noticed("registered anew", "other")
	})
}

// TestXEP0357LeaderLost: a leader goes around the commands that register, keep a
// message and end a registration: each happens once, and one notice is given of
// each message.
func TestXEP0357LeaderLost(t *testing.T) {
	for _, what := range []fault{lost, mute, heavy} {
		t.Run(fmt.Sprint(what), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				juliet, romeo, app := f.online("b", "juliet", "j"), f.online("c", "romeo", "r"), f.appServer("b")
				around := func(next string, do func()) {
					f.store.breaks(what)
					do()
					synctest.Wait()
					for _, n := range f.nodes {
						n.Abdicate()
					}
					f.store.breaks(none)
					f.lead(next)
					time.Sleep(10 * time.Second)
				}
				around("b", func() { juliet.iq("set", "", "<enable xmlns='urn:xmpp:push:0' jid='cb1.meet.example' node='n'/>") })
				juliet.got("enabled", juliet.result("juliet@m", ""))
				juliet.leave()
				around("c", func() { romeo.message("juliet@meet.example", "1") })
				app.noticed("once", "n")
				around("a", func() { app.refuses("cb1.meet.example", "cancel", "item-not-found") })
				if list := f.store.State().User(juliet.bare).Noticed(); len(list) != 0 {
					t.Errorf("left: %+v", list)
				}
				romeo.message("juliet@meet.example", "2")
				app.noticed("ended")
			})
		})
	}
}

// … and whichever of a message, its notice and their answers is lost with the
// leader, of a message that is kept and of one for a session that waits.
func TestXEP0357NoticedOnce(t *testing.T) {
	for _, mute := range [][2]string{{"a", "b"}, {"a", "c"}, {"b", "a"}, {"c", "a"}} {
		t.Run(fmt.Sprint(mute), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				romeo, app, phone := f.online("b", "romeo", "r"), f.appServer("b"), f.resumable("c", "juliet", "phone")
				nurse := f.online("c", "nurse", "n")
				for _, c := range []*client{phone.client, nurse} {
					c.pushes("enable", "cb1.meet.example", strings.Split(c.bare, "@")[0], "")
				}
				phone.h++
				nurse.leave()
				phone.away()
				f.mu.Lock()
				f.mute[mute] = true
				f.mu.Unlock()
				romeo.message("nurse@meet.example", "1")
				synctest.Wait()
				romeo.message(phone.addr, "2")
				synctest.Wait()
				f.mu.Lock()
				f.mute[mute] = false
				f.mu.Unlock()
				f.lead("c")
				time.Sleep(time.Second)
				app.noticed("once each", "nurse", "juliet")
				romeo.got("no error")
				phone.mustResume("b", 2)
				if got := bodiesOf(phone.hear()); fmt.Sprint(got) != "[2]" {
					t.Errorf("heard %q", got)
				}
				if u := f.store.State().User("nurse@meet.example"); len(u.Offline) != 1 {
					t.Errorf("%d messages are kept", len(u.Offline))
				}
			})
		})
	}
}

// Registrations go with their account, and into a cluster with it.
func TestXEP0357GoesWithItsAccount(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet := f.enter("b", "juliet", "j")
		juliet.pushes("enable", "cb1.meet.example", "n", "")
		st := f.store.State()
		back, err := replica.Decode(replica.Encode(st.Standalone()))
		if err != nil || len(back.User(juliet.bare).Noticed()) != 1 {
			t.Errorf("read back: %v", err)
		}
		if err := f.store.apply(replica.DeleteAccount("juliet")); err != nil || f.store.State().User(juliet.bare) != nil {
			t.Errorf("left: %v", err)
		}
	})
}

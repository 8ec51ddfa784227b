package forward

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// client is a bound client of a fabric.
type client struct {
	f    *fabric
	addr string
	bare string
	s    edge.Session
	out  *stream
	kept []string // taken and not yet looked at, of events
}

// enter binds a client at a node; user and resource, without the domain.
func (f *fabric) enter(node, user, resource string) *client {
	f.t.Helper()
	c := &client{f: f, bare: user + "@meet.example", addr: user + "@meet.example/" + resource}
	c.s, c.out = f.bind(node, c.addr)
	return c
}

// online is enter with the roster asked for and initial presence sent, and what
// that brought taken.
func (f *fabric) online(node, user, resource string) *client {
	f.t.Helper()
	c := f.enter(node, user, resource)
	c.roster("")
	c.presence("")
	c.out.take()
	return c
}

func (c *client) roster(ver string) {
	c.say("<iq from='%s' type='get' id='roster'><query xmlns='jabber:iq:roster'%s/></iq>", c.addr, ver)
}

func (c *client) set(item string) {
	c.say("<iq from='%s' type='set' id='set'><query xmlns='jabber:iq:roster'>%s</query></iq>", c.addr, item)
}

func (c *client) presence(inner string) { c.say("<presence from='%s'>%s</presence>", c.addr, inner) }

func (c *client) ask(typ, to string) {
	c.say("<presence from='%s' to='%s@meet.example' type='%s' id='%s'/>", c.bare, to, typ, typ)
}

func (c *client) message(to, body string) {
	c.say("<message from='%s' to='%s' type='chat'><body>%s</body></message>", c.addr, to, body)
}

func (c *client) say(format string, a ...any) {
	c.f.t.Helper()
	c.f.say(c.s, fmt.Sprintf(format, a...))
}

var generated = regexp.MustCompile(`id='q[0-9a-f]+' `)

// got checks what came since the last look, in order; ids that the server made
// are left out.
func (c *client) got(what string, want ...string) {
	c.f.t.Helper()
	var list []string
	for _, raw := range c.out.take() {
		list = append(list, short(generated.ReplaceAllString(raw, "")))
	}
	if d := cmp.Diff(want, list); d != "" {
		c.f.t.Errorf("%s, %s: (-want +got)\n%s", c.addr, what, d)
	}
}

// short writes the domain shorter.
func short(text string) string { return strings.ReplaceAll(text, "@meet.example", "@m") }

// push is a roster push as got shows it.
func push(to string, ver int, item string) string {
	return fmt.Sprintf("<iq type='set' to='%s'><query xmlns='jabber:iq:roster' ver='-%d'>%s</query></iq>", to, ver, item)
}

// bodies lists the bodies of the messages that came since the last look.
func (c *client) bodies() (list []string) {
	c.f.t.Helper()
	for _, raw := range c.out.take() {
		if _, after, ok := strings.Cut(raw, "<body>"); ok {
			body, _, _ := strings.Cut(after, "</body>")
			list = append(list, body)
		}
	}
	return list
}

// crowd runs a test on three nodes, led by a, with accounts.
func crowd(t *testing.T, body func(t *testing.T, f *fabric)) {
	t.Helper()
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.store.people(t, "romeo", "juliet", "nurse")
		f.lead("a")
		body(t, f)
	})
}

// befriend makes a mutual subscription of romeo and juliet.
func (f *fabric) befriend(t *testing.T) {
	t.Helper()
	for i, c := range []struct{ from, to, typ string }{
		{"romeo", "juliet", "subscribe"}, {"juliet", "romeo", "subscribed"}, {"juliet", "romeo", "subscribe"}, {"romeo", "juliet", "subscribed"},
	} {
		e := replica.Effect{Inc: replica.Source{99}, Seq: uint64(i + 1), Low: 1}
		if err := f.store.apply(replica.Command{Op: replica.OpSubscription, Effect: &e, User: c.from + "@meet.example",
			Contact: c.to + "@meet.example", Name: c.typ}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestM5_2_RosterOnTwoNodes is RFC 6121 §2.1 to §2.5: a set reaches the
// interested resources at every node, a resource that did not ask is left alone.
func TestM5_2_RosterOnTwoNodes(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		one, two, third := f.enter("b", "romeo", "one"), f.enter("c", "romeo", "two"), f.enter("b", "romeo", "three")
		one.roster("")
		two.roster("")
		const empty = "<iq type='result' id='roster' from='romeo@m' to='romeo@m/%s'><query xmlns='jabber:iq:roster' ver='-0'></query></iq>"
		one.got("empty", fmt.Sprintf(empty, "one"))
		two.got("empty", fmt.Sprintf(empty, "two"))
		one.set("<item jid='nurse@meet.example' name='Nurse'><group>Servants</group></item>")
		item := "<item jid='nurse@m' name='Nurse' subscription='none'><group>Servants</group></item>"
		one.got("added", "<iq type='result' id='set' from='romeo@m' to='romeo@m/one'/>", push("romeo@m/one", 1, item))
		two.got("added", push("romeo@m/two", 1, item))
		two.set("<item jid='nurse@meet.example'/>")
		two.got("updated", "<iq type='result' id='set' from='romeo@m' to='romeo@m/two'/>", push("romeo@m/two", 2, "<item jid='nurse@m' subscription='none'/>"))
		one.got("updated", push("romeo@m/one", 2, "<item jid='nurse@m' subscription='none'/>"))
		two.roster(" ver='-1'")
		two.got("from version 1", "<iq type='result' id='roster' from='romeo@m' to='romeo@m/two'><query xmlns='jabber:iq:roster' ver='-2'><item jid='nurse@m' subscription='none'/></query></iq>")
		two.roster(" ver='-2'")
		two.got("nothing new", "<iq type='result' id='roster' from='romeo@m' to='romeo@m/two'/>")
		one.set("<item jid='nurse@meet.example' subscription='remove'/>")
		one.got("removed", "<iq type='result' id='set' from='romeo@m' to='romeo@m/one'/>", push("romeo@m/one", 3, "<item jid='nurse@m' subscription='remove'/>"))
		two.got("removed", push("romeo@m/two", 3, "<item jid='nurse@m' subscription='remove'/>"))
		two.roster(" ver='-2'")
		two.got("since", "<iq type='result' id='roster' from='romeo@m' to='romeo@m/two'><query xmlns='jabber:iq:roster' ver='-3'></query></iq>")
		third.got("it did not ask")
	})
}

// TestM5_2_RosterRefusals is RFC 6121 §2.1.5 and §2.3.3: who may not, and what.
func TestM5_2_RosterRefusals(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.enter("b", "romeo", "x")
		for inner, want := range map[string]string{
			"type='get' to='juliet@meet.example'><query xmlns='jabber:iq:roster'/>":                                      "forbidden",
			"type='set' to='juliet@meet.example'><query xmlns='jabber:iq:roster'><item jid='a@b'/></query>":              "forbidden",
			"type='set'><query xmlns='jabber:iq:roster'><item jid='a@b'/><item jid='a@c'/></query>":                      "bad-request",
			"type='set'><query xmlns='jabber:iq:roster'><item jid='a@b'><group/></item></query>":                         "not-acceptable",
			"type='set'><query xmlns='jabber:iq:roster'><item jid='a@b' subscription='remove'/></query>":                 "item-not-found",
			"type='set' to='romeo@meet.example'><query xmlns='jabber:iq:roster'><item jid='a@other'><x/></item></query>": "type='result'",
		} {
			romeo.say("<iq from='%s' id='1' %s</iq>", romeo.addr, inner)
			if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("%s: %q, want %s", inner, got, want)
			}
		}
	})
}

// TestM5_2_SubscriptionBetweenNodes is the handshake of RFC 6121 §3.1 between
// users at different nodes, neither of them the leader's: what each resource
// sees, in order.
func TestM5_2_SubscriptionBetweenNodes(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
		deaf := f.enter("c", "juliet", "deaf") // not available, not interested
		romeo.ask("subscribe", "juliet")
		romeo.got("asked", push("romeo@m/r", 1, "<item jid='juliet@m' subscription='none' ask='subscribe'/>"))
		juliet.got("is asked", "<presence to='juliet@m' from='romeo@m' type='subscribe' id='subscribe'/>")
		romeo.ask("subscribe", "juliet")
		romeo.got("again")
		juliet.got("again")
		juliet.ask("subscribed", "romeo")
		juliet.got("approves", push("juliet@m/j", 3, "<item jid='romeo@m' subscription='from'/>"))
		romeo.got("is approved", "<presence to='romeo@m' from='juliet@m' type='subscribed' id='subscribed'/>",
			push("romeo@m/r", 3, "<item jid='juliet@m' subscription='to'/>"), "<presence to='romeo@m' from='juliet@m/j'></presence>")
		juliet.ask("subscribe", "romeo")
		juliet.out.take()
		romeo.got("is asked", "<presence to='romeo@m' from='juliet@m' type='subscribe' id='subscribe'/>")
		romeo.ask("subscribed", "juliet")
		romeo.got("approves", push("romeo@m/r", 5, "<item jid='juliet@m' subscription='both'/>"))
		juliet.got("is approved", "<presence to='juliet@m' from='romeo@m' type='subscribed' id='subscribed'/>",
			push("juliet@m/j", 5, "<item jid='romeo@m' subscription='both'/>"), "<presence to='juliet@m' from='romeo@m/r'></presence>")

		juliet.ask("unsubscribed", "romeo") // §3.2: presence ends before the word that ends it
		romeo.got("is cancelled", "<presence type='unavailable' from='juliet@m/j' to='romeo@m'/>",
			"<presence to='romeo@m' from='juliet@m' type='unsubscribed' id='unsubscribed'/>",
			push("romeo@m/r", 6, "<item jid='juliet@m' subscription='from'/>"))
		juliet.got("cancels", push("juliet@m/j", 6, "<item jid='romeo@m' subscription='to'/>"))
		juliet.ask("unsubscribe", "romeo") // §3.3
		romeo.got("is left", "<presence to='romeo@m' from='juliet@m' type='unsubscribe' id='unsubscribe'/>",
			push("romeo@m/r", 7, "<item jid='juliet@m' subscription='none'/>"))
		juliet.got("leaves", "<presence type='unavailable' from='romeo@m/r' to='juliet@m'/>",
			push("juliet@m/j", 7, "<item jid='romeo@m' subscription='none'/>"))
		deaf.got("nothing")
	})
}

// TestM5_2_RequestsReachLaterResources is RFC 6121 §3.1.3 rule 4: a request is
// told to every resource that becomes available, until it is answered.
func TestM5_2_RequestsReachLaterResources(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.online("b", "romeo", "r")
		romeo.say("<presence from='%s' to='juliet@meet.example/gone' type='subscribe'><status>please</status></presence>", romeo.bare)
		request := "<presence to='juliet@m' from='romeo@m' type='subscribe'><status>please</status></presence>"
		self := "<presence to='juliet@m' from='juliet@m/%s'></presence>"
		for _, resource := range []string{"one", "two"} {
			j := f.enter("c", "juliet", resource)
			j.presence("")
			j.got("becomes available", fmt.Sprintf(self, resource), request)
			j.presence("")
			j.got("is still available", fmt.Sprintf(self, resource))
			j.s.Close()
			synctest.Wait()
		}
		j := f.enter("a", "juliet", "three")
		j.ask("unsubscribed", "romeo")
		j.presence("")
		j.got("after the answer", fmt.Sprintf(self, "three"))
	})
}

// TestM5_2_RequestsInBetween: a resource that becomes available while a request is
// in the store and its stanza still on its way gets it once.
func TestM5_2_RequestsInBetween(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.online("b", "romeo", "r")
		f.store.breaks(late)
		romeo.ask("subscribe", "juliet")
		synctest.Wait()
		if n := len(f.store.State().User("juliet@meet.example").Contacts(im.PendingIn)); n != 1 {
			t.Fatalf("%d requests are in the store", n)
		}
		juliet := f.enter("c", "juliet", "j")
		juliet.presence("")
		time.Sleep(2 * time.Second)
		juliet.got("becomes available", "<presence to='juliet@m' from='juliet@m/j'></presence>",
			"<presence to='juliet@m' from='romeo@m' type='subscribe' id='subscribe'/>")
		f.store.breaks(none)
		later := f.enter("a", "juliet", "later")
		later.presence("")
		later.got("becomes available later", "<presence to='juliet@m' from='juliet@m/later'></presence>",
			"<presence to='juliet@m' from='juliet@m/j'></presence>", "<presence to='juliet@m' from='romeo@m' type='subscribe' id='subscribe'/>")
	})
}

// TestM5_2_AccountRemoved: contacts hear that a removed account is not there any
// more, also over the loss of the leader; then the store forgets who they were.
func TestM5_2_AccountRemoved(t *testing.T) {
	for _, leader := range []string{"a", "b"} {
		crowd(t, func(t *testing.T, f *fabric) {
			f.befriend(t)
			romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
			romeo.out.take()
			if err := f.store.apply(replica.DeleteAccount("juliet")); err != nil {
				t.Fatal(err)
			}
			if leader != "a" {
				f.lead(leader)
			}
			time.Sleep(5 * time.Second)
			juliet.s.Close()
			romeo.got("juliet is removed", "<presence to='romeo@m' type='unavailable' from='juliet@m/j'/>")
			time.Sleep(5 * time.Second)
			if left := f.store.State().Parted; len(left) != 0 {
				t.Errorf("still in the store: %v", left)
			}
		})
	}
}

// TestM5_2_PresenceBroadcast is RFC 6121 §4.2 to §4.5: to the subscribers and
// the own resources, wherever they are, and what a newcomer is told.
func TestM5_2_PresenceBroadcast(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		juliet, stranger := f.online("c", "juliet", "j"), f.online("c", "nurse", "n")
		romeo := f.enter("b", "romeo", "r")
		romeo.presence("<show>away</show>")
		romeo.got("initial presence", "<presence to='romeo@m' from='romeo@m/r'><show>away</show></presence>",
			"<presence to='romeo@m' from='juliet@m/j'></presence>")
		juliet.got("initial presence", "<presence to='juliet@m' from='romeo@m/r'><show>away</show></presence>")
		second := f.enter("a", "romeo", "s")
		second.presence("<priority>1</priority>")
		second.got("second resource", "<presence to='romeo@m' from='romeo@m/s'><priority>1</priority></presence>",
			"<presence to='romeo@m' from='romeo@m/r'><show>away</show></presence>", "<presence to='romeo@m' from='juliet@m/j'></presence>")
		romeo.got("second resource", "<presence to='romeo@m' from='romeo@m/s'><priority>1</priority></presence>")
		juliet.out.take()
		romeo.presence("")
		juliet.got("subsequent presence", "<presence to='juliet@m' from='romeo@m/r'></presence>")
		second.got("subsequent presence", "<presence to='romeo@m' from='romeo@m/r'></presence>")
		romeo.say("<presence from='%s' type='unavailable'><status>bye</status></presence>", romeo.addr)
		juliet.got("unavailable presence", "<presence to='juliet@m' from='romeo@m/r' type='unavailable'><status>bye</status></presence>")
		second.got("unavailable presence", "<presence to='romeo@m' from='romeo@m/r' type='unavailable'><status>bye</status></presence>")
		romeo.say("<presence from='%s' type='unavailable'/>", romeo.addr)
		juliet.got("twice unavailable")
		second.s.Close() // §4.5.2: without a word
		juliet.got("the stream ends", "<presence to='juliet@m' type='unavailable' from='romeo@m/s'/>")
		romeo.s.Close()
		juliet.got("an unavailable stream ends")
		stranger.got("nothing")
	})
}

// TestM5_2_Probes is RFC 6121 §4.3.2.
func TestM5_2_Probes(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, nurse := f.online("b", "romeo", "r"), f.online("c", "nurse", "n")
		probe := func(c *client, to string) {
			c.say("<presence from='%s' to='%s' type='probe' id='p'/>", c.addr, to)
		}
		probe(romeo, "juliet@meet.example")
		romeo.got("nobody there", "<presence type='unavailable' from='juliet@m' to='romeo@m' id='p'/>")
		juliet := f.enter("a", "juliet", "j")
		juliet.presence("<show>dnd</show>")
		romeo.out.take()
		probe(romeo, "juliet@meet.example")
		romeo.got("there", "<presence to='romeo@m' from='juliet@m/j'><show>dnd</show></presence>")
		probe(romeo, "juliet@meet.example/j")
		romeo.got("one resource: only that it is there", "<presence from='juliet@m/j' to='romeo@m'/>")
		probe(nurse, "juliet@meet.example")
		nurse.got("not subscribed", "<presence type='unsubscribed' from='juliet@m' to='nurse@m' id='p'/>")
		probe(nurse, "nobody@meet.example")
		nurse.got("no such account", "<presence type='unsubscribed' from='nobody@m' to='nurse@m' id='p'/>")
	})
}

// TestM5_2_DirectedPresence is RFC 6121 §4.6: it reaches who it is for, and so
// does its end.
func TestM5_2_DirectedPresence(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, nurse, juliet := f.enter("b", "romeo", "r"), f.online("c", "nurse", "n"), f.online("a", "juliet", "j")
		romeo.say("<presence from='%s' to='nurse@meet.example'/>", romeo.addr)
		romeo.say("<presence from='%s' to='juliet@meet.example/j'/>", romeo.addr)
		nurse.got("directed", "<presence from='romeo@m/r' to='nurse@m'/>")
		juliet.got("directed", "<presence from='romeo@m/r' to='juliet@m/j'/>")
		romeo.say("<presence from='%s' to='juliet@meet.example/j' type='unavailable'/>", romeo.addr)
		juliet.got("ended", "<presence from='romeo@m/r' to='juliet@m/j' type='unavailable'/>")
		romeo.s.Close()
		nurse.got("the stream ends", "<presence type='unavailable' from='romeo@m/r' to='nurse@m'/>")
		juliet.got("once")

		f.befriend(t) // who is subscribed hears of the end once, by broadcast or else directed
		for i, broadcast := range []bool{true, false} {
			c := f.enter("b", "romeo", fmt.Sprint(i))
			if broadcast {
				c.presence("")
			}
			c.say("<presence from='%s' to='juliet@meet.example'/>", c.addr)
			juliet.out.take()
			c.s.Close()
			if got := juliet.out.take(); len(got) != 1 || !strings.Contains(got[0], "unavailable") {
				t.Errorf("broadcast before %v: %q", broadcast, got)
			}
		}
	})
}

// TestProbesOfDirectedPresence: without a subscription a probe of a resource is
// answered as far as that resource sent the asker presence, which may have been with
// another leader (RFC 6121 §4.6.6): only that it is there.
func TestProbesOfDirectedPresence(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, phone := f.online("b", "romeo", "r"), f.resumable("a", "romeo", "p")
		nurse, juliet := f.online("c", "nurse", "n"), f.online("c", "juliet", "j")
		s, out := f.bind("c", "cb1.meet.example")
		room := &client{f: f, addr: "cb1", s: s, out: out}
		for _, c := range []*client{romeo, phone.client} {
			c.say("<presence from='%s' to='room@cb1.meet.example/x'><show>away</show></presence>", c.addr)
			c.say("<presence from='%s' to='nurse@meet.example'/>", c.addr)
		}
		f.lead("b")
		room.out.take()
		nurse.out.take()
		romeo.out.take()
		phone.hear()
		for _, c := range []*client{romeo, phone.client} {
			room.say("<presence from='room@cb1.meet.example/x' to='%s' type='probe'/>", c.addr)
			room.got("was sent presence", fmt.Sprintf("<presence from='%s' to='room@cb1.meet.example/x'/>", short(c.addr)))
			room.say("<presence from='room@cb1.meet.example/y' to='%s' type='probe'/>", c.addr)
			room.got("was not", "<presence type='unsubscribed' from='romeo@m' to='room@cb1.meet.example'/>")
			nurse.say("<presence from='%s' to='%s' type='probe'/>", nurse.addr, c.addr)
			nurse.got("was sent presence", fmt.Sprintf("<presence from='%s' to='nurse@m/n'/>", short(c.addr)))
			juliet.say("<presence from='%s' to='%s' type='probe' id='1'/>", juliet.addr, c.addr)
			juliet.got("was not", "<presence type='unsubscribed' from='romeo@m' to='juliet@m' id='1'/>")
			c.say("<presence from='%s' to='nurse@meet.example' type='unavailable'/>", c.addr)
			nurse.out.take()
			nurse.say("<presence from='%s' to='%s' type='probe'/>", nurse.addr, c.addr)
			nurse.got("was sent the end", "<presence type='unsubscribed' from='romeo@m' to='nurse@m'/>")
			if got := slices.Concat(romeo.out.take(), phone.hear()); len(got) != 0 {
				t.Errorf("no client gets a probe: %q", got)
			}
		}
	})
}

// TestDirectedPresenceEnds: what a subscription does not reach hears of the end of
// directed presence by itself (RFC 6121 §4.6.3 rule 2): an occupant's address of a
// component that is a contact, and a contact's resource that is not available.
func TestDirectedPresenceEnds(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		juliet, romeo, other := f.online("b", "juliet", "j"), f.enter("c", "romeo", "r"), f.online("a", "romeo", "other")
		s, out := f.bind("c", "cb1.meet.example")
		f.say(s, "<presence from='room@cb1.meet.example' to='juliet@meet.example' type='subscribe'/>")
		juliet.say("<presence from='%s' to='room@cb1.meet.example' type='subscribed'/>", juliet.bare)
		for _, to := range []string{"room@cb1.meet.example/nick", romeo.addr, other.addr} {
			juliet.say("<presence from='%s' to='%s'/>", juliet.addr, to)
		}
		out.take()
		romeo.out.take()
		other.out.take()
		juliet.s.Close()
		romeo.got("was sent presence", "<presence type='unavailable' from='juliet@m/j' to='romeo@m/r'/>")
		other.got("has the broadcast", "<presence to='romeo@m' type='unavailable' from='juliet@m/j'/>")
		component := &client{f: f, addr: "cb1", out: out}
		component.got("the contact, and the occupant", "<presence to='room@cb1.meet.example' type='unavailable' from='juliet@m/j'/>",
			"<presence type='unavailable' from='juliet@m/j' to='room@cb1.meet.example/nick'/>")
	})
}

// TestRefusedRequestsChangeNothing: what is asked of another account has no effect,
// with the next leader neither, which reads from the edge's report what a session has.
func TestRefusedRequestsChangeNothing(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, desk, juliet := f.online("a", "romeo", "r"), f.enter("b", "juliet", "desk"), f.online("c", "juliet", "j")
		for _, to := range []string{"romeo@meet.example", "romeo@meet.example/r", "meet.example"} {
			desk.say("<iq from='%s' to='%s' type='set' id='1'><enable xmlns='urn:xmpp:carbons:2'/></iq>", desk.addr, to)
			desk.say("<iq from='%s' to='%s' type='get' id='2'><query xmlns='jabber:iq:roster'/></iq>", desk.addr, to)
			desk.say("<iq from='%s' to='%s' type='get' id='3'><blocklist xmlns='urn:xmpp:blocking'/></iq>", desk.addr, to)
		}
		desk.out.take()
		for _, leader := range []string{"a", "c"} {
			f.lead(leader)
			romeo.message(juliet.addr, "hello")
			juliet.set("<item jid='a@b'/>")
			juliet.blocks("set", "block", "nurse@meet.example")
			desk.got("led by " + leader)
		}
	})
}

// TestM5_2_OfflineStore is XEP-0160: kept while nobody takes messages, delivered
// in order and once to the first that does, with the note of XEP-0203.
func TestM5_2_OfflineStore(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.online("b", "romeo", "r")
		shy := f.enter("c", "juliet", "shy")
		shy.presence("<priority>-1</priority>")
		shy.out.take()
		for i := range 5 {
			romeo.message("juliet@meet.example", fmt.Sprint(i))
		}
		romeo.say("<message from='%s' to='juliet@meet.example' type='headline'><body>no</body></message>", romeo.addr)
		romeo.say("<message from='%s' to='juliet@meet.example' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", romeo.addr)
		romeo.got("no errors")
		shy.got("a negative priority")
		juliet := f.enter("c", "juliet", "j")
		juliet.presence("")
		got := juliet.out.take()
		if len(got) != 7 || !strings.Contains(got[6], "<delay xmlns='urn:xmpp:delay' from='meet.example' stamp='") {
			t.Fatalf("%q", got)
		}
		for i, raw := range got[2:] {
			if !strings.Contains(raw, fmt.Sprintf("<body>%d</body>", i)) {
				t.Errorf("message %d: %s", i, raw)
			}
		}
		romeo.message("juliet@meet.example", "now")
		juliet.presence("")
		if got := juliet.bodies(); !slices.Equal(got, []string{"now"}) {
			t.Errorf("then %q", got)
		}
		if u := f.store.State().User("juliet@meet.example"); u != nil {
			t.Errorf("left in the store: %+v", u)
		}
		romeo.say("<message from='%s' to='nurse@meet.example' type='chat'><body>x</body><delay xmlns='urn:xmpp:delay' from='meet.example' stamp='2002-10-10T23:08:25Z'/></message>", romeo.addr)
		synctest.Wait()
		if got := f.online2("a", "nurse", "n").out.take(); len(got) != 2 || strings.Count(got[1], "<delay ") != 2 {
			t.Errorf("a delay that a client made up: %q", got)
		}
		romeo.message("nobody@meet.example", "x")
		romeo.got("no such account", "<message type='error' from='nobody@m' to='romeo@m/r'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
	})
}

// TestM5_2_UnwrittenMessagesAreKept: what a stream that ends had not written goes
// to the offline store, and from there to the next resource.
func TestM5_2_UnwrittenMessagesAreKept(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
		juliet.out.stuck = true
		for i := range 3 {
			romeo.message("juliet@meet.example", fmt.Sprint(i))
		}
		synctest.Wait()
		juliet.s.Close()
		romeo.got("no errors")
		again := f.online2("a", "juliet", "k")
		if got := again.bodies(); !slices.Equal(got, []string{"0", "1", "2"}) {
			t.Errorf("got %q", got)
		}
	})
}

// online2 is online without taking what came.
func (f *fabric) online2(node, user, resource string) *client {
	f.t.Helper()
	c := f.enter(node, user, resource)
	c.presence("")
	return c
}

// TestM5_2_LaneOrderOverTheStore is cluster-protocol rule 6: what follows a
// stanza that needs the store waits for it, and nobody else does.
func TestM5_2_LaneOrderOverTheStore(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, nurse := f.online("b", "romeo", "r"), f.online("c", "nurse", "n")
		f.store.breaks(heavy)
		romeo.message("juliet@meet.example", "1") // to the store
		romeo.message("nurse@meet.example", "2")  // behind it
		other := f.enter("a", "romeo", "other")
		other.message("nurse@meet.example", "3") // another lane
		if got := nurse.bodies(); !slices.Equal(got, []string{"3"}) {
			t.Fatalf("while the store is slow: %q", got)
		}
		juliet := f.online2("c", "juliet", "j")
		f.store.breaks(none)
		time.Sleep(2 * commitWait)
		if got := nurse.bodies(); !slices.Equal(got, []string{"2"}) {
			t.Errorf("to the nurse: %q", got)
		}
		if got := juliet.bodies(); !slices.Equal(got, []string{"1"}) {
			t.Errorf("to juliet: %q", got)
		}
	})
}

// TestM5_5_LeaderLostAroundTheCommit: the leader is replaced before, while and
// after each effect is committed; it happens once, and its sender and everyone
// concerned hear of it once.
func TestM5_5_LeaderLostAroundTheCommit(t *testing.T) {
	for _, what := range []fault{lost, mute, heavy} {
		t.Run(fmt.Sprint(what), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
				step := func(next string, do func()) {
					f.store.breaks(what)
					do()
					synctest.Wait()
					f.nodes["a"].Abdicate()
					f.nodes["b"].Abdicate()
					f.store.breaks(none)
					f.lead(next)
					time.Sleep(10 * time.Second) // also for what the former leader still waits for
				}
				step("b", func() { romeo.set("<item jid='nurse@meet.example'/>") })
				romeo.got("roster set", "<iq type='result' id='set' from='romeo@m' to='romeo@m/r'/>", push("romeo@m/r", 1, "<item jid='nurse@m' subscription='none'/>"))
				step("a", func() { romeo.ask("subscribe", "juliet") })
				romeo.got("subscribe", push("romeo@m/r", 2, "<item jid='juliet@m' subscription='none' ask='subscribe'/>"))
				juliet.got("subscribe", "<presence to='juliet@m' from='romeo@m' type='subscribe' id='subscribe'/>")
				step("b", func() { juliet.ask("subscribed", "romeo") })
				juliet.got("subscribed", push("juliet@m/j", 3, "<item jid='romeo@m' subscription='from'/>"))
				romeo.got("subscribed", "<presence to='romeo@m' from='juliet@m' type='subscribed' id='subscribed'/>",
					push("romeo@m/r", 3, "<item jid='juliet@m' subscription='to'/>"), "<presence to='romeo@m' from='juliet@m/j'></presence>")
				step("a", func() { romeo.message("nurse@meet.example", "kept") })
				step("b", func() { // the deletion is what fails
					nurse := f.online2("c", "nurse", "n")
					if got := nurse.bodies(); !slices.Equal(got, []string{"kept"}) {
						t.Errorf("the nurse got %q", got)
					}
				})
				again := f.online2("a", "nurse", "m")
				if got := again.bodies(); len(got) != 0 {
					t.Errorf("the nurse got %q again", got)
				}
				if u := f.store.State().User("nurse@meet.example"); u != nil {
					t.Errorf("left in the store: %+v", u)
				}
			})
		})
	}
}

// TestM5_6_GhostsEndWithTheirNode is cluster-protocol rule 12: whoever was shown
// a user of a node that died is told, once, also when that was the leader.
func TestM5_6_GhostsEndWithTheirNode(t *testing.T) {
	for _, c := range []struct {
		dead, next string
		proved     bool
	}{{"b", "a", true}, {"b", "a", false}, {"a", "b", true}, {"a", "b", false}} {
		t.Run(fmt.Sprintf("%s, proved dead %v", c.dead, c.proved), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				f.befriend(t)
				juliet := f.online("c", "juliet", "j")
				f.online(c.dead, "romeo", "r")
				juliet.out.take()
				for _, other := range []string{"a", "b", "c"} {
					if other != c.dead {
						f.cut(other, c.dead, c.proved)
					}
				}
				if c.dead == "a" {
					f.term++
					members := []router.Member{{Node: "a", Voter: true}, {Node: "b", Voter: true}, {Node: "c", Voter: true}}
					f.nodes[c.next].Reign(f.term, members, func(to string) bool { return to == "c" })
				}
				time.Sleep(3 * time.Second)
				juliet.got("ghost", "<presence type='unavailable' from='romeo@m/r' to='juliet@m/j'/>")
				if c.dead == "b" { // it was cut off, not dead: it returns, and so does romeo
					f.join("a", "b")
					f.join("b", "c")
					time.Sleep(6 * time.Second)
					juliet.got("returned", "<presence to='juliet@m' from='romeo@m/r'></presence>")
				}
			})
		})
	}
}

// TestM5_2_ComponentAsContact: a Call Bridge in a roster is a contact of another
// server (RFC 6121 §3.1.2 rule 3): it is told, asked and probed, and answers for
// itself.
func TestM5_2_ComponentAsContact(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo := f.online("b", "romeo", "r")
		s, out := f.bind("c", "cb1.meet.example")
		bridge := &client{f: f, addr: "cb1.meet.example", bare: "cb1.meet.example", s: s, out: out}
		const room = "room@cb1.meet.example"
		romeo.say("<presence from='%s' to='%s' type='subscribe'/>", romeo.bare, room)
		romeo.got("asks", push("romeo@m/r", 1, "<item jid='room@cb1.meet.example' subscription='none' ask='subscribe'/>"))
		bridge.got("is asked", "<presence to='room@cb1.meet.example' from='romeo@m' type='subscribe'/>")
		bridge.say("<presence from='%s' to='%s' type='subscribed'/>", room, romeo.bare)
		bridge.say("<presence from='%s' to='%s' type='subscribe'/>", room, romeo.bare)
		bridge.say("<presence from='%s/x' to='%s'/>", room, romeo.bare)
		romeo.got("is answered and asked", "<presence to='romeo@m' from='room@cb1.meet.example' type='subscribed'/>",
			push("romeo@m/r", 2, "<item jid='room@cb1.meet.example' subscription='to'/>"),
			"<presence to='romeo@m' from='room@cb1.meet.example' type='subscribe'/>", "<presence from='room@cb1.meet.example/x' to='romeo@m'/>")
		romeo.say("<presence from='%s' to='%s' type='subscribed'/>", romeo.bare, room)
		romeo.got("approves", push("romeo@m/r", 4, "<item jid='room@cb1.meet.example' subscription='both'/>"))
		bridge.got("is approved", "<presence to='room@cb1.meet.example' from='romeo@m' type='subscribed'/>",
			"<presence to='room@cb1.meet.example' from='romeo@m/r'></presence>")
		romeo.s.Close()
		bridge.got("romeo leaves", "<presence to='room@cb1.meet.example' type='unavailable' from='romeo@m/r'/>")
		again := f.enter("a", "romeo", "s")
		again.presence("")
		bridge.got("romeo is back", "<presence to='room@cb1.meet.example' from='romeo@m/s'></presence>",
			"<presence type='probe' from='romeo@m' to='room@cb1.meet.example'/>")
		bridge.say("<presence from='%s' to='%s' type='unsubscribe'/>", room, romeo.bare)
		bridge.got("leaves", "<presence type='unavailable' from='romeo@m/s' to='room@cb1.meet.example'/>",
			"<presence type='unsubscribed' from='romeo@m' to='room@cb1.meet.example'/>")
		again.out.take()
		again.say("<presence from='%s' to='x@far.example' type='subscribe' id='1'/>", again.bare)
		again.got("no such server", "<presence type='error' id='1' from='x@far.example' to='romeo@m'><error type='cancel'><remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>")
	})
}

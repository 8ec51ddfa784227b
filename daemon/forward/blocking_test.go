package forward

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// blocks sends a request about the block list.
func (c *client) blocks(typ, name, items string) {
	c.f.t.Helper()
	inner := ""
	for _, item := range strings.Fields(items) {
		inner += "<item jid='" + item + "'/>"
	}
	c.say("<iq from='%s' type='%s' id='b'><%s xmlns='urn:xmpp:blocking'>%s</%s></iq>", c.addr, typ, name, inner, name)
}

// done is the empty answer to it, and list one with a list.
func (c *client) done() string {
	return "<iq type='result' id='b' from='" + short(c.bare) + "' to='" + short(c.addr) + "'/>"
}

func blockPush(to, name, items string) string {
	inner := ""
	for _, item := range strings.Fields(items) {
		inner += "<item jid='" + item + "'/>"
	}
	return fmt.Sprintf("<iq type='set' to='%s'><%s xmlns='urn:xmpp:blocking'>%s</%s></iq>", to, name, inner, name)
}

// TestXEP0191Blocking: juliet blocks romeo, and what each of them sees of it,
// between nodes (XEP-0191 §3).
func TestXEP0191Blocking(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		juliet, second, romeo := f.online("b", "juliet", "j"), f.online("c", "juliet", "s"), f.online("c", "romeo", "r")
		juliet.out.take()
		second.out.take()
		juliet.blocks("get", "blocklist", "")
		juliet.got("an empty list", "<iq type='result' id='b' from='juliet@m' to='juliet@m/j'><blocklist xmlns='urn:xmpp:blocking'></blocklist></iq>")
		juliet.blocks("set", "block", "romeo@meet.example")
		juliet.got("blocks", juliet.done(), blockPush("juliet@m/j", "block", "romeo@m"))
		second.got("did not ask for the list")
		romeo.got("sees juliet leave", "<presence type='unavailable' from='juliet@m/j' to='romeo@m'/>", "<presence type='unavailable' from='juliet@m/s' to='romeo@m'/>")
		juliet.blocks("set", "block", "romeo@meet.example")
		juliet.got("again", juliet.done(), blockPush("juliet@m/j", "block", "romeo@m"))
		juliet.blocks("get", "blocklist", "")
		juliet.got("the list", "<iq type='result' id='b' from='juliet@m' to='juliet@m/j'><blocklist xmlns='urn:xmpp:blocking'><item jid='romeo@m'/></blocklist></iq>")

		const none = "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
		romeo.message("juliet@meet.example/j", "1")
		romeo.got("a message", "<message type='error' from='juliet@m/j' to='romeo@m/r'>"+none+"</message>")
		romeo.say("<iq from='%s' to='juliet@meet.example/j' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", romeo.addr)
		romeo.got("an IQ", "<iq type='error' id='1' from='juliet@m/j' to='romeo@m/r'>"+none+"</iq>")
		romeo.say("<iq from='%s' to='juliet@meet.example/j' type='result' id='1'/>", romeo.addr)
		romeo.say("<presence from='%s' to='juliet@meet.example' type='probe'/>", romeo.addr)
		romeo.say("<presence from='%s' to='juliet@meet.example/j'/>", romeo.addr)
		romeo.got("presence") // of it nothing is said
		romeo.presence("<show>away</show>")
		romeo.got("presence", "<presence to='romeo@m' from='romeo@m/r'><show>away</show></presence>")
		romeo.ask("subscribe", "juliet")
		romeo.got("a request that changes nothing")
		juliet.got("nothing of it")

		const refused = "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error>"
		juliet.message("romeo@meet.example", "2")
		juliet.got("to whom she blocks", "<message type='error' from='romeo@m' to='juliet@m/j'>"+refused+"</message>")
		juliet.ask("unsubscribed", "romeo")
		juliet.got("to whom she blocks", "<presence type='error' id='unsubscribed' from='romeo@m' to='juliet@m'>"+refused+"</presence>")
		juliet.presence("<show>xa</show>")
		juliet.got("her presence", "<presence to='juliet@m' from='juliet@m/j'><show>xa</show></presence>")
		third := f.enter("a", "romeo", "third")
		third.presence("")
		third.got("nothing of juliet", "<presence to='romeo@m' from='romeo@m/third'></presence>", "<presence to='romeo@m' from='romeo@m/r'><show>away</show></presence>")
		romeo.out.take()

		juliet.blocks("set", "unblock", "")
		list := juliet.out.take()
		if len(list) != 4 || !strings.Contains(list[1], "<unblock xmlns='urn:xmpp:blocking'></unblock>") ||
			!strings.Contains(list[2]+list[3], "romeo@meet.example/r'><show>away") || !strings.Contains(list[2]+list[3], "romeo@meet.example/third") {
			t.Errorf("unblocks: %q", list)
		}
		romeo.got("sees juliet again", "<presence to='romeo@m' from='juliet@m/j'><show>xa</show></presence>", "<presence to='romeo@m' from='juliet@m/s'></presence>")
		romeo.message("juliet@meet.example/j", "3")
		if got := juliet.bodies(); len(got) != 1 {
			t.Errorf("then %q", got)
		}
	})
}

// TestXEP0191Scope: a resource, a domain and a component can be blocked; the own
// account and the server can not (§5, §6).
func TestXEP0191Scope(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		juliet, other := f.online("b", "juliet", "j"), f.online("c", "juliet", "k")
		one, two := f.online("c", "romeo", "one"), f.online("a", "romeo", "two")
		s, out := f.bind("c", "cb1.meet.example")
		bridge := &client{f: f, addr: "cb1.meet.example", bare: "cb1.meet.example", s: s, out: out}
		one.out.take()
		juliet.blocks("set", "block", "romeo@meet.example/one cb1.meet.example")
		one.got("sees juliet leave", "<presence type='unavailable' from='juliet@m/j' to='romeo@m'/>", "<presence type='unavailable' from='juliet@m/k' to='romeo@m'/>")
		two.got("is not blocked")
		juliet.out.take()
		one.message("juliet@meet.example/j", "no")
		two.message("juliet@meet.example/j", "yes")
		bridge.say("<message from='x@cb1.meet.example' to='juliet@meet.example/j'><body>no</body></message>")
		if d := cmp.Diff([]string{"yes"}, juliet.bodies()); d != "" {
			t.Error(d)
		}
		juliet.blocks("set", "block", "meet.example juliet@meet.example")
		juliet.out.take()
		two.message("juliet@meet.example/j", "no")
		other.message("juliet@meet.example/j", "from myself")
		if d := cmp.Diff([]string{"from myself"}, juliet.bodies()); d != "" {
			t.Error(d)
		}
		juliet.say("<iq from='%s' to='meet.example' type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", juliet.addr)
		juliet.got("the server answers", "<iq type='result' id='1' from='meet.example' to='juliet@m/j'/>")
		two.out.take()
		two.say("<iq from='%s' to='nurse@meet.example' type='get' id='b'><blocklist xmlns='urn:xmpp:blocking'/></iq>", two.addr)
		if got := two.out.take(); len(got) != 1 || !strings.Contains(got[0], "<forbidden") {
			t.Errorf("another's list: %q", got)
		}
	})
}

// TestXEP0191LeaderLost: a block whose leader goes before, while and after it is
// committed happens once, its pushes and the end of presence come once, and the
// next leader obeys it.
func TestXEP0191LeaderLost(t *testing.T) {
	for _, what := range []fault{lost, mute, heavy} {
		t.Run(fmt.Sprint(what), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				f.befriend(t)
				juliet, romeo := f.online("b", "juliet", "j"), f.online("c", "romeo", "r")
				juliet.blocks("get", "blocklist", "")
				juliet.out.take()
				f.store.breaks(what)
				juliet.blocks("set", "block", "romeo@meet.example")
				synctest.Wait()
				f.nodes["a"].Abdicate()
				f.store.breaks(none)
				f.lead("b")
				time.Sleep(10 * time.Second)
				juliet.got("blocks", juliet.done(), blockPush("juliet@m/j", "block", "romeo@m"))
				romeo.got("sees juliet leave", "<presence type='unavailable' from='juliet@m/j' to='romeo@m'/>")
				romeo.message("juliet@meet.example/j", "no")
				juliet.got("nothing")
			})
		})
	}
}

// TestXEP0191Directed: a blocked contact who was not shown presence hears of no end
// of it, by a word of the client, at the end of its stream, or with another leader;
// one who was shown it before the block does (§3.3).
func TestXEP0191Directed(t *testing.T) {
	const refused = "<presence type='error' from='romeo@m/r' to='juliet@m/%s'><error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><blocked xmlns='urn:xmpp:blocking:errors'/></error></presence>"
	for _, next := range []string{"", "b", "c"} {
		crowd(t, func(t *testing.T, f *fabric) {
			romeo, nurse, juliet := f.online("c", "romeo", "r"), f.online("c", "nurse", "n"), f.online("b", "juliet", "j")
			phone := f.resumable("a", "juliet", "p")
			phone.say("<presence from='%s' to='Romeo@meet.example/r'/>", phone.addr)
			juliet.say("<presence from='%s' to='nurse@meet.example'/>", juliet.addr)
			romeo.out.take()
			nurse.out.take()
			juliet.blocks("set", "block", "romeo@meet.example nurse@meet.example")
			juliet.out.take()
			phone.hear()
			juliet.say("<presence from='%s' to='Romeo@meet.example/r'/>", juliet.addr)
			juliet.got("shows herself", strings.Replace(fmt.Sprintf(refused, "j"), "romeo", "Romeo", 1))
			juliet.say("<presence from='%s' to='romeo@meet.example/r' type='unavailable'/>", juliet.addr)
			juliet.got("has shown nothing", fmt.Sprintf(refused, "j"))
			juliet.say("<presence from='%s' to='romeo@meet.example/r'/>", juliet.addr)
			phone.say("<presence from='%s' to='romeo@meet.example/r'><show>away</show></presence>", phone.addr)
			if got := phone.hear(); len(got) != 1 || short(got[0]) != fmt.Sprintf(refused, "p") {
				t.Errorf("of what is shown already: %q", got)
			}
			if next != "" {
				f.lead(next)
			}
			juliet.s.Close()
			romeo.got("was not shown juliet")
			nurse.got("was", "<presence type='unavailable' from='juliet@m/j' to='nurse@m'/>")
			phone.s.Close()
			romeo.got("was shown her phone", "<presence type='unavailable' from='juliet@m/p' to='romeo@m/r'/>")
		})
	}
}

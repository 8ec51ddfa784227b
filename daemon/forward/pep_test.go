package forward

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/replica"
)

// wanting sends presence with capabilities that want to hear of nodes, and answers
// the server's question, if it has one.
func (c *client) wanting(nodes ...string) (asked bool) {
	c.f.t.Helper()
	ver, _ := capsOf(nodes)
	c.presence("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:t' ver='" + ver + "'/>")
	return c.explains(nodes...)
}

// capsOf is the hash of a client that wants to hear of nodes, and what it tells.
func capsOf(nodes []string) (ver, features string) {
	slices.Sort(nodes)
	text := "client/pc//T<"
	for _, n := range nodes {
		text += n + "+notify<"
		features += "<feature var='" + n + "+notify'/>"
	}
	sum := sha1.Sum([]byte(text))
	return base64.StdEncoding.EncodeToString(sum[:]), features
}

// explains answers the server's question what the client wants, if there is one.
func (c *client) explains(nodes ...string) (asked bool) {
	c.f.t.Helper()
	for _, raw := range c.out.take() {
		id := regexp.MustCompile(`<iq type='get' from='([^']*)' to='[^']*' id='([^']*)'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:t#`).FindStringSubmatch(raw)
		if id != nil {
			asked = true
			c.declares(id[1], id[2], nodes)
		} else {
			c.kept = append(c.kept, raw)
		}
	}
	return asked
}

// declares answers what it is, asked or not.
func (c *client) declares(to, id string, nodes []string) {
	c.f.t.Helper()
	ver, features := capsOf(nodes)
	c.say("<iq from='%s' to='%s' type='result' id='%s'><query xmlns='http://jabber.org/protocol/disco#info' node='urn:t#%s'>"+
		"<identity category='client' type='pc' name='T'/>%s</query></iq>", c.addr, to, id, ver, features)
}

func (c *client) publish(node, id, payload, options string) {
	c.f.t.Helper()
	c.say("<iq from='%s' type='set' id='pub'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='%s'><item id='%s'>%s</item></publish>%s</pubsub></iq>",
		c.addr, node, id, payload, options)
}

func (c *client) pubsub(typ, to, inner string) {
	c.f.t.Helper()
	c.say("<iq from='%s' to='%s@meet.example' type='%s' id='ps'><pubsub xmlns='http://jabber.org/protocol/pubsub'>%s</pubsub></iq>", c.addr, to, typ, inner)
}

// events lists what came since the last look: "node id", "node -id" for one that
// is retracted, "node !" for a node that is purged or deleted.
func (c *client) events() (list []string) {
	c.f.t.Helper()
	event := regexp.MustCompile(`#event'><(items|purge|delete) node='([^']*)'/?>(?:<(item|retract) id='([^']*)')?`)
	for _, raw := range append(c.kept, c.out.take()...) {
		m := event.FindStringSubmatch(raw)
		switch {
		case m == nil:
		case m[3] == "retract":
			list = append(list, m[2]+" -"+m[4])
		case m[1] != "items":
			list = append(list, m[2]+" !")
		default:
			list = append(list, m[2]+" "+m[4])
		}
	}
	c.kept = nil
	return list
}

func (c *client) heard(what string, want ...string) {
	c.f.t.Helper()
	if d := cmp.Diff(want, c.events()); d != "" {
		c.f.t.Errorf("%s, %s: (-want +got)\n%s", c.addr, what, d)
	}
}

func options(pairs ...string) string {
	s := "<publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/pubsub#publish-options</value></field>"
	for i := 0; i < len(pairs); i += 2 {
		s += "<field var='pubsub#" + pairs[i] + "'><value>" + pairs[i+1] + "</value></field>"
	}
	return s + "</x></publish-options>"
}

const mood, tune = "http://jabber.org/protocol/mood", "http://jabber.org/protocol/tune"

// TestM5_1_PersonalEvents is XEP-0163 §4 between users of three nodes: who hears
// of what is published, filtered by what their clients want, each once; the last
// item for whoever becomes available; and nothing for those without access.
func TestM5_1_PersonalEvents(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, again := f.enter("b", "romeo", "one"), f.enter("c", "romeo", "two")
		juliet, nurse := f.enter("c", "juliet", "j"), f.enter("b", "nurse", "n")
		if !romeo.wanting(mood, tune) || !juliet.wanting(mood) {
			t.Error("clients of a kind that is not known are not asked")
		}
		if again.wanting(tune, mood) || nurse.wanting(mood) {
			t.Error("clients of a known kind are asked")
		}
		romeo.publish(mood, "1", "<mood xmlns='"+mood+"'/>", "")
		romeo.publish(tune, "t", "<tune xmlns='"+tune+"'/>", "")
		romeo.publish("urn:other", "o", "<o xmlns='urn:other'/>", "")
		romeo.heard("own", mood+" 1", tune+" t")
		again.heard("own", mood+" 1", tune+" t")
		juliet.heard("a contact's", mood+" 1")
		nurse.heard("a stranger's")
		late := f.enter("b", "juliet", "late")
		late.wanting(mood)
		late.heard("on becoming available", mood+" 1")
		late.wanting(mood)
		late.heard("with the next presence")
		late.wanting(tune, mood)
		late.heard("wanting more", tune+" t")
		romeo.pubsub("set", "romeo", "<retract node='"+mood+"'><item id='1'/></retract>")
		romeo.say("<iq from='%s' type='set' id='d'><pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><delete node='%s'/></pubsub></iq>", romeo.addr, tune)
		late.heard("the end", mood+" -1", tune+" !")
		juliet.heard("the end", mood+" -1")
	})
}

// TestForgottenClients: behind so many other kinds of client one is forgotten. Who has
// such a client is asked again when there is something to tell, once, and gets it.
func TestForgottenClients(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, juliet := f.enter("b", "romeo", "r"), f.enter("c", "juliet", "j")
		romeo.presence("")
		juliet.wanting(mood)
		juliet.heard("at first")
		flood := func() {
			var list []replica.Command
			for seq := uint64(1); seq <= 1000; seq++ {
				user := fmt.Sprintf("user%d@meet.example", seq)
				list = append(list, replica.LearnCaps(replica.Effect{Inc: replica.Source{byte(f.store.State().Clock)}, Seq: seq, Low: seq}, user, fmt.Sprint("sha-1:", seq, f.store.State().Clock), nil))
			}
			if err := f.store.apply(replica.Batch(list)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2 {
			romeo.publish(mood, fmt.Sprint("known", i), "<mood xmlns='"+mood+"'/>", "")
			juliet.heard("known", fmt.Sprint(mood, " known", i))
			flood()
			romeo.publish(mood, fmt.Sprint("lost", i), "<mood xmlns='"+mood+"'/>", "")
			romeo.publish(mood, fmt.Sprint("last", i), "<mood xmlns='"+mood+"'/>", "")
			if list := juliet.out.take(); len(list) != 1 {
				t.Errorf("behind the flood she is sent %q", list)
			} else {
				juliet.out.Enqueue([]byte(list[0]))
			}
			if !juliet.explains(mood) {
				t.Error("who has a client of a forgotten kind is not asked")
			}
			juliet.heard("what she has missed", fmt.Sprint(mood, " last", i))
		}
	})
}

// Who may see what, and what the others are told: XEP-0163 §5, §6.2, XEP-0060
// §6.5.9; a stranger can not tell whether there is such a user.
func TestM5_1_EventsAreGuarded(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, juliet, nurse := f.enter("b", "romeo", "r"), f.enter("c", "juliet", "j"), f.enter("b", "nurse", "n")
		romeo.publish("seen", "1", "<a xmlns='urn:a'/>", "")
		romeo.publish("open", "1", "<a xmlns='urn:a'/>", options("access_model", "open"))
		romeo.publish("private", "1", "<a xmlns='urn:a'/>", options("access_model", "whitelist", "persist_items", "true")) // XEP-0223 §3
		romeo.out.take()
		for _, c := range []struct {
			who             *client
			to, inner, want string
		}{
			{juliet, "romeo", "<items node='seen'/>", "<item id='1'><a xmlns='urn:a'/></item>"},
			{nurse, "romeo", "<items node='seen'/>", "presence-subscription-required"},
			{nurse, "romeo", "<items node='none'/>", "presence-subscription-required"},
			{nurse, "nobody", "<items node='seen'/>", "presence-subscription-required"},
			{juliet, "romeo", "<items node='none'/>", "item-not-found"},
			{nurse, "romeo", "<items node='open'/>", "<item id='1'>"},
			{juliet, "romeo", "<items node='private'/>", "closed-node"},
			{romeo, "romeo", "<items node='private'/>", "<item id='1'>"},
		} {
			c.who.pubsub("get", c.to, c.inner)
			if got := c.who.out.take(); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("%s of %s: %q, want %s", c.inner, c.to, got, c.want)
			}
		}
		for _, inner := range []string{"<unsubscribe node='n' jid='nurse@meet.example'/>", "<subscribe node='n' jid='nurse@meet.example'/>",
			"<publish node='n'><item id='x'><a xmlns='urn:a'/></item></publish>"} {
			told := map[string]int{}
			for _, who := range []string{"juliet", "nobody"} { // nobody has that name
				nurse.pubsub("set", who, inner)
				told[strings.ReplaceAll(strings.Join(nurse.out.take(), " "), who, "who")]++
			}
			if len(told) != 1 {
				t.Errorf("%s tells a stranger who has an account: %v", inner, told)
			}
		}
		juliet.pubsub("set", "romeo", "<publish node='open'><item id='x'><a xmlns='urn:a'/></item></publish>")
		juliet.got("another's node", "<iq type='error' id='ps' from='romeo@m' to='juliet@m/j'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
		for who, want := range map[*client]string{juliet: "node='open'/><item jid='romeo@meet.example' node='seen'/></query>", nurse: "<item jid='romeo@meet.example' node='open'/></query>", romeo: "node='private'/>"} {
			who.say("<iq from='%s' to='romeo@meet.example' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", who.addr)
			if got := who.out.take(); len(got) != 1 || !strings.Contains(got[0], want) {
				t.Errorf("%s sees %q", who.addr, got)
			}
		}
		juliet.say("<iq from='%s' to='romeo@meet.example' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>", juliet.addr)
		if got := juliet.out.take(); len(got) != 1 || !strings.Contains(got[0], "<identity category='pubsub' type='pep'/>") {
			t.Errorf("a contact's account: %q", got)
		}
		nurse.say("<iq from='%s' to='juliet@meet.example' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>", nurse.addr)
		if got := nurse.out.take(); len(got) != 1 || !strings.Contains(got[0], "service-unavailable") {
			t.Errorf("a stranger's account: %q", got)
		}
	})
}

// Subscriptions by request (XEP-0163 §4.3.2), for those without a presence
// subscription, and the options of XEP-0060 §7.1.5.
func TestM5_1_SubscribersByRequest(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, nurse := f.enter("b", "romeo", "r"), f.enter("c", "nurse", "n")
		nurse.presence("")
		romeo.publish("open", "1", "<a xmlns='urn:a'/>", options("access_model", "open", "max_items", "max"))
		romeo.publish("open", "2", "<a xmlns='urn:a'/>", options("access_model", "whitelist"))
		if got := romeo.out.take(); len(got) != 2 || !strings.Contains(got[1], "precondition-not-met") {
			t.Errorf("%q", got)
		}
		nurse.out.take()
		nurse.pubsub("set", "romeo", "<subscribe node='open' jid='nurse@meet.example'/>")
		nurse.heard("on subscribing", "open 1")
		romeo.publish("open", "2", "<a xmlns='urn:a'/>", "")
		nurse.heard("published", "open 2")
		nurse.pubsub("set", "romeo", "<unsubscribe node='open' jid='nurse@meet.example'/>")
		nurse.heard("unsubscribing")
		romeo.publish("open", "3", "<a xmlns='urn:a'/>", "")
		nurse.heard("unsubscribed")
		romeo.pubsub("get", "romeo", "<items node='open'/>")
		if got := romeo.out.take(); !strings.Contains(got[len(got)-1], "<item id='1'>") || !strings.Contains(got[len(got)-1], "<item id='3'>") {
			t.Errorf("%q", got)
		}
	})
}

// A new contact hears of what was published before (XEP-0163 §4.3.4).
func TestM5_1_EventsForNewContacts(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.enter("b", "romeo", "r"), f.enter("c", "juliet", "j")
		romeo.wanting(mood)
		juliet.wanting(mood)
		romeo.publish(mood, "1", "<mood xmlns='"+mood+"'/>", "")
		juliet.heard("as a stranger")
		for _, step := range []struct {
			who     *client
			typ, to string
		}{{juliet, "subscribe", "romeo"}, {romeo, "subscribed", "juliet"}, {romeo, "subscribe", "juliet"}} {
			step.who.ask(step.typ, step.to)
		}
		juliet.heard("before she shows her presence")
		juliet.ask("subscribed", "romeo")
		juliet.heard("as a contact", mood+" 1")
	})
}

// TestM5_5_PublishedOnce: leaders that go around the commit leave one item, one
// answer and one event each.
func TestM5_5_PublishedOnce(t *testing.T) {
	for _, what := range []fault{none, lost, mute} {
		crowd(t, func(t *testing.T, f *fabric) {
			f.befriend(t)
			romeo, juliet := f.enter("b", "romeo", "r"), f.enter("c", "juliet", "j")
			juliet.wanting(mood)
			juliet.events()
			var hit bool
			f.store.breaksWhen(func(c replica.Command) fault {
				if c.Op == replica.OpPep && !hit {
					hit = true
					return what
				}
				return none
			})
			romeo.publish(mood, "1", "<mood xmlns='"+mood+"'/>", "")
			f.lead("b")
			romeo.publish(mood, "2", "<mood xmlns='"+mood+"'/>", "")
			f.lead("c")
			juliet.heard(fmt.Sprint("with fault ", what), mood+" 1", mood+" 2")
			if got := romeo.out.take(); len(got) != 2 || !strings.Contains(got[0], "<item id='1'/>") || !strings.Contains(got[1], "<item id='2'/>") {
				t.Errorf("fault %d: %q", what, got)
			}
			if it, _ := f.store.State().Service("romeo@meet.example").Node(mood).Last(); it.ID != "2" {
				t.Errorf("the last item is %+v", it)
			}
		})
	}
}

// Who asks for more than their queue holds, or is sent it, keeps their session: an
// account that publishes much is not to end those of its contacts.
func TestLargeItemsLeaveTheSession(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo := f.enter("b", "romeo", "one")
		large := func(node, id string) {
			romeo.publish(node, id, "<a xmlns='urn:a'>"+strings.Repeat("x", 180<<10)+"</a>", options("max_items", "max"))
		}
		var nodes []string
		for i := range 5 {
			large("urn:n", fmt.Sprint(i))
			nodes = append(nodes, fmt.Sprint("urn:m", i))
			large(nodes[i], "1")
		}
		romeo.out.take()
		out := &stream{}
		s, err := f.nodes["c"].Bind(t.Context(), edge.Client, jid.MustParse("juliet@meet.example/v"), edge.Wish{Managed: &edge.Management{
			Token: "tok", Patience: resumeWait, Queue: 640 << 10, Enabled: []byte("<enabled/>")}}, out)
		if err != nil {
			t.Fatal(err)
		}
		juliet := &client{f: f, bare: "juliet@meet.example", addr: "juliet@meet.example/v", out: out, s: s}
		juliet.pubsub("get", "romeo", "<items node='urn:n'/>")
		if condition, shut := out.end(); shut {
			t.Fatalf("asking: %q", condition)
		}
		if got := strings.Join(out.take(), ""); !strings.Contains(got, "<item id='4'>") || !strings.Contains(got, "<count>5</count>") {
			t.Errorf("%.300q", got)
		}
		if _, ok := s.Acked(1); !ok {
			t.Fatal("what it got is not confirmed")
		}
		juliet.wanting(nodes...)
		if condition, shut := out.end(); shut {
			t.Fatalf("becoming available: %q", condition)
		}
		if got := strings.Count(strings.Join(out.take(), ""), "<event "); got != 1 { // and the others when she confirms: pace_test.go
			t.Errorf("%d last items", got)
		}
	})
}

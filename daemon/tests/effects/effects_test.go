package effects

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

// steps are where a leader waits for somebody else, or hands over, while a stanza
// has its effect: at each it may be killed (daemon/forward/await.go).
var steps = []string{"frame", "proposed", "committed", "derived", "sent", "answer", "resolve"}

// effect is what a stanza of this test changes: the command that does (package
// replica), and what is in no other stanza but the one that asks for it.
type effect struct {
	name, op string
	word     func(n string) string
}

var kinds = []effect{
	{"roster", "roster-set", func(n string) string { return "name='" + n + "'" }},
	{"subscription", "subscription", func(string) string { return "type='subscribe'" }},
	{"offline", "offline-add", func(n string) string { return "<body>" + n + "</body>" }},
	{"archive", "file", func(n string) string { return "<body>filed " + n + "</body>" }},
	{"publish", "pep", func(n string) string { return "<item id='" + n + "'>" }},
}

// takes reports whether an effect has a step: nobody answers for a message that is
// delivered to nobody.
func (k effect) takes(step string) bool { return step != "answer" || k.op != "offline-add" }

// The leader dies at each step of each of these, while all of them are under way: a
// change of a roster, a subscription, a message for the offline store, one for an
// archive and a published item, of four senders at once: each happens once. The
// simulation of daemon/router goes through far more orders; here are the real
// processes. QUORATE_ROUNDS repeats it.
func TestM5_5_LeaderKilledAtEachStep(t *testing.T) {
	rounds, err := strconv.Atoi(os.Getenv("QUORATE_ROUNDS"))
	if err != nil {
		rounds = 1
	}
	all := kills(rounds)
	began := time.Now()
	t.Run("clusters", func(t *testing.T) {
		for i := range clusters {
			l, own := labtest.FormFaulty(t), share(all, i)
			labtest.Accounts(t, l, people(own))
			t.Run(strconv.Itoa(i+1), func(t *testing.T) {
				t.Parallel()
				for _, k := range own {
					t.Run(k.name(0), func(t *testing.T) { k.happen(t, l) })
				}
			})
		}
	})
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	t.Logf("M5.5 %d kills of the leader in %.0f s: at %s of each of %s, nothing doubled and nothing lost",
		len(all), time.Since(began).Seconds(), strings.Join(steps, ", "), strings.Join(names, ", "))
}

// clusters are killed side by side: each waits most of the time.
const clusters = 2

// kill is one kill of the leader, at a step of an effect.
type kill struct {
	step string
	effect
	round int
}

func kills(rounds int) (all []kill) {
	for round := range rounds {
		for _, step := range steps {
			for _, k := range kinds {
				if k.takes(step) {
					all = append(all, kill{step, k, round})
				}
			}
		}
	}
	return all
}

// share is what the cluster with a number has of them.
func share(all []kill, number int) (own []kill) {
	for i := number; i < len(all); i += clusters {
		own = append(own, all[i])
	}
	return own
}

// name is in all that a try of it sends.
func (k kill) name(try int) string {
	return fmt.Sprintf("%s-%s%d%d", k.step, k.effect.name, k.round, try)
}

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// tries is how often a kill is tried: the leader may change by itself before, as it
// does on a busy machine.
const tries = 4

// people are the accounts of the kills, for one try each.
func people(all []kill) []string {
	list := []string{"romeo", "tybalt", "mercutio"}
	for _, k := range all {
		list = append(list, "friend-"+k.name(0), "absent-"+k.name(0))
	}
	return list
}

// happen has the leader die there.
func (k kill) happen(t *testing.T, l *lab.Lab) {
	t.Helper()
	for try := range tries {
		if (&effects{t: t, l: l, n: k.name(try)}).once(k.step, k.effect) {
			return
		}
		t.Logf("the leader changed by itself before it came to %s", k.step)
		must(t, l.WaitHealthy(t.Context(), patience))
	}
	t.Fatalf("the leader changes by itself all the time")
}

// effects is one kill and what goes on around it; its names are its own.
type effects struct {
	t *testing.T
	l *lab.Lab
	n string
}

// once reports whether the leader was killed.
func (e *effects) once(step string, k effect) bool {
	t := e.t
	leader, others, err := e.l.Leader(t.Context())
	must(t, err)
	friend, absent := "friend-"+e.n, "absent-"+e.n
	labtest.Account(t, e.l, absent)
	one, two := labtest.Talk(t, e.l, "romeo", "one", others[0]), labtest.Talk(t, e.l, "romeo", "two", others[1])
	asked := labtest.Talk(t, e.l, friend, "x", others[1])
	asks := labtest.Talk(t, e.l, "tybalt", "x", others[0])
	keeps := labtest.Talk(t, e.l, "mercutio", "x", others[1])
	keeps.Say("<iq type='set' id='prefs'><prefs xmlns='urn:xmpp:mam:2' default='always'/></iq>")
	all := []*labtest.Talker{one, two, asked, asks, keeps}
	labtest.Settle(all...)
	must(t, leader.Arm(step, k.op, k.word(e.n)))
	one.Say("<iq type='set' id='%s'><query xmlns='jabber:iq:roster'><item jid='nurse@%s' name='%[1]s'/></query></iq>", e.n, lab.Domain)
	asks.Say("<presence to='%s@%s' type='subscribe'/>", friend, lab.Domain)
	two.Say("<message to='%s@%s' type='chat'><body>%s</body></message>", absent, lab.Domain, e.n)
	keeps.Say("<message to='%s@%s' type='chat'><body>filed %s</body></message>", friend, lab.Domain, e.n)
	keeps.Say("<iq type='set' id='pub%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='urn:n'><item id='%[1]s'><a xmlns='urn:a'/></item></publish></pubsub></iq>", e.n)
	if !e.dies(leader, step) {
		return false
	}
	one.Await("the answer", "id='"+e.n+"'", "result")
	asked.Await("the request", "<presence", "type='subscribe'", "tybalt@")
	for _, k := range []*labtest.Talker{one, two} {
		k.Await("the push", "type='set'", "name='"+e.n+"'")
	}
	asks.Await("the push", "type='set'", friend+"@", "ask='subscribe'")
	keeps.Await("what it published", "id='pub"+e.n+"'", "result")
	labtest.Settle(all...) // what would come again has come
	e.count(one, 1, "id='"+e.n+"'", "result")
	e.count(one, 1, "type='set'", "name='"+e.n+"'")
	e.count(two, 1, "type='set'", "name='"+e.n+"'")
	e.count(asks, 1, "type='set'", friend+"@", "ask='subscribe'")
	e.count(asked, 1, "<presence", "type='subscribe'", "tybalt@")
	e.filed(keeps, asked)
	for _, k := range all {
		e.count(k, 0, "type='error'")
		k.Close()
	}
	must(t, leader.Revive(t.Context(), "xmppd"))
	must(t, e.l.WaitHealthy(t.Context(), patience))
	e.offline(absent, leader)
	return true
}

// dies waits until the leader is killed, and reports whether it was: another may lead
// by now.
func (e *effects) dies(leader *lab.Node, step string) (died bool) {
	e.t.Helper()
	must(e.t, lab.Wait(e.t.Context(), patience, "the leader to die at "+step, func() error {
		if died = !leader.Runs("xmppd"); died {
			return nil
		}
		if now, _, err := e.l.Leader(e.t.Context()); err == nil && now != leader {
			return leader.Disarm()
		}
		return errors.New("it lives")
	}))
	return died || !leader.Runs("xmppd")
}

// filed checks that a message is delivered once and in its sender's archive once,
// and that an item is published once.
func (e *effects) filed(keeps, friend *labtest.Talker) {
	e.count(friend, 1, "<message", "<body>filed "+e.n)
	e.count(keeps, 1, "id='pub"+e.n+"'", "result")
	keeps.Say("<iq type='set' id='page%s'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'><max>5</max><before/></set></query></iq>", e.n)
	keeps.Say("<iq type='get' id='items%s'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:n'/></pubsub></iq>", e.n)
	keeps.Await("its archive", "id='page"+e.n+"'", "<fin")
	keeps.Await("its item", "id='items"+e.n+"'", "<item id='"+e.n+"'>")
	e.count(keeps, 1, "<result", "<body>filed "+e.n)
}

// offline checks that the message waits once, and not again when it was taken.
func (e *effects) offline(absent string, at *lab.Node) {
	first := labtest.Talk(e.t, e.l, absent, "first", at)
	first.Await("what was kept", "<message", "<body>"+e.n)
	labtest.Settle(first)
	e.count(first, 1, "<message", "<body>"+e.n)
	first.Close()
	second := labtest.Talk(e.t, e.l, absent, "second", at)
	labtest.Settle(second)
	e.count(second, 0, "<message", "<body>")
	second.Close()
}

func (e *effects) count(k *labtest.Talker, want int, words ...string) {
	e.t.Helper()
	if got := k.Heard(words...); len(got) != want {
		e.t.Errorf("%s heard %d of %q, want %d: %q", k.JID, len(got), words, want, got)
	}
}

package forward

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// keeping has every node keep archives by a policy.
func (f *fabric) keeping(p archive.Policy) {
	for _, n := range f.nodes {
		n.SetPolicy(p)
	}
}

var all = archive.Policy{Default: im.Always, Messages: 1000}

// archived asks for an account's archive and returns the bodies of the page, and
// the result.
func (c *client) archived(inner string) (bodies []string, fin string) {
	c.f.t.Helper()
	c.out.take()
	c.say("<iq from='%s' type='set' id='q'><query xmlns='urn:xmpp:mam:2' queryid='f'>%s</query></iq>", c.addr, inner)
	list := c.out.take()
	for _, raw := range list {
		if _, after, ok := strings.Cut(raw, "<body>"); ok && strings.Contains(raw, "queryid='f'") {
			body, _, _ := strings.Cut(after, "</body>")
			bodies = append(bodies, body)
		}
	}
	if len(list) > 0 {
		fin = list[len(list)-1]
	}
	return bodies, fin
}

var nameOf = regexp.MustCompile(`<stanza-id xmlns='urn:xmpp:sid:0' by='([^']*)' id='([0-9a-f]{24})'/>`)

// TestXEP0313BothSides: a message between users of two nodes is in both archives
// before it is delivered, under the name that its recipient is told (§3.5, §6.1.1).
func TestXEP0313BothSides(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.keeping(all)
		romeo, juliet := f.enter("b", "romeo", "r"), f.online("c", "juliet", "j")
		romeo.say("<message from='%s' to='%s' type='chat'><body>1</body><stanza-id xmlns='urn:xmpp:sid:0' by='%s' id='forged'/><stanza-id xmlns='urn:xmpp:sid&#58;0' by='%[3]s' id='forged'/><stanza-id xmlns='urn:xmpp:sid:0' by='%[4]s' id='forged'/></message>", romeo.addr, juliet.addr, juliet.bare, romeo.bare)
		got := juliet.out.take()
		juliet.message(romeo.addr, "2")
		romeo.out.take()
		romeo.say("<message from='%s' to='%s' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>", romeo.addr, juliet.addr)
		romeo.say("<message from='%s' to='%s' type='chat'><body>secret</body><no-store xmlns='urn:xmpp:hints'/></message>", romeo.addr, juliet.addr)
		romeo.message("nurse@meet.example", "3") // she is not there
		got = append(got, juliet.out.take()...)
		if len(got) != 3 || strings.Contains(got[0], "forged") || strings.Contains(got[1], "stanza-id") {
			t.Fatalf("juliet received %q", got)
		}
		name := nameOf.FindStringSubmatch(got[0])
		if name == nil || name[1] != juliet.bare {
			t.Fatalf("without a name: %s", got[0])
		}
		bodies, fin := juliet.archived("")
		if d := cmp.Diff([]string{"1", "2"}, bodies); d != "" || !strings.Contains(fin, "complete='true'") || !strings.Contains(fin, "<first index='0'>"+name[2]+"</first>") {
			t.Errorf("%s %s", d, fin)
		}
		if bodies, _ := romeo.archived(""); cmp.Diff([]string{"1", "2", "3"}, bodies) != "" {
			t.Errorf("romeo has %q", bodies)
		}
		for _, c := range []*client{romeo, juliet} { // XEP-0359 §5: what others made up is not kept either
			c.say("<iq from='%s' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>", c.addr)
			if got := strings.Join(c.out.take(), ""); strings.Contains(got, "forged") {
				t.Errorf("%s is shown %s", c.addr, got)
			}
		}
		nurse := f.online("b", "nurse", "n")
		if bodies, _ := nurse.archived(""); cmp.Diff([]string{"3"}, bodies) != "" {
			t.Errorf("the nurse has %q", bodies)
		}
	})
}

// TestXEP0313Queries: pages, filters, metadata, fields, and what is refused.
func TestXEP0313Queries(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.keeping(all)
		romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
		for i := range 12 {
			romeo.message([]string{juliet.addr, "nurse@meet.example"}[i%2], fmt.Sprint(i))
		}
		rsm := func(inner string) string { return "<set xmlns='http://jabber.org/protocol/rsm'>" + inner + "</set>" }
		first, fin := romeo.archived(rsm("<max>5</max>"))
		last := regexp.MustCompile("<last>([0-9a-f]+)</last>").FindStringSubmatch(fin)
		if cmp.Diff([]string{"0", "1", "2", "3", "4"}, first) != "" || last == nil || strings.Contains(fin, "complete") || !strings.Contains(fin, "<count>12</count>") {
			t.Fatalf("%q %s", first, fin)
		}
		if next, fin := romeo.archived(rsm("<after>" + last[1] + "</after>")); cmp.Diff([]string{"5", "6", "7", "8", "9", "10", "11"}, next) != "" || !strings.Contains(fin, "complete='true'") {
			t.Errorf("%q %s", next, fin)
		}
		if back, _ := romeo.archived(rsm("<max>3</max><before/>") + "<flip-page/>"); cmp.Diff([]string{"11", "10", "9"}, back) != "" {
			t.Errorf("%q", back)
		}
		form := "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field><field var='with'><value>nurse@meet.example</value></field></x>"
		if with, _ := romeo.archived(form); cmp.Diff([]string{"1", "3", "5", "7", "9", "11"}, with) != "" {
			t.Errorf("%q", with)
		}
		for _, c := range []struct{ iq, want string }{
			{"type='get'><metadata xmlns='urn:xmpp:mam:2'/>", "<metadata xmlns='urn:xmpp:mam:2'><start id='"},
			{"type='get'><query xmlns='urn:xmpp:mam:2'/>", "<field var='with' type='jid-single'>"},
			{"type='set'><query xmlns='urn:xmpp:mam:2'>" + rsm("<after>none</after>") + "</query>", "item-not-found"},
			{"type='set' to='juliet@meet.example'><query xmlns='urn:xmpp:mam:2'/>", "forbidden"},
			{"type='set' to='nobody@meet.example'><query xmlns='urn:xmpp:mam:2'/>", "forbidden"},
			{"type='set'><other xmlns='urn:xmpp:mam:2'/>", "bad-request"},
		} {
			romeo.say("<iq from='%s' id='1' %s</iq>", romeo.addr, c.iq)
			if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("%s: %q, want %s", c.iq, got, c.want)
			}
		}
	})
}

// TestXEP0313Preferences: who is kept by whose wish, and how long.
func TestXEP0313Preferences(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.keeping(archive.Policy{Default: im.Never, Messages: 1000, Days: 1})
		romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
		romeo.say("<iq from='%s' type='get' id='p'><prefs xmlns='urn:xmpp:mam:2'/></iq>", romeo.addr)
		romeo.got("as it is", "<iq type='result' id='p' from='romeo@m' to='romeo@m/r'><prefs xmlns='urn:xmpp:mam:2' default='never'><always></always><never></never></prefs></iq>")
		romeo.message(juliet.addr, "before")
		romeo.say("<iq from='%s' type='set' id='p'><prefs xmlns='urn:xmpp:mam:2' default='always'><never><jid>nurse@meet.example</jid></never></prefs></iq>", romeo.addr)
		romeo.message(juliet.addr, "kept")
		romeo.message("nurse@meet.example", "not kept")
		if got := juliet.bodies(); cmp.Diff([]string{"before", "kept"}, got) != "" {
			t.Errorf("%q", got)
		}
		if bodies, _ := romeo.archived(""); cmp.Diff([]string{"kept"}, bodies) != "" {
			t.Errorf("%q", bodies)
		}
		if bodies, _ := juliet.archived(""); bodies != nil {
			t.Errorf("juliet has %q", bodies)
		}
		for hours, want := range map[int]int{23: 1, 25: 0} {
			old := time.Now().Add(-time.Duration(hours) * time.Hour).UnixMilli()
			f.store.write(archive.Write{Owner: "nurse@meet.example", Entry: archive.Entry{Clock: 1, Time: old, Raw: []byte("<message><body>old</body></message>")}, Bounds: archive.Bounds{Keep: 1}})
			if bodies, _ := f.online("b", "nurse", "n").archived(""); len(bodies) != want {
				t.Errorf("after %d hours there are %d messages", hours, len(bodies))
			}
		}
	})
}

// TestM5_5_ArchivedOnce: a flow of messages over leaders that go around the commit
// is in both archives once, in the order of the sender, and each is delivered once.
func TestM5_5_ArchivedOnce(t *testing.T) {
	for _, what := range []fault{none, lost, mute} {
		crowd(t, func(t *testing.T, f *fabric) {
			f.keeping(all)
			romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
			faults := 0
			f.store.breaksWhen(func(c replica.Command) fault {
				if faults++; faults%3 == 2 {
					return what
				}
				return none
			})
			var want []string
			for i := range 60 {
				want = append(want, fmt.Sprint(i))
				romeo.message(juliet.addr, fmt.Sprint(i))
				if i%20 == 10 {
					f.lead([]string{"b", "c", "a"}[i/20])
				}
			}
			time.Sleep(5 * time.Second)
			if d := cmp.Diff(want, juliet.bodies()); d != "" {
				t.Errorf("fault %d: delivered %s", what, d)
			}
			for _, c := range []*client{romeo, juliet} {
				if bodies, _ := c.archived(""); cmp.Diff(want, bodies) != "" {
					t.Errorf("fault %d: %s has %q", what, c.addr, bodies)
				}
			}
		})
	}
}

// A sender's copies have the name that the message has in the sender's archive, not
// the recipient's (XEP-0313 §3.5).
func TestXEP0313Copies(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.keeping(all)
		romeo, other, juliet := f.online("b", "romeo", "r"), f.online("c", "romeo", "o"), f.online("c", "juliet", "j")
		other.say("<iq from='%s' type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>", other.addr)
		other.out.take()
		romeo.message(juliet.addr, "1")
		got := other.out.take()
		if len(got) != 1 {
			t.Fatalf("%q", got)
		}
		name := nameOf.FindAllStringSubmatch(got[0], -1)
		theirs := nameOf.FindStringSubmatch(juliet.out.take()[0])
		if len(name) != 1 || name[0][1] != romeo.bare || theirs == nil || theirs[1] != juliet.bare {
			t.Errorf("%q, %q", name, theirs)
		}
		if bodies, fin := romeo.archived(""); len(bodies) != 1 || !strings.Contains(fin, name[0][2]) {
			t.Errorf("%q %s", bodies, fin)
		}
	})
}

// A node whose clock was set after the start, here from far ahead or behind, stamps
// with the time that it is, and archives lose nothing by it.
func TestClockIsSetAfterTheStart(t *testing.T) {
	for _, days := range []int64{400, -400} {
		bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
			f.store.people(t, "romeo", "juliet", "nurse")
			f.keeping(archive.Policy{Default: im.Always, Messages: 1000, Days: 30})
			for _, n := range f.nodes {
				n.mu.Lock()
				n.base += days * 86_400_000
				n.mu.Unlock()
			}
			f.lead("c")
			romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
			romeo.message(juliet.addr, "hello")
			romeo.message("nurse@meet.example", "stored")
			for _, leader := range []string{"c", "a"} {
				f.lead(leader)
				if bodies, _ := juliet.archived("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>" +
					"<field var='start'><value>" + stampOf(-time.Minute) + "</value></field><field var='end'><value>" + stampOf(time.Minute) + "</value></field></x>"); len(bodies) != 1 {
					t.Errorf("%d days, led by %s: %q", days, leader, bodies)
				}
			}
			nurse := f.online2("a", "nurse", "n")
			if got := strings.Join(nurse.out.take(), ""); !strings.Contains(got, "stamp='"+time.Now().UTC().Format("2006-01-02T")) {
				t.Errorf("%d days: %s", days, got)
			}
		})
	}
}

func stampOf(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }

// TestXEP0313FullStore: a message that the offline store has no room for is in its
// recipient's archive: then its sender is told of no error, and it counts as kept.
// Of one that goes to no archive they are.
func TestXEP0313FullStore(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.limits = im.Limits{Offline: 2}
		f.keeping(all)
		romeo, phone := f.online("c", "romeo", "r"), f.online("b", "romeo", "phone")
		phone.carbons("enable")
		romeo.out.take()
		say(romeo, "juliet@meet.example", 1, 4)
		romeo.got("is told nothing")
		if got := phone.bodies(); cmp.Diff(numbers(1, 4), got) != "" {
			t.Errorf("copies of %q", got)
		}
		f.keeping(archive.Policy{Default: im.Never, Messages: 1000})
		romeo.message("juliet@meet.example", "5")
		romeo.got("of one that nothing keeps", "<message type='error' from='juliet@m' to='romeo@m/r'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>")
		f.keeping(all)
		juliet := f.enter("a", "juliet", "j")
		juliet.presence("")
		if got := juliet.bodies(); cmp.Diff(numbers(1, 2), got) != "" {
			t.Errorf("kept: %q", got)
		}
		if got, _ := juliet.archived(""); cmp.Diff(numbers(1, 4), got) != "" {
			t.Errorf("in the archive: %q", got)
		}
	})
}

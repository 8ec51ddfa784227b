package forward

import (
	"fmt"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

// lastSeen asks when somebody was last there.
func (c *client) lastSeen(to string) {
	c.f.t.Helper()
	c.say("<iq from='%s' to='%s' type='get' id='l'><query xmlns='jabber:iq:last'/></iq>", c.addr, to)
}

func seconds(of, to, n, status string) string {
	return fmt.Sprintf("<iq type='result' id='l' from='%s' to='%s'><query xmlns='jabber:iq:last' seconds='%s'>%s</query></iq>", of, to, n, status)
}

const notForYou = "<iq type='error' id='l' from='%s' to='%s'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

// TestXEP0012LastActivity: when a user left and what they said, for those who may
// see their presence, from every node; the same in the answer to a probe (RFC 6121
// §4.3.2 rule 3).
func TestXEP0012LastActivity(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, nurse := f.online("b", "romeo", "r"), f.online("c", "nurse", "n")
		romeo.lastSeen("juliet@meet.example")
		romeo.got("never there", "<iq type='error' id='l' from='juliet@m' to='romeo@m/r'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
		juliet := f.online("c", "juliet", "j")
		second := f.online("b", "juliet", "s")
		romeo.out.take()
		romeo.lastSeen("juliet@meet.example")
		romeo.got("there", seconds("juliet@m", "romeo@m/r", "0", ""))
		nurse.lastSeen("juliet@meet.example")
		nurse.got("a stranger", fmt.Sprintf(notForYou, "juliet@m", "nurse@m/n"))
		nurse.lastSeen("nobody@meet.example")
		nurse.got("no such account", fmt.Sprintf(notForYou, "nobody@m", "nurse@m/n"))
		nurse.lastSeen("nurse@meet.example")
		nurse.got("herself", seconds("nurse@m", "nurse@m/n", "0", ""))

		second.s.Close()
		synctest.Wait()
		if u := f.store.State().User("juliet@meet.example"); u.Last != nil {
			t.Errorf("noted while a resource is left: %+v", u.Last)
		}
		juliet.say("<presence from='%s' type='unavailable'><status>Heading home</status></presence>", juliet.addr)
		juliet.s.Close()
		synctest.Wait()
		time.Sleep(15 * time.Minute)
		romeo.out.take()
		romeo.lastSeen("juliet@meet.example")
		romeo.got("gone", seconds("juliet@m", "romeo@m/r", "900", "Heading home"))
		romeo.say("<presence from='%s' to='juliet@meet.example' type='probe' id='p'/>", romeo.addr)
		got := romeo.out.take()
		if want := "^<presence from='juliet@meet.example' to='romeo@meet.example' type='unavailable'><status>Heading home</status>" +
			"<delay xmlns='urn:xmpp:delay' from='meet.example' stamp='[^']*Z'/></presence>$"; len(got) != 1 || !regexp.MustCompile(want).MatchString(got[0]) {
			t.Errorf("probed: %q", got)
		}
		romeo.lastSeen("meet.example") // §5: the server
		if got := romeo.out.take(); len(got) != 1 || !regexp.MustCompile("seconds='9[0-9][0-9]'></query></iq>$").MatchString(got[0]) {
			t.Errorf("the server: %q", got)
		}
		romeo.say("<iq from='%s' to='juliet@meet.example' type='set' id='l'><query xmlns='jabber:iq:last'/></iq>", romeo.addr)
		romeo.got("a set", "<iq type='error' id='l' from='juliet@m' to='romeo@m/r'><error type='modify'><bad-request xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>")
	})
}

// TestXEP0012LeaderLost: the end of presence is noted once and told once, whenever
// the leader is lost; of users whose node dies the time of that is noted.
func TestXEP0012LeaderLost(t *testing.T) {
	for _, what := range []fault{lost, mute, heavy} {
		t.Run(fmt.Sprint(what), func(t *testing.T) {
			crowd(t, func(t *testing.T, f *fabric) {
				f.befriend(t)
				romeo, juliet := f.online("b", "romeo", "r"), f.online("c", "juliet", "j")
				romeo.out.take()
				f.store.breaks(what)
				juliet.say("<presence from='%s' type='unavailable'><status>bye</status></presence>", juliet.addr)
				synctest.Wait()
				f.nodes["a"].Abdicate()
				f.store.breaks(none)
				f.lead("b")
				time.Sleep(10 * time.Second)
				romeo.got("sees juliet leave", "<presence to='romeo@m' from='juliet@m/j' type='unavailable'><status>bye</status></presence>")
				juliet.s.Close()
				time.Sleep(50 * time.Second)
				romeo.lastSeen("juliet@meet.example")
				romeo.got("asks", seconds("juliet@m", "romeo@m/r", "60", "bye"))
			})
		})
	}
	t.Run("a node dies", func(t *testing.T) {
		crowd(t, func(t *testing.T, f *fabric) {
			f.befriend(t)
			romeo := f.online("b", "romeo", "r")
			f.online("c", "juliet", "j")
			for _, other := range []string{"a", "b"} {
				f.cut(other, "c", true)
			}
			time.Sleep(time.Minute)
			romeo.out.take()
			romeo.lastSeen("juliet@meet.example")
			romeo.got("asks", seconds("juliet@m", "romeo@m/r", "60", ""))
		})
	})
}

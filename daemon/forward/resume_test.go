package forward

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

const resumeWait = time.Minute

// managed is a client whose session can be resumed, and what it counts.
type managed struct {
	*client
	token string
	h     uint32   // stanzas it received
	acks  []string // what it was told of its own
}

// resumable binds one at a node, available.
func (f *fabric) resumable(node, user, resource string) *managed {
	f.t.Helper()
	m := &managed{client: &client{f: f, bare: user + "@meet.example", addr: user + "@meet.example/" + resource}, token: "token of " + user}
	m.out = &stream{}
	s, err := f.nodes[node].Bind(f.t.Context(), edge.Client, jid.MustParse(m.addr), edge.Wish{Managed: &edge.Management{
		Token: m.token, Patience: resumeWait, Queue: 64 << 10, Enabled: []byte("<enabled/>")}}, m.out)
	if err != nil {
		f.t.Fatalf("binding %s at %s: %v", m.addr, node, err)
	}
	m.s = s
	m.presence("")
	m.hear()
	return m
}

// hear takes what came, counts the stanzas and answers nothing.
func (m *managed) hear() (list []string) {
	for _, raw := range m.out.take() {
		switch {
		case strings.HasPrefix(raw, "<a "):
			m.acks = append(m.acks, raw)
		case strings.HasPrefix(raw, "<r "):
		default:
			m.h++
			list = append(list, raw)
		}
	}
	return list
}

func bodiesOf(list []string) (found []string) {
	for _, raw := range list {
		if _, rest, ok := strings.Cut(raw, "<body>"); ok {
			text, _, _ := strings.Cut(rest, "<")
			found = append(found, text)
		}
	}
	return found
}

// resume asks for the session at a node; received is what the server has.
func (m *managed) resume(node string) (received uint32, err error) {
	m.out = &stream{}
	s, received, err := m.f.nodes[node].Resume(m.f.t.Context(), jid.MustParse(m.bare), m.token, m.h, m.out)
	if err == nil {
		m.s = s
	}
	return received, err
}

func (m *managed) mustResume(node string, want uint32) {
	m.f.t.Helper()
	if got, err := m.resume(node); err != nil || got != want {
		m.f.t.Fatalf("resuming at %s: %d received, %v; want %d", node, got, err, want)
	}
}

func say(m *client, to string, from, through int) {
	for i := from; i <= through; i++ {
		m.message(to, fmt.Sprint(i))
	}
	synctest.Wait()
}

// numbers lists those of a range, as bodies.
func numbers(from, through int) (list []string) {
	for i := from; i <= through; i++ {
		list = append(list, fmt.Sprint(i))
	}
	return list
}

// kill has a node gone, as the others notice it.
func (f *fabric) kill(node string) {
	for _, other := range f.names {
		if other != node {
			f.cut(other, node, true)
		}
	}
	f.nodes[node].Abdicate()
	synctest.Wait()
}

// TestM5_3_ResumeAnywhere: a stream is lost; what comes meanwhile waits, and the
// client gets it with what it had not confirmed, at whatever node it resumes: the
// one it was at, another, the leader.
func TestM5_3_ResumeAnywhere(t *testing.T) {
	for _, from := range []string{"a", "b"} {
		for _, to := range []string{"a", "b", "c"} {
			crowd(t, func(t *testing.T, f *fabric) {
				romeo, juliet := f.online("c", "romeo", "r"), f.resumable(from, "juliet", "j")
				say(romeo, juliet.addr, 1, 3)
				if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(1, 3)) {
					t.Fatalf("heard %q", got)
				}
				say(romeo, juliet.addr, 4, 5)
				juliet.s.Detach()
				say(romeo, juliet.addr, 6, 9)
				romeo.got("no errors")
				juliet.mustResume(to, 1)
				if n := f.nodes[to].Seen().Kept.Resumed; n != 1 {
					t.Errorf("%d sessions resumed at %s", n, to)
				}
				if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(4, 9)) {
					t.Errorf("from %s to %s: %q", from, to, got)
				}
				juliet.message(romeo.addr, "back")
				say(romeo, juliet.addr, 10, 11)
				if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(10, 11)) {
					t.Errorf("from %s to %s, then: %q", from, to, got)
				}
				if got := romeo.bodies(); !slices.Equal(got, []string{"back"}) {
					t.Errorf("from %s to %s: romeo heard %q", from, to, got)
				}
			})
		}
	}
}

// TestM5_3_ResumeOfOpenStream: the stream that still stands where the session was
// gets <conflict/> (XEP-0198 §5).
func TestM5_3_ResumeOfOpenStream(t *testing.T) {
	for _, to := range []string{"b", "c"} {
		crowd(t, func(t *testing.T, f *fabric) {
			juliet := f.resumable("b", "juliet", "j")
			old, before := juliet.out, juliet.s
			juliet.mustResume(to, 1)
			if condition, shut := old.end(); condition != "conflict" || !shut {
				t.Errorf("the old stream ends with %q, %v", condition, shut)
			}
			before.Close() // too late to matter
			say(juliet.client, juliet.addr, 1, 1)
			if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(1, 1)) {
				t.Errorf("heard %q", got)
			}
		})
	}
}

// TestM5_3_ResumeAfterKill: the node is gone, a follower's or the leader's. What
// the client had not confirmed and what comes meanwhile is in the second copy
// (cluster-protocol rule 11); its contacts see nothing of it.
func TestM5_3_ResumeAfterKill(t *testing.T) {
	for _, dead := range []string{"a", "b"} {
		crowd(t, func(t *testing.T, f *fabric) {
			romeo, juliet := f.online("c", "romeo", "r"), f.resumable(dead, "juliet", "j")
			say(romeo, juliet.addr, 1, 3)
			juliet.hear()
			say(romeo, juliet.addr, 4, 5)
			juliet.message(romeo.addr, "last words")
			synctest.Wait()
			f.kill(dead)
			if dead == "a" {
				f.lead("b")
			}
			say(romeo, juliet.addr, 6, 8)
			juliet.mustResume("c", 2)
			if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(4, 8)) {
				t.Errorf("after %s was killed: %q", dead, got)
			}
			if got := romeo.bodies(); !slices.Equal(got, []string{"last words"}) {
				t.Errorf("after %s was killed romeo heard %q", dead, got)
			}
		})
	}
}

// TestM5_3_ContactsDoNotNotice: a session that moves from a dead node is not
// unavailable in between; it is when nobody comes for it, once.
func TestM5_3_ContactsDoNotNotice(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		f.befriend(t)
		romeo, juliet := f.online("c", "romeo", "r"), f.resumable("b", "juliet", "j")
		romeo.out.take()
		f.kill("b")
		time.Sleep(5 * time.Second)
		if got := romeo.out.take(); len(got) != 0 {
			t.Errorf("while it waits: %q", got)
		}
		juliet.mustResume("a", 1)
		f.cut("a", "c", false)
		f.join("a", "c")
		time.Sleep(5 * time.Second)
		if got := romeo.out.take(); len(got) != 0 {
			t.Errorf("after it moved: %q", got)
		}
		juliet.s.Detach()
		time.Sleep(2 * resumeWait)
		if got := romeo.out.take(); len(got) != 1 || !strings.Contains(got[0], "unavailable") {
			t.Errorf("when its time is over: %q", got)
		}
	})
}

// TestM5_3_TimeIsOver: what the client had not confirmed is kept for the account,
// and who comes too late is told what of its own was received (XEP-0198 §4, §5).
func TestM5_3_TimeIsOver(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.online("c", "romeo", "r"), f.resumable("b", "juliet", "j")
		say(romeo, juliet.bare, 1, 2)
		juliet.hear()
		juliet.s.Acked(juliet.h)
		say(romeo, juliet.bare, 3, 4) // written, never confirmed
		juliet.s.Detach()
		if k := f.nodes["b"].Seen().Kept; k.Waiting != 1 || k.Bytes == 0 {
			t.Errorf("while it waits: %+v", k)
		}
		time.Sleep(2 * resumeWait)
		if k := f.nodes["b"].Seen().Kept; k.Waiting != 0 || k.Bytes != 0 || k.Reached.Time != 1 {
			t.Errorf("when its time is over: %+v", k)
		}
		say(romeo, juliet.bare, 5, 5)
		romeo.got("no errors")
		_, err := juliet.resume("a")
		var u *edge.Unresumed
		if !errors.As(err, &u) || u.Condition != stanza.ItemNotFound || !u.Known || u.H != 1 {
			t.Errorf("too late: %+v", err)
		}
		again := f.online2("a", "juliet", "k")
		if got := again.bodies(); !slices.Equal(got, numbers(3, 5)) {
			t.Errorf("the next session: %q", got)
		}
	})
}

// TestLateMessagesSayWhen: what comes for a client that is away tells when, whether it
// comes back or not; of what it was written and did not confirm that is told when it
// does not, as the time when its stream was lost (XEP-0198 §4). Who hears a message
// as it is sent is told nothing.
func TestLateMessagesSayWhen(t *testing.T) {
	for _, returns := range []bool{true, false} {
		crowd(t, func(t *testing.T, f *fabric) {
			romeo, juliet := f.online("c", "romeo", "r"), f.resumable("b", "juliet", "j")
			romeo.message(juliet.bare, "written")
			synctest.Wait()
			juliet.out.take()
			stamp := func() string {
				return "<delay xmlns='urn:xmpp:delay' from='meet.example' stamp='" + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + "'/>"
			}
			left := stamp()
			juliet.s.Detach()
			synctest.Wait()
			time.Sleep(resumeWait / 4)
			sent := stamp()
			romeo.message(juliet.bare, "bare")
			romeo.message(juliet.addr, "full")
			time.Sleep(resumeWait / 4)
			if returns {
				juliet.mustResume("a", 1)
				left = ""
			} else {
				time.Sleep(resumeWait)
				juliet.client = f.online2("a", "juliet", "k")
			}
			romeo.message(juliet.bare, "now")
			got := slices.DeleteFunc(juliet.hear(), func(raw string) bool { return strings.HasPrefix(raw, "<presence") })
			for i, want := range []string{"written</body>" + left + "</message>", "bare</body>" + sent + "</message>", "full</body>" + sent + "</message>", "now</body></message>"} {
				if len(got) != 4 || !strings.HasSuffix(got[i], want) {
					t.Errorf("it returns %v: %q, want %q", returns, got, want)
				}
			}
		})
	}
}

// TestAwayComesSecond: of two resources the one whose client is there gets messages
// (RFC 6121 §8.5.2.1.1). What the other had not confirmed it gets when that is given
// up, with the time when it came, and its sender no error; one that has copies is not
// told twice, and the sender hears of it where no archive has it.
func TestAwayComesSecond(t *testing.T) {
	for _, c := range []struct{ carbons, archive bool }{{false, false}, {false, true}, {true, true}, {true, false}} {
		crowd(t, func(t *testing.T, f *fabric) {
			if c.archive {
				f.keeping(all)
			}
			desk := f.online("a", "juliet", "desk")
			if c.carbons {
				desk.carbons("enable")
			}
			romeo, juliet := f.online("c", "romeo", "r"), f.resumable("b", "juliet", "j")
			say(romeo, juliet.bare, 1, 2)
			if got := bodiesOf(juliet.hear()); !slices.Equal(got, numbers(1, 2)) {
				t.Errorf("%+v: there: %q", c, got)
			}
			heard := desk.bodies()
			juliet.s.Detach()
			synctest.Wait()
			say(romeo, juliet.bare, 3, 4)
			say(romeo, juliet.addr, 5, 5)
			heard = append(heard, desk.bodies()...)
			romeo.got("no errors")
			time.Sleep(2 * resumeWait)
			late := desk.out.take()
			heard = append(heard, bodiesOf(late)...)
			slices.Sort(heard)
			if !slices.Equal(heard, numbers(1, 5)) {
				t.Errorf("%+v: desk heard %q", c, heard)
			}
			for _, raw := range late {
				if strings.Contains(raw, "<message") && strings.Count(raw, "<delay ") != 1 {
					t.Errorf("%+v: without a time: %s", c, raw)
				}
			}
			if got, want := len(romeo.out.take()), map[bool]int{true: 3}[c.carbons && !c.archive]; got != want {
				t.Errorf("%+v: romeo got %d errors, want %d", c, got, want)
			}
		})
	}
}

// TestM5_3_AccountRemoved: nobody waits for the client of an account that is no
// more.
func TestM5_3_AccountRemoved(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet := f.resumable("b", "juliet", "j")
		juliet.s.Detach()
		time.Sleep(time.Second)
		if at := f.nodes["a"].Directory()[juliet.addr]; at != "b" {
			t.Fatalf("it waits at %q", at)
		}
		if err := f.store.apply(replica.DeleteAccount("juliet")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if at, waits := f.nodes["a"].Directory()[juliet.addr]; waits {
			t.Errorf("it still waits at %s", at)
		}
	})
}

// TestM5_3_NotSomeoneElses: a token is good for its own account only, and who says
// that it has more than it was sent is told so (XEP-0198 §6, §8).
func TestM5_3_NotSomeoneElses(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet := f.resumable("b", "juliet", "j")
		thief := &managed{client: &client{f: f, bare: "romeo@meet.example"}, token: juliet.token}
		_, err := thief.resume("b")
		var u *edge.Unresumed
		if !errors.As(err, &u) || u.Condition != stanza.ItemNotFound || u.Known {
			t.Errorf("another's token: %v", err)
		}
		juliet.s.Detach()
		juliet.h += 10
		if _, err := juliet.resume("c"); err == nil || !strings.Contains(err.Error(), "You acknowledged") {
			t.Errorf("too many acknowledged: %v", err)
		}
		juliet.h -= 10
		juliet.mustResume("c", 1)
	})
}

// TestM5_3_Acks: <r/> is answered when what came before it is resolved, and with
// what is after a second (XEP-0198 §4).
func TestM5_3_Acks(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		juliet := f.resumable("b", "juliet", "j")
		f.store.breaks(heavy)
		juliet.message("romeo@meet.example", "to the store")
		juliet.s.Wants()
		if juliet.hear(); len(juliet.acks) != 0 {
			t.Fatalf("while the store is slow: %q", juliet.acks)
		}
		time.Sleep(2 * time.Second)
		if juliet.hear(); !slices.Equal(juliet.acks, []string{"<a xmlns='urn:xmpp:sm:3' h='1'/>"}) {
			t.Fatalf("after two seconds: %q", juliet.acks)
		}
		f.store.breaks(none)
		time.Sleep(10 * time.Second)
		juliet.say("<message from='%s' to='' type='chat'/>", juliet.addr) // refused at the edge, and counted
		juliet.s.Wants()
		synctest.Wait()
		if juliet.hear(); juliet.acks[len(juliet.acks)-1] != "<a xmlns='urn:xmpp:sm:3' h='3'/>" {
			t.Errorf("then %q", juliet.acks)
		}
	})
}

// TestM5_3_QueueBound: who confirms nothing is cut off when it owes too much, and
// its stanzas are kept.
func TestM5_3_QueueBound(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		romeo, juliet := f.online("c", "romeo", "r"), f.resumable("b", "juliet", "j")
		big := strings.Repeat("x", 20<<10)
		for range 4 {
			romeo.message(juliet.bare, big)
		}
		if condition, shut := juliet.out.end(); condition != "resource-constraint" || !shut {
			t.Errorf("ended with %q, %v", condition, shut)
		}
		if n := f.nodes["b"].Seen().Reached["xmpp.resume_queue"]; n == 0 {
			t.Error("the bound is not counted")
		}
		if got := f.online2("a", "juliet", "k").bodies(); len(got) < 3 {
			t.Errorf("%d messages are kept", len(got))
		}
	})
}

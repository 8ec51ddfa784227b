package forward

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
)

const (
	ann = "ann@meet.example/phone"
	bob = "bob@meet.example/desk"
)

func chat(from, to string, n int) string {
	return fmt.Sprintf("<message type='chat' id='%d' from='%s' to='%s'><body>%d</body></message>", n, from, to, n)
}

func chats(from, to string, first, last int) (list []string) {
	for n := first; n <= last; n++ {
		list = append(list, chat(from, to, n))
	}
	return list
}

func wantStream(t *testing.T, who string, out *stream, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, out.take(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s received (-want +got):\n%s", who, diff)
	}
}

// refusal is the error that answers chat n from its sender.
func refusal(n int, to, from, kind, condition, text string) string {
	if text != "" {
		text = "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>" + text + "</text>"
	}
	return fmt.Sprintf("<message type='error' id='%d' from='%s' to='%s'><error type='%s'><%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>%s</error></message>",
		n, to, from, kind, condition, text)
}

// The leader is a third node, one of the two, and the only one.
func TestRoutes(t *testing.T) {
	for _, c := range []struct{ leader, from, to string }{{"c", "a", "b"}, {"a", "a", "b"}, {"b", "a", "b"}, {"a", "b", "b"}, {"a", "a", "a"}} {
		t.Run(c.from+" to "+c.to+" by "+c.leader, func(t *testing.T) {
			bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
				f.lead(c.leader)
				a, heard := f.bind(c.from, ann)
				b, bobs := f.bind(c.to, bob)
				bridge, bridges := f.bind(c.to, "cb1.meet.example")
				for n := range 50 {
					f.say(a, chat(ann, bob, n))
				}
				wantStream(t, "bob", bobs, chats(ann, bob, 0, 49)...)
				f.say(a, chat(ann, "room@cb1.meet.example/x", 1))
				wantStream(t, "the bridge", bridges, chat(ann, "room@cb1.meet.example/x", 1))
				f.say(bridge, chat("room@cb1.meet.example", ann, 2))
				f.say(b, chat(bob, ann, 3))
				got := heard.take()
				slices.Sort(got)
				if diff := cmp.Diff([]string{chat("room@cb1.meet.example", ann, 2), chat(bob, ann, 3)}, got); diff != "" {
					t.Errorf("ann received (-want +got):\n%s", diff)
				}
				s := f.nodes[c.from].Status()
				if !s.Open || s.Leader != c.leader || s.Term != 1 || s.Waiting != 0 || s.Sessions[ann].JID != ann {
					t.Errorf("status %+v", s)
				}
				want := map[string]string{ann: c.from, bob: c.to, "cb1.meet.example": c.to}
				if diff := cmp.Diff(want, f.nodes[c.leader].Directory()); diff != "" {
					t.Errorf("directory (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Rules 2 to 4: a new leader, and a lost link, lose and double nothing.
func TestNewLeader(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, _ := f.bind("a", ann)
		_, bobs := f.bind("b", bob)
		var want []string
		for n := range 90 {
			switch n {
			case 30:
				f.cut("a", "c", true) // in mid flight
				f.cut("b", "c", true)
			case 40:
				f.lead("a")
			case 60:
				f.cut("a", "b", false)
			case 70:
				f.join("a", "b")
			}
			f.say(a, chat(ann, bob, n))
			want = append(want, chat(ann, bob, n))
		}
		time.Sleep(3 * time.Second) // the back-off of a flapping edge
		wantStream(t, "bob", bobs, want...)
	})
}

// Rule 14: a full window stops the stream's reader until frames are answered.
func TestWindow(t *testing.T) {
	one := len(chat(ann, bob, 1)) + len(bob) + 64 // as router.Frame.Size counts
	for name, limits := range map[string]router.Limits{
		"frames": {Frames: 4, GiveUp: time.Hour},
		"bytes":  {Bytes: 4*one + one/2, GiveUp: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, limits, func(t *testing.T, f *fabric) {
				f.lead("c")
				a, _ := f.bind("a", ann)
				_, bobs := f.bind("b", bob)
				f.cut("a", "c", false)
				for n := 1; n <= 4; n++ {
					f.say(a, chat(ann, bob, n))
				}
				fifth := make(chan error, 1)
				go func() { fifth <- send(t.Context(), a, chat(ann, bob, 5)) }()
				wantBlocked(t, fifth)
				f.join("a", "c")
				time.Sleep(time.Second)
				if err := <-fifth; err != nil {
					t.Errorf("the fifth: %v", err)
				}
				wantStream(t, "bob", bobs, chats(ann, bob, 1, 5)...)
			})
		})
	}
}

func wantBlocked(t *testing.T, result <-chan error) {
	t.Helper()
	time.Sleep(time.Minute)
	select {
	case err := <-result:
		t.Fatalf("it did not wait but returned %v", err)
	default:
	}
}

// A Send that waits ends with its context and with its session.
func TestWindowEnds(t *testing.T) {
	bubble(t, router.Limits{Frames: 1, GiveUp: time.Hour}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, _ := f.bind("a", ann)
		f.cut("a", "c", false)
		f.say(a, chat(ann, bob, 1))
		ctx, cancel := context.WithCancel(t.Context())
		waiting, other := make(chan error, 1), make(chan error, 1)
		go func() { waiting <- send(ctx, a, chat(ann, bob, 2)) }()
		go func() { other <- send(t.Context(), a, chat(ann, bob, 3)) }()
		wantBlocked(t, waiting)
		cancel()
		if err := <-waiting; !errors.Is(err, context.Canceled) {
			t.Errorf("with the context ended: %v", err)
		}
		wantBlocked(t, other)
		a.Close()
		a.Close()
		if err := <-other; !errors.Is(err, errEnded) {
			t.Errorf("with the session ended: %v", err)
		}
		if err := send(t.Context(), a, chat(ann, bob, 4)); !errors.Is(err, errEnded) {
			t.Errorf("after the session ended: %v", err)
		}
	})
}

// Rule 13: without a leader for the give-up time a stanza is answered with an
// error (RFC 6120 §8.3.3.16), and what must not be answered is dropped.
func TestGiveUp(t *testing.T) {
	for _, inDoubt := range []bool{false, true} {
		t.Run(fmt.Sprintf("in doubt %v", inDoubt), func(t *testing.T) {
			bubble(t, router.Limits{GiveUp: 10 * time.Second}, func(t *testing.T, f *fabric) {
				f.lead("c")
				a, heard := f.bind("a", ann)
				if inDoubt {
					f.mu.Lock() // given to a leader that does not get it
					f.mute[[2]string{"a", "c"}] = true
					f.mu.Unlock()
				} else {
					f.cut("a", "c", false)
				}
				f.say(a, chat(ann, bob, 1))
				f.say(a, "<iq type='get' id='q' from='"+ann+"' to='cb1.meet.example'><ping xmlns='urn:xmpp:ping'/></iq>")
				f.say(a, "<iq type='result' id='r' from='"+ann+"' to='cb1.meet.example'/>")
				f.say(a, "<presence from='"+ann+"'/>")
				f.say(a, "<message type='error' id='e' from='"+ann+"' to='"+bob+"'/>")
				if inDoubt {
					f.nodes["a"].LinkDown("c", false)
				}
				time.Sleep(10*time.Second - tick)
				wantStream(t, "ann, too early,", heard)
				time.Sleep(2 * tick)
				wantStream(t, "ann", heard,
					refusal(1, bob, ann, "wait", "remote-server-timeout", "no leader answered in time"),
					strings.NewReplacer("<message", "<iq", "</message", "</iq").Replace(
						strings.Replace(refusal(0, "cb1.meet.example", ann, "wait", "remote-server-timeout", "no leader answered in time"), "id='0'", "id='q'", 1)))
				if s := f.nodes["a"].Status(); s.Waiting != 0 || s.Bytes != 0 || s.Open {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

func TestBindWithoutLeader(t *testing.T) {
	bubble(t, router.Limits{GiveUp: 5 * time.Second}, func(t *testing.T, f *fabric) {
		began := time.Now()
		_, err := f.nodes["a"].Bind(t.Context(), edge.Client, jid.MustParse(ann), edge.Wish{}, &stream{})
		var r *edge.Refusal
		if !errors.As(err, &r) || r.Condition != "resource-constraint" { // RFC 6120 §7.6.2.1
			t.Errorf("refused with %v", err)
		}
		if d := time.Since(began); d != 5*time.Second {
			t.Errorf("refused after %v", d)
		}
		if s := f.nodes["a"].Status(); len(s.Sessions) != 0 {
			t.Errorf("status %+v", s)
		}
		f.lead("b") // which grants nothing that was given up
		time.Sleep(time.Second)
		if d := f.nodes["b"].Directory(); len(d) != 0 {
			t.Errorf("directory %v", d)
		}
		if n := len(f.nodes["a"].sessions); n != 0 {
			t.Errorf("%d sessions are kept", n)
		}
	})
}

// A bind that waits for the leader is granted by it.
func TestBindWaits(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		go func() {
			time.Sleep(time.Second)
			f.lead("b")
		}()
		s, _ := f.bind("a", ann)
		if s.JID() != jid.MustParse(ann) {
			t.Errorf("granted %v", s.JID())
		}
	})
}

// Rule 10: what a stream did not write when it ended goes back to be answered.
func TestCloseRequeues(t *testing.T) {
	for _, at := range []string{"a", "b", "c"} {
		t.Run("recipient at "+at, func(t *testing.T) {
			bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
				f.lead("c")
				a, heard := f.bind("a", ann)
				b, bobs := f.bind(at, bob)
				f.say(a, chat(ann, bob, 1))
				wantStream(t, "bob", bobs, chat(ann, bob, 1))
				bobs.mu.Lock()
				bobs.stuck = true
				bobs.mu.Unlock()
				f.say(a, chat(ann, bob, 2))
				f.say(a, chat(ann, bob, 3))
				synctest.Wait()
				b.Close()
				wantStream(t, "ann", heard,
					refusal(2, bob, ann, "cancel", "service-unavailable", ""),
					refusal(3, bob, ann, "cancel", "service-unavailable", ""))
				if d := f.nodes["c"].Directory(); len(d) != 1 {
					t.Errorf("directory %v", d)
				}
				if n := len(f.nodes[at].sessions); at != "a" && n != 0 {
					t.Errorf("%d sessions are kept", n)
				}
			})
		})
	}
}

// RFC 6120 §7.7.2.2: a newer stream replaces the older one; what that had not
// written comes first.
func TestConflict(t *testing.T) {
	for _, addr := range []string{bob, "cb1.meet.example"} {
		t.Run(addr, func(t *testing.T) {
			bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
				f.lead("c")
				a, heard := f.bind("a", ann)
				_, old := f.bind("b", addr)
				old.stuck = true
				for n := 1; n <= 3; n++ {
					f.say(a, chat(ann, addr, n))
				}
				synctest.Wait()
				_, young := f.bind("c", addr)
				f.say(a, chat(ann, addr, 4))
				wantStream(t, "the newer stream", young, chats(ann, addr, 1, 4)...)
				wantStream(t, "the older stream", old)
				if c, _ := old.end(); c != "conflict" {
					t.Errorf("the older stream ended with %q", c)
				}
				wantStream(t, "ann", heard)
				if n := f.nodes["c"].Directory()[addr]; n != "c" {
					t.Errorf("%s is bound at %q", addr, n)
				}
			})
		})
	}
}

// A new epoch may begin while a stream is being drained for the old one's
// CLOSE: what was drained is kept for the new one's, be it there already or not.
func TestDrainOvertaken(t *testing.T) {
	for _, again := range []bool{true, false} {
		t.Run(fmt.Sprintf("closed again %v", again), func(t *testing.T) {
			bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
				f.lead("c")
				a, heard := f.bind("a", ann)
				b, bobs := f.bind("b", bob)
				bobs.stuck, bobs.gate = true, make(chan struct{})
				f.say(a, chat(ann, bob, 1))
				f.say(a, chat(ann, bob, 2))
				synctest.Wait()
				b.Close()
				synctest.Wait() // CLOSE has come and waits for the stream
				f.mu.Lock()
				f.mute[[2]string{"c", "a"}] = !again // the new leader waits for it before GO
				f.mu.Unlock()
				f.lead("a")
				if open := f.nodes["b"].Status().Open; open != again {
					t.Fatalf("the new epoch is open: %v", open)
				}
				close(bobs.gate)
				time.Sleep(3 * time.Second) // rule 12: no negative answer while c is absent
				wantStream(t, "ann", heard,
					refusal(1, bob, ann, "cancel", "service-unavailable", ""),
					refusal(2, bob, ann, "cancel", "service-unavailable", ""))
				time.Sleep(10 * time.Second)
				wantStream(t, "ann, again,", heard)
				if n := len(f.nodes["b"].sessions); n != 0 {
					t.Errorf("%d sessions are kept", n)
				}
				if !bobs.closed {
					t.Error("the stream was not drained")
				}
			})
		})
	}
}

// A stream that does not read is ended, and the sender told (rule 7).
func TestOutboxFull(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		f.lead("c")
		a, heard := f.bind("a", ann)
		_, bobs := f.bind("b", bob)
		bobs.full = true
		f.say(a, chat(ann, bob, 1))
		wantStream(t, "ann", heard, refusal(1, bob, ann, "wait", "resource-constraint", ""))
		if c, _ := bobs.end(); c != "resource-constraint" {
			t.Errorf("bob's stream ended with %q", c)
		}
	})
}

// What is no message breaks the link; what came before it counts.
func TestMalformedPeer(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		n := f.nodes["a"]
		open := router.AppendMsg(nil, router.Msg{Type: router.MsgOpen, Epoch: router.Epoch{Term: 7}})
		n.Receive("b", [][]byte{open, {0xEE, 1, 2}, open})
		if s := n.Status(); s.Leader != "b" || s.Term != 7 {
			t.Errorf("status %+v", s)
		}
		if f.reset["a>b"] == nil {
			t.Error("the link was not reset")
		}
	})
}

func TestDrain(t *testing.T) {
	bubble(t, router.Limits{}, func(t *testing.T, f *fabric) {
		drain := func(want time.Duration) {
			t.Helper()
			began := time.Now()
			f.nodes["a"].Drain(time.Second)
			if d := time.Since(began); d != want {
				t.Errorf("it took %v, not %v", d, want)
			}
		}
		drain(0)
		f.lead("c")
		a, _ := f.bind("a", ann)
		drain(time.Second)
		a.Close()
		synctest.Wait()
		drain(0)
		a, _ = f.bind("a", ann)
		f.cut("a", "c", false)
		f.say(a, chat(ann, bob, 1))
		a.Close()
		drain(time.Second) // nobody closes it
	})
}

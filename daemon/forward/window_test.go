package forward

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"quorate.org/daemon/router"
)

// crowded is crowd with the smallest window that can be set.
func crowded(t *testing.T, body func(t *testing.T, f *fabric)) {
	t.Helper()
	bubble(t, router.Limits{Frames: 64}, func(t *testing.T, f *fabric) {
		f.store.people(t, "romeo", "juliet", "nurse")
		f.lead("a")
		body(t, f)
	})
}

// hoard publishes last items of more than a client may leave unconfirmed, and has a
// new client want them, which confirms nothing.
func (f *fabric) hoard(t *testing.T) (m *managed, nodes []string) {
	t.Helper()
	m = f.arrive(t, "b", "resumable")
	large := "<a xmlns='urn:a'>" + strings.Repeat("x", 180<<10) + "</a>"
	for i := range 11 {
		nodes = append(nodes, fmt.Sprint("urn:n", i))
		m.publish(nodes[i], "1", large, "")
	}
	synctest.Wait()
	m.hear()
	m.s.Acked(m.h)
	m.wants(nodes...)
	return m, nodes
}

// TestSlowClientHoldsNobodyUp: what waits until a client confirms holds the window of
// its node no longer than others have room in it, be it that the client is silent or
// that it confirms in trickles.
func TestSlowClientHoldsNobodyUp(t *testing.T) {
	for _, trickle := range []bool{false, true} {
		crowded(t, func(t *testing.T, f *fabric) {
			slow, _ := f.hoard(t)
			romeo := f.enter("b", "romeo", "one")
			worst := time.Duration(0)
			for n := range 3000 {
				before := time.Now()
				if err := send(t.Context(), romeo.s, "<message from='"+romeo.addr+"' to='"+romeo.addr+"' type='headline'/>"); err != nil {
					t.Fatal(err)
				}
				worst = max(worst, time.Since(before))
				if n%1000 == 999 && trickle {
					slow.h++
					if _, ok := slow.s.Acked(slow.h); !ok {
						t.Fatal("the client confirms what it was not sent")
					}
				}
				time.Sleep(10 * time.Millisecond)
			}
			if worst > time.Second {
				t.Errorf("trickle %v: another client of the node waits for %v", trickle, worst)
			}
			if got := len(romeo.out.take()); got != 3000 {
				t.Errorf("trickle %v: %d messages have come", trickle, got)
			}
			if condition, shut := slow.out.end(); shut {
				t.Errorf("trickle %v: the slow client's stream ends with %q", trickle, condition)
			}
		})
	}
}

// TestAccountHasItsShare: a client whose stanzas wait for answers that it does not let
// come fills its account's share of the window, whatever its stream it sends on, and
// stops nobody but itself.
func TestAccountHasItsShare(t *testing.T) {
	crowded(t, func(t *testing.T, f *fabric) {
		slow, _ := f.hoard(t)
		second := f.enter("b", "juliet", "two")
		romeo := f.enter("b", "romeo", "one")
		ctx, cancel := context.WithCancel(t.Context())
		slow.say("<iq type='set' id='r' from='%s'><query xmlns='jabber:iq:roster'><item jid='x@meet.example'/></query></iq>", slow.addr)
		var taken atomic.Int64
		for _, c := range []*client{slow.client, second} {
			go func() {
				for send(ctx, c.s, "<message from='"+c.addr+"' to='romeo@meet.example/one' type='headline'/>") == nil && taken.Add(1) < 400 {
				}
			}()
			synctest.Wait()
		}
		if n := taken.Load(); n > 8 {
			t.Errorf("%d stanzas are taken into a window of 64", n)
		}
		before := time.Now()
		for range 20 {
			romeo.message("romeo@meet.example/one", "hello")
		}
		if d := time.Since(before); d > 100*time.Millisecond {
			t.Errorf("another client of the node waits for %v", d)
		}
		time.Sleep(time.Minute)
		if n := taken.Load(); n < 400 {
			t.Errorf("%d stanzas were taken in the end", n)
		}
		cancel()
	})
}

// TestCapsAreToldOnce: a client that says again what it is gets its last items no second
// time; when it has gone and become available again, it does.
func TestCapsAreToldOnce(t *testing.T) {
	crowd(t, func(t *testing.T, f *fabric) {
		c := f.enter("b", "juliet", "x")
		c.publish("urn:n", "1", "<a xmlns='urn:a'/>", "")
		c.out.take()
		c.wanting("urn:n")
		if got := c.events(); len(got) != 1 {
			t.Fatalf("at first: %q", got)
		}
		for range 3 {
			c.declares(c.bare, "again", []string{"urn:n"})
		}
		if got := c.out.take(); len(got) != 0 {
			t.Errorf("unasked: %q", got)
		}
		c.say("<presence from='%s' type='unavailable'/>", c.addr)
		c.kept = nil
		c.wanting("urn:n")
		if got := c.events(); len(got) != 1 {
			t.Errorf("available again: %q", got)
		}
	})
}

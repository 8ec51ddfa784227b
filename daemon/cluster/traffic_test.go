package cluster_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/xmlwire"
)

// inbox is the stream of a session in these tests.
type inbox struct{ got chan string }

func (i inbox) Enqueue(raw []byte) bool { i.got <- string(raw); return true }
func (i inbox) Drain() [][]byte         { return nil }
func (i inbox) Shut(string, string)     {}
func (i inbox) Room(int, int) bool      { return true }

func bind(t testing.TB, m *member, addr string) (edge.Session, inbox) {
	t.Helper()
	in := inbox{make(chan string, 10000)}
	s, err := m.forward.Bind(t.Context(), edge.Component, jid.MustParse(addr), edge.Wish{}, in)
	if err != nil {
		t.Fatalf("binding %s at %s: %v", addr, m.addr, err)
	}
	return s, in
}

// scanned returns one stanza with its header, as an edge's scanner finds it.
func scanned(t testing.TB, raw string) (*xmlwire.Header, []byte) {
	t.Helper()
	s := xmlwire.NewScanner(xmlwire.Limits{})
	open := "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>"
	if _, _, err := s.Next([]byte(open)); err != nil {
		t.Fatal(err)
	}
	ev, _, err := s.Next([]byte(raw))
	if err != nil || ev.Kind != xmlwire.Stanza {
		t.Fatalf("%s: %v", raw, err)
	}
	return ev.Header, ev.Raw
}

// passes sends a stanza and reports whether it came; on a host that is too busy to
// have a leader for long it comes back with an error instead.
func passes(t testing.TB, from edge.Session, back, in inbox, raw string) bool {
	t.Helper()
	h, b := scanned(t, raw)
	if err := from.Send(t.Context(), h, b); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-in.got:
		if got != raw {
			t.Fatalf("got %s, want %s", got, raw)
		}
		return true
	case got := <-back.got:
		if !strings.Contains(got, "type='error'") {
			t.Fatalf("the sender got %s", got)
		}
	case <-time.After(patience):
		t.Fatalf("%s is lost", raw)
	}
	return false
}

func TestFormsAndRoutes(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	_, followers := leaderOf(t, all)
	a, back := bind(t, followers[0], "cb1.meet.example")
	_, in := bind(t, followers[1], "cb2.meet.example")
	for i := range 100 {
		raw := fmt.Sprintf("<message from='cb1.meet.example' to='x@cb2.meet.example' id='%d'/>", i)
		until(t, raw+" is there", func() bool { return passes(t, a, back, in, raw) })
	}
	h, b := scanned(t, "<message from='cb1.meet.example' to='x@cb9.meet.example'/>")
	if err := a.Send(t.Context(), h, b); err != nil {
		t.Fatal(err)
	}
}

// TestFlowSurvivesLeader: between two followers nothing is lost, doubled or
// reordered when the leader goes, and a new one is there at once.
func TestFlowSurvivesLeader(t *testing.T) {
	t.Parallel()
	all := form(t, 3)
	leader, followers := leaderOf(t, all)
	a, _ := bind(t, followers[0], "cb1.meet.example")
	_, in := bind(t, followers[1], "cb2.meet.example")
	const count = 600
	sending := make(chan error, 1)
	go func() {
		for i := range count {
			h, b := scanned(t, fmt.Sprintf("<message from='cb1.meet.example' to='cb2.meet.example' id='%d'/>", i))
			if err := a.Send(t.Context(), h, b); err != nil {
				sending <- err
				return
			}
			time.Sleep(time.Millisecond)
		}
		sending <- nil
	}()
	var going sync.WaitGroup
	defer going.Wait()
	var gap time.Duration
	last := time.Now()
	for i := range count {
		if i == count/3 {
			going.Go(leader.close)
		}
		select {
		case got := <-in.got:
			if want := fmt.Sprintf("<message from='cb1.meet.example' to='cb2.meet.example' id='%d'/>", i); got != want {
				t.Fatalf("got %s, want number %d", got, i)
			}
		case <-time.After(patience):
			t.Fatalf("number %d did not come", i)
		}
		if d := time.Since(last); d > gap {
			gap = d
		}
		last = time.Now()
	}
	if err := <-sending; err != nil {
		t.Fatal(err)
	}
	t.Logf("longest gap over the leader's end: %v", gap)
}

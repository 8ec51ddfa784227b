package callbridge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/resolve"
)

func server(host string, priority int) resolve.Server {
	return resolve.Server{Target: host, Port: 5223, Priority: priority}
}

func least(int64) int64    { return 0 }
func most(n int64) int64   { return n - 1 }
func half(n int64) int64   { return n / 2 }
func refuse() *fault.Error { return fault.New(fault.TCP, "refused") }

// tells writes down what a plan asks for until it waits.
func tells(p *plan, found []resolve.Server, failing bool) string {
	var said []string
	for {
		switch s := p.next(); s.do {
		case find:
			said = append(said, "find")
			p.found(found)
		case try:
			said = append(said, s.server.Target)
			if !failing {
				return strings.Join(said, " ")
			}
			p.failed(refuse())
		case wait:
			return strings.Join(append(said, s.pause.String()), " ")
		}
	}
}

// The first pauses and the last, drawn as long as they can be: 0.2 s doubled to
// 30 s.
func TestBackOff(t *testing.T) {
	p := &plan{draw: func(n int64) int64 { return n - 1 }}
	given := []resolve.Server{server("a", 0), server("b", 1)}
	for i, want := range []time.Duration{200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond, 1600 * time.Millisecond,
		3200 * time.Millisecond, 6400 * time.Millisecond, 12800 * time.Millisecond, 25600 * time.Millisecond, 30 * time.Second, 30 * time.Second} {
		if got := tells(p, given, true); got != "find a b "+want.String() {
			t.Errorf("round %d: %s", i, got)
		}
	}
	p = &plan{draw: least}
	if got := tells(p, given, true); got != "find a b 0s" {
		t.Errorf("drawn short: %s", got)
	}
}

func TestLostLink(t *testing.T) {
	given := []resolve.Server{server("a", 0), server("b", 1), server("c", 2)}
	for _, tc := range []struct {
		name     string
		lives    []time.Duration
		conflict bool
		want     string // of the round after the last link
	}{
		{"another server is tried first, at once", []time.Duration{time.Hour}, false, "find b"},
		{"even when the link was young", []time.Duration{time.Second}, false, "find b"},
		{"links that break at once wait", []time.Duration{time.Second, time.Second}, false, "200ms"},
		{"and longer", []time.Duration{time.Second, time.Second, time.Second}, false, "400ms"},
		{"until one lives", []time.Duration{time.Second, time.Second, time.Minute}, false, "find b"},
		{"another with our name: long", []time.Duration{time.Hour}, true, "22.5s"},
	} {
		p := &plan{draw: half}
		var got string
		for _, lived := range tc.lives {
			for got = tells(p, given, false); !strings.Contains(got, "find"); got = tells(p, given, false) {
			}
			p.ended(given[0], lived, tc.conflict)
		}
		if got = tells(p, given, false); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
	// The server that was lost is still tried, last.
	p := &plan{draw: most}
	tells(p, given, false)
	p.ended(given[0], time.Hour, false)
	if got := tells(p, given, true); got != "find b c a 200ms" {
		t.Errorf("the round after a loss: %s", got)
	}
}

// Whatever happens, each server is tried once a round, a pause follows every
// round in vain and none a link that lived, and no pause is longer than 30 s.
func TestPlanModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &plan{draw: func(n int64) int64 { return rapid.Int64Range(0, n-1).Draw(t, "lot") }}
		var tried []string
		var all []resolve.Server
		mayTry, owed := false, false // servers are known; a pause is due
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			s := p.next()
			switch s.do {
			case find:
				if owed {
					t.Fatal("no pause after a round in vain")
				}
				tried, mayTry = nil, true
				if rapid.Bool().Draw(t, "no servers") {
					p.notFound(fault.New(fault.DNS, "none"))
					mayTry, owed = false, true
					continue
				}
				all = all[:0]
				for i := range rapid.IntRange(1, 4).Draw(t, "servers") {
					all = append(all, server(fmt.Sprint(i), rapid.IntRange(0, 1).Draw(t, "priority")))
				}
				p.found(all)
			case try:
				if !mayTry || owed || slices.Contains(tried, s.server.Target) {
					t.Fatalf("%s is tried after %v", s.server.Target, tried)
				}
				tried = append(tried, s.server.Target)
				if rapid.Bool().Draw(t, "link") {
					lived := rapid.SampledFrom([]time.Duration{time.Second, time.Minute}).Draw(t, "lived")
					p.ended(s.server, lived, false)
					mayTry = false
					if lived >= brief && p.phase == pausing {
						t.Fatal("a pause after a link that lived")
					}
					continue
				}
				p.failed(refuse())
				owed = len(tried) == len(all)
			case wait:
				if s.pause < 0 || s.pause > lastCeiling {
					t.Fatalf("a pause of %v", s.pause)
				}
				owed = false
			}
		}
	})
}

// The failure told of a round does not depend on the order of the servers.
func TestTelling(t *testing.T) {
	secret := attempt{server("b", 0), fault.New(fault.WrongSecret, "secret")}
	refused := attempt{server("a", 0), fault.New(fault.TCP, "a refused")}
	other := attempt{server("c", 0), fault.New(fault.TCP, "c refused")}
	for _, tc := range []struct {
		attempts []attempt
		want     string
	}{
		{[]attempt{refused, secret, other}, "secret"}, {[]attempt{secret, other, refused}, "secret"},
		{[]attempt{other, refused}, "a refused"}, {[]attempt{refused, other}, "a refused"},
	} {
		if got := (&plan{attempts: tc.attempts}).telling().Message; got != tc.want {
			t.Errorf("told %q, want %q", got, tc.want)
		}
	}
}

// The bridge waits as its plan says: without a name server it does nothing but
// wait, which needs no network.
func TestPausesBetweenRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var texts []string
		var b *Bridge
		b = NewBridge("1", resolve.New("/nonexistent", resolve.Port), slog.New(slog.NewTextHandler(io.Discard, nil)), func() {
			if s := b.Status(); s.State == Failed {
				at, texts = append(at, time.Now()), append(texts, s.Text)
			}
		})
		b.Use(&Setup{Name: "cb1", Domain: "meet.example", Secret: "s", Trust: NewTrust(nil, nil)})
		ran := make(chan struct{})
		run, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		go func() { defer close(ran); b.Run(run) }()
		<-ran
		ceiling := firstCeiling
		var longest time.Duration
		for i := 1; i < len(at); i++ {
			pause := at[i].Sub(at[i-1])
			if pause > ceiling {
				t.Errorf("pause %d is %v, more than %v", i, pause, ceiling)
			}
			longest, ceiling = max(longest, pause), min(2*ceiling, lastCeiling)
		}
		if len(at) < 25 || longest < 20*time.Second {
			t.Errorf("%d rounds in ten minutes, the longest pause %v", len(at), longest)
		}
		want := `connection to "meet.example" failed (DNS failure): the name servers are not known: stat /nonexistent: no such file or directory`
		if diff := cmp.Diff(want, texts[0]); diff != "" {
			t.Error(diff)
		}
	})
}

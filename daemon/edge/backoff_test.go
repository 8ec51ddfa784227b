package edge

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/jid"
)

func TestLedger(t *testing.T) {
	b := ledger{seed: maphash.MakeSeed()}
	l := Limits{AccountFailures: 3, FailureWindow: time.Minute}
	now := time.Unix(1000, 0)
	juliet := jid.MustParse("juliet@meet.example")
	home, away := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.1")
	enter := func(a netip.Addr, want string) <-chan struct{} {
		t.Helper()
		wake, allowed := b.enter(juliet, a, now, l)
		if got := map[bool]string{true: "waits", false: map[bool]string{true: "allowed", false: "refused"}[allowed]}[wake != nil]; got != want {
			t.Errorf("from %s: %s, want %s", a, got, want)
		}
		return wake
	}
	settle := func(a netip.Addr, passed bool) { b.settle(juliet, a, passed, now, l) }
	enter(home, "allowed")
	settle(home, true)
	for range 3 { // none of them has an answer yet
		enter(away, "allowed")
	}
	wake := enter(away, "waits")
	enter(home, "allowed")
	settle(home, true)
	select {
	case <-wake:
	default:
		t.Error("nobody wakes who waits")
	}
	for range 3 {
		enter(away, "waits")
		settle(away, false)
	}
	if n := b.count(juliet, now, l); n != 3 {
		t.Errorf("%d failures", n)
	}
	enter(away, "refused")
	enter(netip.MustParseAddr("::ffff:192.0.2.1"), "allowed")
	settle(home, true)
	s := b.at(juliet, now, l)
	for i := range byte(len(s.homes)) { // the owner moves about
		s.remember(b.home(juliet, netip.AddrFrom4([4]byte{203, 0, 113, i})))
	}
	enter(home, "refused")
	s.remember(b.home(juliet, netip.AddrFrom4([4]byte{203, 0, 113, 0}))) // the oldest of them, used again
	s.remember(b.home(juliet, away))
	enter(netip.AddrFrom4([4]byte{203, 0, 113, 0}), "allowed")
	enter(netip.AddrFrom4([4]byte{203, 0, 113, 1}), "refused")
	now = now.Add(time.Minute)
	enter(home, "allowed")
}

// TestManySignIns: more sign-ins of one account at once than may fail, none of
// which does, are all let in; of as many guesses no more are looked at.
func TestManySignIns(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{AccountFailures: 5, AuthFailures: 1000, Backoff: time.Millisecond})
	var all sync.WaitGroup
	var looked atomic.Int32
	for i := range 40 {
		signer, guesser := r.dial(true), r.dial(true)
		all.Go(func() {
			if got := signer.signIn(login{user: "juliet", password: "pencil"}); !strings.Contains(got, "<success") {
				t.Errorf("sign-in %d: %s", i, got)
			}
		})
		all.Go(func() {
			guesser.send(clientOpen)
			guesser.until("</stream:features>")
			guesser.send("<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-256'>" + first("mallory") + "</auth>")
			if got := guesser.until("</(challenge|failure)>"); strings.Contains(got, "<challenge") {
				guesser.send("<response xmlns='" + nsSASL + "'>Yz1iaXdzLHI9YWJjLHA9QUFBQQ==</response>")
				guesser.until("<not-authorized/></failure>")
				looked.Add(1)
			}
		})
	}
	all.Wait()
	if n := looked.Load(); n != 5 {
		t.Errorf("%d guesses are looked at", n)
	}
	if p := r.edge.ledger.at(jid.MustParse("juliet@meet.example"), time.Now(), Limits{FailureWindow: time.Hour}).pending; p != 0 {
		t.Errorf("%d sign-ins are never settled", p)
	}
}

func TestDelay(t *testing.T) {
	for n, want := range map[int]time.Duration{
		1: 0, 3: 0, 4: 100 * time.Millisecond, 5: 200 * time.Millisecond, 8: 1600 * time.Millisecond, 9: maxDelay, 1 << 30: maxDelay,
	} {
		if got := delay(n, 100*time.Millisecond); got != want {
			t.Errorf("failure %d is held back %s, want %s", n, got, want)
		}
	}
}

// TestBackoff guesses a password: the answers come slower, the account is held
// back for strangers, one that does not exist likewise, and others are served.
func TestBackoff(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"juliet", "nobody"} {
		r := newRig(t, Limits{AuthFailures: 100, AccountFailures: 6, Backoff: 40 * time.Millisecond})
		begun := time.Now()
		for range 2 {
			p := r.dial(true)
			for range 3 {
				if got := p.signIn(login{user: user, password: "guess"}); !strings.Contains(got, "<not-authorized/>") {
					t.Fatalf("%s: %s", user, got)
				}
			}
			p.conn.Close()
		}
		if took := time.Since(begun); took < (40+80+160)*time.Millisecond {
			t.Errorf("%s: six guesses took %s", user, took)
		}
		if n := r.edge.Seen().Reached[boundBackoff]; n != 3 {
			t.Errorf("%s: %d answers were held back, want those behind the third", user, n)
		}
		p := r.dial(true)
		p.send(clientOpen)
		p.until("</stream:features>")
		p.send("<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-256'>" + first(user) + "</auth>")
		if got := p.until("</(challenge|failure)>"); !strings.Contains(got, "<temporary-auth-failure/>") {
			t.Errorf("%s: %s", user, got)
		}
		r.client("romeo", "x")
	}
}

// TestUncompleted begins sign-ins and completes none: on one stream, each in the
// place of the one before, and on streams that end behind the challenge. They count
// like wrong passwords, against the address too, long before they hold the account's
// owner back elsewhere.
func TestUncompleted(t *testing.T) {
	t.Parallel()
	const auth = "<auth xmlns='" + nsSASL + "' mechanism='SCRAM-SHA-256'>%s</auth>"
	begin := func(p *peer) string {
		p.send(fmt.Sprintf(auth, first("juliet")))
		return p.until("</(challenge|failure|stream:stream)>")
	}
	r := newRig(t, Limits{AuthFailures: 6, Backoff: 40 * time.Millisecond})
	began := time.Now()
	p := r.dial(true)
	p.send(clientOpen)
	p.until("</stream:features>")
	for range 4 {
		if got := begin(p); !strings.Contains(got, "<challenge") {
			t.Fatalf("got %s", got)
		}
	}
	if got := begin(p); !strings.Contains(got, "<policy-violation") {
		t.Errorf("the fifth exchange of a stream: %s", got)
	}
	p.conn.Close()
	for range 2 {
		p := r.dial(true)
		p.send(clientOpen)
		p.until("</stream:features>")
		begin(p)
		p.conn.Close()
		for !r.empty() {
			runtime.Gosched()
		}
	}
	if took := time.Since(began); took < (40+80+160)*time.Millisecond {
		t.Errorf("six sign-ins were not completed in %v", took)
	}
	turnedAway(t, r)
	if n := r.edge.ledger.count(jid.MustParse("juliet@meet.example"), time.Now(), DefaultLimits); n != 6 {
		t.Errorf("%d failures of the account", n)
	}
	if n := len(r.log.having("condition", "aborted")); n != 6 {
		t.Errorf("%d times in the journal", n)
	}
}

package web

import (
	"strings"
	"sync"
	"time"
)

// Failed sign-ins are counted by where they come from and by account. From the
// fifth of a place, and the twentieth of an account, on within the window each
// one makes the next wait, twice as long each time. An account has more, so that
// one place that guesses does not keep its owner out everywhere else; what many
// places guess together is slowed down by PAM as well (pam_faillock, ten).
const (
	freeFailures = 5
	freeOfMany   = 20
	window       = 10 * time.Minute
	firstDelay   = 10 * time.Second
	longestDelay = 5 * time.Minute
	maxCounts    = 4096 // in a table
	maxTrusted   = 256
)

// throttle slows guessing down. An account's count does not hold for a place
// where it signed in before: nobody can keep a person out by guessing wrong on
// their behalf.
type throttle struct {
	mu       sync.Mutex
	places   counts             // guarded by mu
	accounts counts             // guarded by mu
	trusted  map[pair]time.Time // guarded by mu: when an account last signed in from a place
}

type pair struct{ place, account string }

// counts are failures by place or account.
type counts map[string]*count

type count struct {
	failures int
	last     time.Time
	until    time.Time // no attempt before
}

func newThrottle() *throttle {
	return &throttle{places: counts{}, accounts: counts{}, trusted: map[pair]time.Time{}}
}

// begin asks for an attempt. It counts as a failure until succeed is called, so
// that many at once get no more than one after another; wait is how long none is
// let in, 0 when this one is.
func (t *throttle) begin(place, account string, now time.Time) (wait time.Duration) {
	p := pair{place, fold(account)}
	t.mu.Lock()
	defer t.mu.Unlock()
	wait = t.places.wait(p.place, now)
	_, known := t.trusted[p]
	if !known {
		wait = max(wait, t.accounts.wait(p.account, now))
	}
	if wait > 0 {
		return wait
	}
	t.places.fail(p.place, freeFailures, now)
	if !known {
		t.accounts.fail(p.account, freeOfMany, now)
	}
	return 0
}

// succeed takes an attempt and the failures before it back.
func (t *throttle) succeed(place, account string, now time.Time) {
	p := pair{place, fold(account)}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.places, p.place)
	delete(t.accounts, p.account)
	if _, known := t.trusted[p]; !known && len(t.trusted) >= maxTrusted {
		delete(t.trusted, oldest(t.trusted, func(at time.Time) time.Time { return at }))
	}
	t.trusted[p] = now
}

// forgive takes an attempt back that failed for another reason than its password.
func (t *throttle) forgive(place, account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.places.forgive(place)
	t.accounts.forgive(fold(account))
}

func (c counts) forgive(name string) {
	if n := c[name]; n != nil {
		n.failures, n.until = max(n.failures-1, 0), time.Time{}
	}
}

func (c counts) wait(name string, now time.Time) time.Duration {
	n := c[name]
	if n == nil {
		return 0
	}
	if now.Sub(n.last) >= window {
		delete(c, name)
		return 0
	}
	return max(n.until.Sub(now), 0)
}

func (c counts) fail(name string, free int, now time.Time) {
	n := c[name]
	if n == nil {
		if len(c) >= maxCounts {
			delete(c, oldest(c, func(n *count) time.Time { return n.last }))
		}
		n = &count{}
		c[name] = n
	}
	n.failures++
	n.last = now
	if over := n.failures - free; over >= 0 {
		n.until = now.Add(min(firstDelay<<min(over, 10), longestDelay))
	}
}

// oldest returns the key whose time is the earliest.
func oldest[K comparable, V any](m map[K]V, at func(V) time.Time) (k K) {
	var first time.Time
	for x, v := range m {
		if first.IsZero() || at(v).Before(first) {
			k, first = x, at(v)
		}
	}
	return k
}

// fold makes spellings of an account one, and bounds what a table keeps of it.
func fold(account string) string {
	account = strings.ToLower(strings.TrimSpace(account))
	return account[:min(len(account), 64)]
}

package edge

import (
	"context"
	"hash/maphash"
	"net/netip"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
)

// Failed sign-ins are held back by address, in gate, and by account, in ledger:
// a guesser with many addresses has one account, and one with many accounts few
// addresses.

// ledgerSize is how many counters there are. Accounts share them by a keyed hash,
// so that names that do not exist cost no memory; two that share one share their
// failures, which costs the one a delay at worst.
const ledgerSize = 4096

// ledger counts failed sign-ins by account, and those under way: as many may fail
// as would be too many, so the rest wait for their outcome. Guesses made side by
// side are counted like others.
type ledger struct {
	mu    sync.Mutex
	slots [ledgerSize]slot // guarded by mu
	seed  maphash.Seed
}

type slot struct {
	failures int
	since    time.Time     // of the first failure counted
	pending  int           // sign-ins under way
	wake     chan struct{} // closed when one of them ends; nil while nobody waits
	homes    [4]uint64     // accounts with addresses they signed in from, the last first
}

// free is how many failures are answered at once: people mistype.
const free = 3

// maxDelay bounds how long an answer is held back.
const maxDelay = 2 * time.Second

// at returns the counter of an account. The mutex is held.
func (b *ledger) at(account jid.JID, now time.Time, l Limits) *slot {
	s := &b.slots[maphash.String(b.seed, account.String())%ledgerSize]
	if s.failures > 0 && now.Sub(s.since) >= l.FailureWindow {
		s.failures, s.since = 0, time.Time{}
	}
	return s
}

// home is an account at an address.
func (b *ledger) home(account jid.JID, a netip.Addr) uint64 {
	return maphash.Comparable(b.seed, struct {
		account jid.JID
		place   netip.Addr
	}{account, placeOf(a)})
}

// try reports whether an account may be tried from an address; what it allows has
// to be settled. One that failed too often may be tried only from where its owner
// was before, so that guessing does not lock the owner out. It waits within ctx.
func (b *ledger) try(ctx context.Context, account jid.JID, a netip.Addr, l Limits) bool {
	for {
		wake, allowed := b.enter(account, a, time.Now(), l)
		if wake == nil {
			return allowed
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return false
		}
	}
}

// enter is try without waiting; a channel says for what to wait.
func (b *ledger) enter(account jid.JID, a netip.Addr, now time.Time, l Limits) (wake <-chan struct{}, allowed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.at(account, now, l)
	switch {
	case slices.Contains(s.homes[:], b.home(account, a)), s.failures+s.pending < l.AccountFailures:
		s.pending++
		return nil, true
	case s.failures >= l.AccountFailures:
		return nil, false
	case s.wake == nil:
		s.wake = make(chan struct{})
	}
	return s.wake, false
}

// settle ends what try allowed. One that was not completed has failed.
func (b *ledger) settle(account jid.JID, a netip.Addr, passed bool, now time.Time, l Limits) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.at(account, now, l)
	s.pending--
	if passed {
		s.remember(b.home(account, a))
	} else {
		if s.failures == 0 {
			s.since = now
		}
		s.failures++
	}
	if s.wake != nil {
		close(s.wake)
		s.wake = nil
	}
}

// remember puts a home in front of the others.
func (s *slot) remember(home uint64) {
	if i := slices.Index(s.homes[:], home); i >= 0 {
		copy(s.homes[1:i+1], s.homes[:i])
	} else {
		copy(s.homes[1:], s.homes[:])
	}
	s.homes[0] = home
}

// count returns how many sign-ins failed.
func (b *ledger) count(account jid.JID, now time.Time, l Limits) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(account, now, l).failures
}

// delay is how long the answer to the n-th failure is held back: the backoff,
// doubled with each.
func delay(n int, backoff time.Duration) time.Duration {
	if n <= free {
		return 0
	}
	return min(backoff<<min(n-free-1, 16), maxDelay)
}

// penalize counts a failed sign-in and holds its answer back. With too many of the
// address the stream ends.
func (c *conn) penalize(out []byte, act stream.Action) ([]byte, stream.Action) {
	if n := c.fail(); n < c.set.limits.AuthFailures || act.Do == stream.Close {
		return out, act
	}
	return c.machine.Fail(out, &stream.Violation{
		Condition: stanza.StreamPolicyViolation, Text: "too many failed sign-ins from this address"})
}

// fail counts a sign-in that failed, against its account and its address, and waits
// for as long as that is held back, for an account that does not exist like for one
// that does. It returns how many there are of the address.
func (c *conn) fail() int {
	account, now, l := c.trying, time.Now(), c.set.limits
	if account.IsZero() {
		account = c.machine.Account()
	}
	c.settle(false)
	c.edge.counts.failed.Add(1)
	n := c.edge.gate.failed(c.peer.Addr(), now, l)
	worst := n
	if !account.IsZero() {
		worst = max(n, c.edge.ledger.count(account, now, l))
	}
	back := delay(worst, l.Backoff)
	if back > 0 {
		c.edge.counts.reach(boundBackoff)
	}
	wait := time.NewTimer(back)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-c.ctx.Done():
	}
	return n
}

// abandon fails the sign-in under way, if there is one, since its client does not
// complete it: a challenge tells whether the account is locked, and counts against
// it, so it is no cheaper than a wrong password. It reports whether the address may go on.
func (c *conn) abandon() bool {
	if c.trying.IsZero() {
		return true
	}
	c.logAbandoned()
	return c.fail() < c.set.limits.AuthFailures
}

// admits is the machine's sasl.Guard. A new exchange takes the place of one that
// was not completed.
func (c *conn) admits(account jid.JID) bool {
	if !c.abandon() {
		return false
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.set.limits.AuthTimeout)
	defer cancel()
	if !c.edge.ledger.try(ctx, account, c.peer.Addr(), c.set.limits) {
		c.edge.counts.reach(boundOfOneAccount)
		return false
	}
	c.trying = account
	return true
}

// settle ends the sign-in that admits let begin, if there is one.
func (c *conn) settle(passed bool) {
	if !c.trying.IsZero() {
		c.edge.ledger.settle(c.trying, c.peer.Addr(), passed, time.Now(), c.set.limits)
		c.trying = jid.JID{}
	}
}

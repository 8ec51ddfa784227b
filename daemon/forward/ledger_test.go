package forward

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/replica"
)

// ledger is the replicated store of a fabric: one state for all nodes.
type ledger struct {
	mu      sync.Mutex
	state   *replica.State
	entries uint64
	filed   map[string][]archive.Entry
	fault   func(c replica.Command) fault // what goes wrong; nil for nothing
}

// fault is what goes wrong with one commit.
type fault uint8

const (
	none  fault = iota
	lost        // it is not committed, and the leader does not know
	mute        // it is committed, and the leader does not know
	heavy       // it takes as long as its caller waits
	late        // it is committed, and the leader knows a second later
)

var errUncertain = errors.New("the leader was lost")

// breaks has commits go wrong from here on, all in one way.
func (l *ledger) breaks(f fault) { l.breaksWhen(func(replica.Command) fault { return f }) }

// breaksWhen has them go wrong one by one.
func (l *ledger) breaksWhen(f func(c replica.Command) fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fault = f
}

func newLedger() *ledger { return &ledger{state: replica.New(), filed: map[string][]archive.Entry{}} }

func (l *ledger) State() *replica.State {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

func (l *ledger) Commit(ctx context.Context, c replica.Command) error {
	l.mu.Lock()
	var f fault
	if l.fault != nil {
		f = l.fault(c)
	}
	l.mu.Unlock()
	switch f {
	case lost:
		return errUncertain
	case heavy:
		<-ctx.Done()
		return ctx.Err()
	}
	if err := l.apply(c); err != nil {
		return err
	}
	switch f {
	case mute:
		return errUncertain
	case late:
		time.Sleep(time.Second)
	}
	return nil
}

func (l *ledger) apply(c replica.Command) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries++
	next, err := l.state.Apply(l.entries, c)
	if next != l.state {
		for _, w := range next.Writes {
			l.write(w)
		}
	}
	l.state = next
	return err
}

// write keeps archives as consensus does, in memory.
func (l *ledger) write(w archive.Write) {
	if w.Drop {
		delete(l.filed, w.Owner)
		return
	}
	list := append(l.filed[w.Owner], w.Entry)
	l.filed[w.Owner] = list[max(0, len(list)-w.Keep):]
}

func (l *ledger) Archive(bare string) archive.Scan {
	return func(from uint64, yield func(archive.Stored) bool) {
		l.mu.Lock()
		list := l.filed[bare]
		l.mu.Unlock()
		for _, e := range list {
			s, err := archive.Parse(e.Clock, e.AppendValue(nil))
			if err != nil {
				panic(err) // by construction it is none that is damaged
			}
			if e.Clock >= from && !yield(s) {
				return
			}
		}
	}
}

// people gives the domain accounts.
func (l *ledger) people(t *testing.T, names ...string) {
	t.Helper()
	whole := func(size int) replica.Keys {
		return replica.Keys{Iterations: 4096, Salt: []byte("s"), StoredKey: make([]byte, size), ServerKey: make([]byte, size)}
	}
	list := []replica.Command{replica.SetDomain("meet.example")}
	for _, n := range names {
		list = append(list, replica.SetAccount(replica.Account{Name: n, SHA1: whole(20), SHA256: whole(32)}))
	}
	for _, c := range list {
		if err := l.apply(c); err != nil {
			t.Fatal(err)
		}
	}
}

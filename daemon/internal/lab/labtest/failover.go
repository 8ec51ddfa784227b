package labtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/browser"
)

// Moved is how long a Call Bridge was on its way from a dead node to another,
// as its own node tells and as a page that was open all the time shows.
type Moved struct {
	Told, Shown time.Duration
	From, To    string
}

func (m Moved) String() string {
	return fmt.Sprintf("%s to %s in %v, shown by the open page after %v", m.From, m.To, m.Told.Round(time.Millisecond), m.Shown.Round(time.Millisecond))
}

// Loss is how a node goes.
type Loss int

const (
	Killed         Loss = iota // its programs end, and its kernel says so to whoever asks
	Silent                     // nothing is heard of it any more, as when the power is cut
	SilentFollower             // the same, of a node that no election follows
)

// FailOver ends the leader's node, or a follower's, while a Call Bridge of another
// node is connected there, waits until that one is connected elsewhere and
// answers, and starts the node again. pages are open Status pages of each node.
func FailOver(t *testing.T, l *lab.Lab, pages map[*lab.Node]*browser.Page, how Loss, limits Limits) Moved {
	t.Helper()
	dead, others, err := l.Leader(t.Context())
	must(t, err)
	if how == SilentFollower {
		dead, others = others[0], []*lab.Node{others[1], dead}
	}
	mover, witness := others[0], others[1]
	linkTo(t, mover, dead, limits)
	page := pages[mover]
	awaitLink(t, page, limits.Connect, dead)
	must(t, page.Evaluate("window.stayed = true", nil))
	client := Client(t, l, "alice", witness)
	moved := lose(t, mover, page, dead, others, how, limits)
	if moved.Told > limits.FailOver || moved.Shown > limits.FailOver {
		t.Errorf("the Call Bridge moved after %v, the page showed it after %v, want %v at most", moved.Told, moved.Shown, limits.FailOver)
	}
	var stayed bool
	if err := page.Evaluate("window.stayed === true", &stayed); err != nil || !stayed {
		t.Errorf("the page was loaded again: %v", err)
	}
	if took, err := ping(t.Context(), client, mover.Name()+"."+lab.Domain); err != nil {
		t.Error(err)
	} else {
		t.Logf("a ping through the moved Call Bridge took %v", took.Round(100*time.Microsecond))
	}
	must(t, dead.Start(t.Context()))
	ended(t, pages[dead])
	_, err = pages[dead].Goto(dead.WebURL())
	must(t, err)
	must(t, l.WaitHealthy(t.Context(), limits.Return))
	for _, n := range l.Members() {
		must(t, lab.Wait(t.Context(), limits.Return, "the Call Bridge of "+n.Name(), func() error { return n.Linked(t.Context(), l.Members()...) }))
	}
	return moved
}

// ended checks that the page of a node that started anew says that its sign-in
// is over.
func ended(t *testing.T, p *browser.Page) {
	t.Helper()
	must(t, p.WaitText("Not live: the sign-in has ended. Load the page again."))
}

// linkTo makes the Call Bridge of a node choose until it has chosen the server:
// the SRV records are alike, so one in three.
func linkTo(t *testing.T, n, server *lab.Node, limits Limits) {
	t.Helper()
	for range 50 {
		must(t, lab.Wait(t.Context(), limits.Connect, "a link", func() error { return n.Linked(t.Context()) }))
		if n.Linked(t.Context(), server) == nil {
			return
		}
		_, err := n.Exec(t.Context(), "callbridge restart")
		must(t, err)
	}
	t.Fatalf("the Call Bridge of %s never chooses %s", n.Name(), server.Name())
}

// lose ends a node and measures from before that.
func lose(t *testing.T, mover *lab.Node, page *browser.Page, dead *lab.Node, alive []*lab.Node, how Loss, limits Limits) Moved {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*limits.FailOver)
	defer cancel()
	moved := Moved{From: dead.Name()}
	var wg sync.WaitGroup
	began := time.Now()
	wg.Go(func() { moved.Told = since(ctx, began, func() error { return mover.Linked(ctx, alive...) }) })
	wg.Go(func() { moved.Shown = since(ctx, began, func() error { return shows(page, alive...) }) })
	if how != Killed {
		must(t, dead.Cut(ctx))
	}
	must(t, dead.Kill(ctx))
	wg.Wait()
	if how != Killed {
		must(t, dead.Heal(t.Context()))
	}
	s, err := mover.Link(t.Context())
	must(t, err)
	moved.To, _, _ = strings.Cut(s.Server, ".")
	return moved
}

// since returns how long it took until cond was fulfilled, or time was up.
func since(ctx context.Context, began time.Time, cond func() error) time.Duration {
	for cond() != nil && ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond): // as often as one can look
		}
	}
	return time.Since(began)
}

package local

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

// resumeKills is how many nodes are killed under flow: as many as QUORATE_KILLS
// says, or one of each kind.
func resumeKills(t *testing.T) int {
	text := os.Getenv("QUORATE_KILLS")
	if text == "" {
		return 4
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("QUORATE_KILLS=%s is no number of kills", text)
	}
	return n
}

// roamer is a client that resumes, and what numbers it heard of the other.
type roamer struct {
	*flow.Roamer
	t    *testing.T
	sent int

	mu    sync.Mutex // guards what follows
	heard []int
	other []string // errors
}

func roam(t *testing.T, l *lab.Lab, name string, nodes ...*lab.Node) *roamer {
	t.Helper()
	labtest.Account(t, l, name)
	r := &roamer{t: t}
	var addrs []string
	for _, n := range nodes {
		addrs = append(addrs, n.Addr()+":5222")
	}
	var err error
	r.Roamer, err = flow.Roam(t.Context(), l.Dial, labtest.TLS(l), flow.Account{Local: name, Domain: lab.Domain,
		Password: labtest.Password, Resource: "r", Heard: r.hear}, addrs...)
	must(t, err)
	t.Cleanup(r.Close)
	r.Send([]byte("<presence/>"))
	return r
}

func (r *roamer) hear(elem []byte) {
	text := string(elem)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch _, rest, ok := strings.Cut(text, "<body>"); {
	case strings.Contains(text, "type='error'"):
		r.other = append(r.other, text)
	case ok:
		number, _, _ := strings.Cut(rest, "<")
		n, _ := strconv.Atoi(number)
		r.heard = append(r.heard, n)
	}
}

func (r *roamer) say(to *roamer) {
	r.sent++
	r.Send(fmt.Appendf(nil, "<message to='%s' type='chat' id='%d'><body>%d</body></message>", to.JID, r.sent, r.sent))
}

func (r *roamer) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heard)
}

// inOrderOnce checks that what the other sent came once each, in order.
func (r *roamer) inOrderOnce(sent int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, n := range r.heard {
		if n != i+1 {
			r.t.Errorf("%s: in place %d came number %d of %d", r.JID, i+1, n, sent)
			break
		}
	}
	if len(r.heard) != sent {
		r.t.Errorf("%s: %d of %d messages came", r.JID, len(r.heard), sent)
	}
	if len(r.other) > 0 {
		r.t.Errorf("%s was answered %d times, first %s", r.JID, len(r.other), r.other[0])
	}
}

// Two clients write to each other all the time while nodes are killed: where the
// one is, where the other is, where both may be, and the leader. They resume at
// another node, and each gets every message of the other once, in order.
func TestM5_3_Resumption(t *testing.T) {
	l := labtest.Cluster(t)
	leader, others, err := l.Leader(t.Context())
	must(t, err)
	a, b := roam(t, l, "anna", others[0], others[1], leader), roam(t, l, "boris", leader, others[0], others[1])
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		tick := time.NewTicker(4 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				a.say(b)
				b.say(a)
			}
		}
	})
	kills := resumeKills(t)
	var longest time.Duration
	for i := range kills {
		took := killUnder(t, l, i, a, b)
		longest = max(longest, took)
		if t.Failed() {
			break
		}
	}
	close(stop)
	talking.Wait()
	err = lab.Wait(t.Context(), 20*time.Second, "the last messages", func() error {
		if a.count() < b.sent || b.count() < a.sent || a.Unacked()+b.Unacked() > 0 {
			return fmt.Errorf("%d of %d and %d of %d came, %d and %d not acknowledged", a.count(), b.sent, b.count(), a.sent, a.Unacked(), b.Unacked())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	a.inOrderOnce(b.sent)
	b.inOrderOnce(a.sent)
	_, moved := a.At()
	_, also := b.At()
	t.Logf("M5.3 %d kills, %d messages between two clients that resumed %d times: each once and in order, longest silence %v",
		kills, a.sent+b.sent, moved+also, longest.Round(time.Millisecond))
	if moved+also == 0 {
		t.Error("nobody had to resume")
	}
}

// killUnder kills one node: in turn where the one client is, where the other is,
// and the leader. It returns how long it took until both heard again.
func killUnder(t *testing.T, l *lab.Lab, turn int, a, b *roamer) time.Duration {
	t.Helper()
	victim, others, err := l.Leader(t.Context())
	must(t, err)
	what := "the leader"
	if client := []*roamer{a, b, nil}[turn%3]; client != nil {
		at, _ := client.At()
		for _, n := range append(others, victim) {
			if n.Addr()+":5222" == at {
				victim, what = n, client.JID
			}
		}
	}
	began := time.Now()
	kill(t, victim)
	hadA, hadB := a.count(), b.count()
	err = lab.Wait(t.Context(), 15*time.Second, "both to hear again", func() error {
		for _, r := range []*roamer{a, b} {
			if err := r.Err(); err != nil {
				t.Fatalf("kill %d (%s): %s: %v", turn+1, what, r.JID, err)
			}
		}
		if na, nb := a.count()-hadA, b.count()-hadB; na < 50 || nb < 50 {
			return fmt.Errorf("%d and %d messages since", na, nb)
		}
		return nil
	})
	took := time.Since(began)
	if err != nil {
		t.Errorf("kill %d (%s): %v", turn+1, what, err)
	}
	revive(t, l, victim)
	t.Logf("kill %d: %s, heard again after %v", turn+1, what, took.Round(time.Millisecond))
	return took
}

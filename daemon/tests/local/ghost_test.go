package local

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

// ghosts is how many users a node dies with, each with an account of its own, and
// ghostTime how long their contacts may take them for alive.
const (
	ghosts    = 1000
	ghostTime = 3 * time.Second
)

// A node dies with 1,000 users online, as a follower and as the leader. Half of them
// have a contact at the one of the other nodes, half at the other: each is told of each
// of its contacts within 3 s, once.
func TestM5_6_GhostPresence(t *testing.T) {
	l := labtest.Cluster(t)
	began := time.Now()
	crowded(t, l)
	crowd := crowdOf(t, l)
	t.Logf("M5.6 %d accounts are made in %.0f s", ghosts, time.Since(began).Seconds())
	for _, leads := range []bool{false, true} {
		leader, others, err := l.Leader(t.Context())
		must(t, err)
		dead, alive := others[0], []*lab.Node{leader, others[1]}
		if leads {
			dead, alive = leader, others
		}
		watchers := []*watcher{watch(t, l, "watcher0", alive[0]), watch(t, l, "watcher1", alive[1])}
		in, errs, entered := flow.Crowd(t.Context(), l.Dial, []string{dead.Addr() + ":5222"}, labtest.TLS(l), crowd, 16)
		must(t, errors.Join(errs...))
		befriendAll(t, in, watchers)
		for _, w := range watchers {
			w.await(t, "all to be there", time.Minute, w.here)
		}
		killed := time.Now()
		kill(t, dead)
		for _, w := range watchers {
			w.await(t, "all to be gone", time.Minute, w.gone)
		}
		took := max(watchers[0].last().Sub(killed), watchers[1].last().Sub(killed))
		flow.Disperse(in)
		revive(t, l, dead)
		labtest.Known(t, l, []string{"watcher0", "watcher1"})
		for _, w := range watchers { // what would come again has come
			labtest.Settle(w.Talker)
			must(t, w.once())
			w.Close()
		}
		must(t, wantf(took <= ghostTime, "ghosts for %v", took))
		t.Logf("M5.6 leader %v: %d users of a killed node are unavailable to their contacts at two nodes after %v, each once; they signed in in %.0f s", leads, ghosts, took.Round(time.Millisecond), entered.Seconds())
	}
	t.Logf("M5.6 in %.0f s in all", time.Since(began).Seconds())
}

// crowded has the nodes take so many clients of one address.
func crowded(t *testing.T, l *lab.Lab) {
	t.Helper()
	const key = "xmpp.max_connections_per_address"
	for _, n := range l.Members() {
		typed(t, n, "config set "+key+" 100000")
		t.Cleanup(func() { // t.Context is over
			if _, err := n.Exec(context.Background(), "config unset "+key); err != nil {
				t.Error(err)
			}
		})
	}
}

func crowdOf(t *testing.T, l *lab.Lab) (list []flow.Account) {
	t.Helper()
	var names []string
	for i := range ghosts {
		name := fmt.Sprintf("ghost%04d", i)
		keys, err := scram.SHA256.NewClient(name, labtest.Password, "")
		must(t, err)
		names = append(names, name)
		list = append(list, flow.Account{Local: name, Domain: lab.Domain, Password: labtest.Password, Resource: "r", Keys: keys})
	}
	labtest.Accounts(t, l, names)
	return list
}

// befriendAll has each ghost approve its contact, and each contact subscribe to its
// ghosts, in whatever order the two come (RFC 6121 §3.4). Who is subscribed already
// hears nothing of it.
func befriendAll(t *testing.T, in []*flow.Peer, watchers []*watcher) {
	t.Helper()
	for _, p := range in {
		bare, _, _ := strings.Cut(p.JID, "/")
		w := watchers[int(bare[len("ghost000")]-'0')%len(watchers)]
		if w.friend {
			continue
		}
		must(t, p.Send(fmt.Appendf(nil, "<presence to='%s' type='subscribed'/>", w.bare)))
		w.Say("<presence to='%s' type='subscribe'/>", bare)
	}
}

// watcher is a contact of many, who counts what it is told of each.
type watcher struct {
	*labtest.Talker
	bare   string
	friend bool // of its ghosts, from before

	mu    sync.Mutex // guards what follows
	there map[string]bool
	left  map[string]int
	at    time.Time // when the last one left
}

var fromGhost = regexp.MustCompile("^<presence [^>]*from='(ghost[0-9]{4})@[^/']*/r'")

// watch signs a watcher in.
func watch(t *testing.T, l *lab.Lab, name string, at *lab.Node) *watcher {
	t.Helper()
	w := &watcher{bare: name + "@" + lab.Domain, there: map[string]bool{}, left: map[string]int{}}
	w.Talker = labtest.TalkHearing(t, l, name, "w", at, w.count)
	w.friend = len(w.Heard("ghost", "subscription='to'")) > 0
	return w
}

func (w *watcher) count(elem []byte) {
	m := fromGhost.FindSubmatch(elem)
	if m == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if name := string(m[1]); strings.Contains(string(elem), "type='unavailable'") {
		w.left[name]++
		w.at = time.Now()
	} else {
		w.there[name] = true
	}
}

func (w *watcher) here() int { return len(w.there) }
func (w *watcher) gone() int { return len(w.left) }

// await waits until as many as it has are there, or gone.
func (w *watcher) await(t *testing.T, what string, limit time.Duration, number func() int) {
	t.Helper()
	must(t, lab.Wait(t.Context(), limit, what, func() error {
		w.mu.Lock()
		defer w.mu.Unlock()
		return wantf(number() == ghosts/2, "%s knows it of %d", w.bare, number())
	}))
}

func (w *watcher) last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

// once checks that it was told of each once.
func (w *watcher) once() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name, n := range w.left {
		if n != 1 {
			return fmt.Errorf("%s was told %d times that %s is gone", w.bare, n, name)
		}
	}
	return nil
}

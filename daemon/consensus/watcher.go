package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// watcher turns raft's observations into calls of OnChange and remembers since
// when there is the present leader.
type watcher struct {
	onChange func()
	kicks    chan struct{} // holds one: more changes while one is pending are the same call
	done     chan struct{}
	running  sync.WaitGroup

	mu     sync.Mutex // guards the three below
	leader string
	term   uint64
	since  time.Time
}

func newWatcher(onChange func()) *watcher {
	if onChange == nil {
		onChange = func() {}
	}
	return &watcher{onChange: onChange, kicks: make(chan struct{}, 1), done: make(chan struct{})}
}

// kick says that something changed. It never blocks.
func (w *watcher) kick() {
	select {
	case w.kicks <- struct{}{}:
	default:
	}
}

func (w *watcher) start(r *raft.Raft) {
	// raft never waits for an observer: the filter does the work and takes nothing.
	observer := raft.NewObserver(nil, false, func(*raft.Observation) bool {
		w.kick()
		return false
	})
	r.RegisterObserver(observer)
	w.running.Go(func() {
		defer r.DeregisterObserver(observer)
		w.run(r)
	})
	w.kick()
}

func (w *watcher) run(r *raft.Raft) {
	for {
		select {
		case <-w.kicks:
			_, leader := r.LeaderWithID()
			w.see(string(leader), r.CurrentTerm(), time.Now())
			w.onChange()
		case <-w.done:
			return
		}
	}
}

func (w *watcher) see(leader string, term uint64, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if leader != w.leader || term != w.term {
		w.leader, w.term, w.since = leader, term, now
	}
}

// leaderSince returns when this node first saw the leader of a term.
func (w *watcher) leaderSince(leader string, term uint64) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if leader == "" || leader != w.leader || term != w.term {
		return time.Time{}
	}
	return w.since
}

func (w *watcher) stop() {
	close(w.done)
	w.running.Wait()
}

package consensus

import (
	"sync"
	"time"
)

// progress is what a leader learned from its followers' answers.
type progress struct {
	mu    sync.Mutex // guards all below
	term  uint64     // the term the notes belong to
	notes map[string]note
	more  chan struct{} // closed at the next note
}

// note is the newest answer of one follower.
type note struct {
	at   time.Time
	last uint64 // the last index of its log
}

func newProgress() *progress {
	return &progress{notes: map[string]note{}, more: make(chan struct{})}
}

func (p *progress) note(id string, term, last uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if term < p.term {
		return
	}
	if term > p.term {
		p.term = term
		clear(p.notes)
	}
	p.notes[id] = note{time.Now(), last}
	close(p.more)
	p.more = make(chan struct{})
}

// of returns the newest note of a follower in a term, and a channel that is
// closed when another follower or the same one answers again.
func (p *progress) of(id string, term uint64) (n note, next <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if term == p.term {
		n = p.notes[id]
	}
	return n, p.more
}

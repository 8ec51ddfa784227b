package consensus

import (
	"sync"

	"github.com/hashicorp/raft"
)

// room bounds the log in bytes. raft counts entries, and one may have a megabyte.
type room struct {
	log    int // of all entries: past them there is a snapshot at once
	kept   int // of those that then stay behind it
	memory int // of the newest ones, in memory
}

// Bounds of the log of a node.
const (
	logBytes  = 128 << 20
	keptBytes = 64 << 20
	tailBytes = 8 << 20
	tailCount = 512 // entries in memory
)

// tail is the log with its newest entries in memory, for replication, and about how
// large each is on the disk.
type tail struct {
	*store
	room
	full chan struct{} // holds one: the log is past its bound

	mu     sync.Mutex // guards what follows
	newest []*raft.Log
	held   int    // bytes of newest
	first  uint64 // index of sizes[0]
	sizes  []int  // of the entries, about as the disk has them
	total  int    // bytes of sizes
	next   int    // bytes at which full is said
}

func newTail(s *store, r room) (*tail, error) {
	if r == (room{}) {
		r = room{logBytes, keptBytes, tailBytes}
	}
	t := &tail{store: s, room: r, full: make(chan struct{}, 1), next: r.log}
	err := s.lengths(func(index uint64, size int) { t.measure(index, size) })
	return t, err
}

// GetLog reads an entry from memory, if it is there.
func (t *tail) GetLog(index uint64, log *raft.Log) error {
	t.mu.Lock()
	if n := len(t.newest); n > 0 && index >= t.newest[0].Index && index <= t.newest[n-1].Index {
		*log = *t.newest[index-t.newest[0].Index]
		t.mu.Unlock()
		return nil
	}
	t.mu.Unlock()
	return t.store.GetLog(index, log)
}

// StoreLog appends one entry.
func (t *tail) StoreLog(log *raft.Log) error { return t.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries, on the disk and then in memory.
func (t *tail) StoreLogs(logs []*raft.Log) error {
	if err := t.store.StoreLogs(logs); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range logs {
		t.measure(l.Index, len(l.Data))
		t.remember(l)
	}
	t.tell()
	return nil
}

// remember takes an entry into memory. What it is not next to goes.
func (t *tail) remember(l *raft.Log) {
	if n := len(t.newest); n > 0 && t.newest[n-1].Index+1 != l.Index {
		t.newest, t.held = nil, 0
	}
	t.newest = append(t.newest, l)
	t.held += len(l.Data)
	for len(t.newest) > tailCount || t.held > t.memory && len(t.newest) > 1 {
		t.held -= len(t.newest[0].Data)
		t.newest[0] = nil
		t.newest = t.newest[1:]
	}
}

// measure enters how large an entry is. One that is there already is replaced,
// and what stands behind a gap is all there is.
func (t *tail) measure(index uint64, size int) {
	if i := index - t.first; index >= t.first && i < uint64(len(t.sizes)) {
		t.total += size - t.sizes[i]
		t.sizes[i] = size
		return
	}
	if t.first+uint64(len(t.sizes)) != index {
		t.first, t.sizes, t.total = index, nil, 0
	}
	t.sizes = append(t.sizes, size)
	t.total += size
}

// DeleteRange removes entries: the oldest behind a snapshot, or the newest, which
// another leader has not.
func (t *tail) DeleteRange(min, max uint64) error {
	t.mu.Lock()
	t.newest, t.held = nil, 0
	t.forget(min, max)
	t.mu.Unlock()
	return t.store.DeleteRange(min, max)
}

func (t *tail) forget(min, max uint64) {
	last := t.first + uint64(len(t.sizes)) - 1
	switch {
	case len(t.sizes) == 0 || max < t.first || min > last:
	case min <= t.first:
		for t.first <= max && len(t.sizes) > 0 {
			t.total -= t.sizes[0]
			t.first, t.sizes = t.first+1, t.sizes[1:]
		}
	default:
		for _, size := range t.sizes[min-t.first:] {
			t.total -= size
		}
		t.sizes = t.sizes[:min-t.first]
	}
}

// keep is how many of the newest entries stay behind a snapshot, and where the log
// begins before it.
func (t *tail) keep() (count int, first uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for bytes := 0; count < len(t.sizes); count++ {
		if bytes += t.sizes[len(t.sizes)-1-count]; bytes > t.kept {
			break
		}
	}
	return count, t.first
}

// shortened says that the log was made as short as can be, and that it began at an
// index before. If that did nothing, it is tried again when there is more.
func (t *tail) shortened(before uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = t.log
	if t.first == before {
		t.next = max(t.log, t.total+t.kept)
	}
	t.tell()
}

// retry says so if the log is as full as it was.
func (t *tail) retry() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell()
}

// tell says that the log is full, if it is.
func (t *tail) tell() {
	if t.total < t.next {
		return
	}
	select {
	case t.full <- struct{}{}:
	default:
	}
}

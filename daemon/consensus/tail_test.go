package consensus

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/pep"
	"quorate.org/daemon/replica"
)

func openTail(t *testing.T, r room) *tail {
	t.Helper()
	s, err := openStore(filepath.Join(t.TempDir(), storeFile))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	log, err := newTail(s, r)
	if err != nil {
		t.Fatal(err)
	}
	return log
}

func put(t *testing.T, log *tail, size int, indices ...uint64) {
	t.Helper()
	var list []*raft.Log
	for _, i := range indices {
		list = append(list, &raft.Log{Index: i, Term: 1, Data: make([]byte, size)})
	}
	if err := log.StoreLogs(list); err != nil {
		t.Fatal(err)
	}
}

func span(from, to uint64) (list []uint64) {
	for i := from; i <= to; i++ {
		list = append(list, i)
	}
	return list
}

// The newest entries are in memory, as many as there is room for; all are read.
func TestTailRemembers(t *testing.T) {
	log := openTail(t, room{1 << 20, 1 << 19, 1000})
	put(t, log, 100, span(1, 20)...)
	if n := len(log.newest); n != 10 || log.newest[0].Index != 11 || log.held != 1000 {
		t.Errorf("%d entries from %d, %d bytes", n, log.newest[0].Index, log.held)
	}
	put(t, log, 5000, 21) // one stays, whatever it has
	if len(log.newest) != 1 || log.held != 5000 {
		t.Errorf("%d entries, %d bytes", len(log.newest), log.held)
	}
	for i := range uint64(21) {
		var l raft.Log
		if err := log.GetLog(i+1, &l); err != nil || l.Index != i+1 || len(l.Data) != 100 && i != 20 {
			t.Errorf("%d: %d bytes, %v", i+1, len(l.Data), err)
		}
	}
	put(t, log, 1, span(22, 900)...)
	if len(log.newest) != tailCount {
		t.Errorf("%d entries", len(log.newest))
	}
}

// What is deleted is counted no more, and not remembered: another leader's entries
// take the place.
func TestTailForgets(t *testing.T) {
	log := openTail(t, room{1 << 20, 1 << 19, 1 << 20})
	put(t, log, 100, span(5, 24)...)
	for _, c := range []struct{ min, max, first, last uint64 }{{1, 7, 8, 24}, {20, 24, 8, 19}, {30, 40, 8, 19}} {
		if err := log.DeleteRange(c.min, c.max); err != nil {
			t.Fatal(err)
		}
		if last := log.first + uint64(len(log.sizes)) - 1; log.first != c.first || last != c.last || log.total/100 != len(log.sizes) || len(log.newest) > 0 {
			t.Errorf("%d to %d deleted: %d to %d, %d bytes", c.min, c.max, log.first, last, log.total)
		}
	}
	put(t, log, 7, 20)
	var l raft.Log
	if err := log.GetLog(20, &l); err != nil || len(l.Data) != 7 {
		t.Errorf("%d bytes, %v", len(l.Data), err)
	}
	again, err := newTail(log.store, room{})
	if err != nil || again.first != 8 || len(again.sizes) != 13 || again.total < log.total {
		t.Errorf("opened again: %d entries from %d, %d bytes, %v", len(again.sizes), again.first, again.total, err)
	}
	if err := log.DeleteRange(1, 40); err != nil || log.total != 0 {
		t.Errorf("%d bytes, %v", log.total, err)
	}
	put(t, log, 9, 41)
	if log.first != 41 || log.total != 9 {
		t.Errorf("from %d, %d bytes", log.first, log.total)
	}
}

// A log of large entries gets short by a snapshot before it is full, and says so once.
func TestTailIsFull(t *testing.T) {
	log := openTail(t, room{1000, 450, 1000})
	put(t, log, 100, span(1, 9)...)
	if keep, first := log.keep(); len(log.full) != 0 || keep != 4 || first != 1 {
		t.Errorf("full: %d, from %d %d stay", len(log.full), first, keep)
	}
	put(t, log, 100, 10)
	if len(log.full) != 1 {
		t.Error("it is not full")
	}
	<-log.full
	if err := log.DeleteRange(1, 6); err != nil {
		t.Fatal(err)
	}
	log.shortened(1)
	put(t, log, 100, span(11, 15)...)
	if len(log.full) != 0 {
		t.Error("it is full")
	}
	if put(t, log, 100, 16); len(log.full) != 1 {
		t.Error("it is not full again")
	}
	<-log.full
	if log.shortened(7); len(log.full) != 0 { // in vain
		t.Error("it is tried again at once")
	}
	if put(t, log, 100, span(17, 21)...); len(log.full) != 1 {
		t.Error("it is not tried again")
	}
}

// One account publishes the same large item again and again: the state stays small,
// and so does the log, in memory and on the disk. A node that was away meanwhile
// comes back.
func TestLogIsBoundedInBytes(t *testing.T) {
	timers := slow
	timers.room = room{4 << 20, 2 << 20, 1 << 20}
	l := newLAN(t, timers)
	a := l.form("a", "b", "c")
	l.propose(a, replica.SetDomain("meet.example"))
	l.propose(a, account("alice"))
	l.close("c")
	const publishes = 100
	raw := make([]byte, 190<<10)
	for i := range uint64(publishes) {
		l.propose(a, replica.ChangeService(replica.Effect{Inc: replica.Source{1}, Seq: i + 1, Low: i + 1}, alice, alice,
			pep.Change{Act: pep.Publish, Node: "n", Item: pep.Item{ID: "1", Raw: raw, Time: int64(i)}}))
	}
	stop := l.look()
	defer stop()
	for _, id := range []string{"a", "b"} {
		tail := l.nodes[id].tail
		l.await("a short log on "+id, func() bool {
			tail.mu.Lock()
			defer tail.mu.Unlock()
			return tail.total < tail.log && tail.held <= tail.memory && tail.first > publishes/2
		})
		if info, err := os.Stat(filepath.Join(l.dirs[id], storeFile)); err != nil || info.Size() > publishes*190<<10 {
			t.Errorf("the file on %s: %d KiB, %v", id, info.Size()>>10, err)
		}
	}
	l.open("c", false)
	l.await("the state on c", func() bool {
		return bytes.Equal(replica.Encode(l.nodes["c"].State()), replica.Encode(a.State()))
	})
}

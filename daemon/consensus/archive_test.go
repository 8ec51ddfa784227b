package consensus

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/replica"
)

const alice, bob = "alice@meet.example", "bob@meet.example"

// filing is the command that files message n between alice and bob.
func filing(n, keep int, since int64) replica.Command {
	return replica.File(replica.Effect{Inc: replica.Source{1}, Seq: uint64(n), Low: 1}, archive.Filing{
		Sides: []archive.Side{{Owner: alice, With: bob}, {Owner: bob, With: alice}}, Time: int64(1000 * n),
		Raw: fmt.Appendf(nil, "<message id='%d'/>", n), Bounds: archive.Bounds{Keep: keep, Since: since}})
}

// filed lists the messages in an archive.
func filed(n *Node, owner string) (list []string) {
	n.Archive(owner)(0, func(s archive.Stored) bool {
		e := s.Entry()
		list = append(list, fmt.Sprintf("%d %d %s %s", e.Clock, e.Time, e.With, e.Raw))
		return true
	})
	return list
}

func account(name string) replica.Command {
	keys := func(size int) replica.Keys {
		return replica.Keys{Iterations: 1, Salt: []byte("s"), StoredKey: make([]byte, size), ServerKey: make([]byte, size)}
	}
	return replica.SetAccount(replica.Account{Name: name, SHA1: keys(20), SHA256: keys(32)})
}

// often has await look again, since what is applied to archives changes nothing
// else that it would hear of.
func (l *lan) often(t *testing.T) {
	tick, done := time.NewTicker(10*time.Millisecond), make(chan struct{})
	t.Cleanup(func() { tick.Stop(); close(done) })
	go func() {
		for {
			select {
			case <-tick.C:
				l.kick()
			case <-done:
				return
			}
		}
	}()
}

// Archives are the same on every node, outlive a start without and with a
// snapshot, and go to a node that joins late.
func TestArchives(t *testing.T) {
	l := newLAN(t, slow)
	l.often(t)
	a := l.form("a", "b")
	for _, c := range []replica.Command{replica.SetDomain("meet.example"), account("alice"), account("bob"), filing(1, 3, 0), filing(1, 3, 0),
		replica.Batch([]replica.Command{filing(2, 3, 0), filing(3, 3, 0)}), filing(4, 3, 0)} {
		l.propose(a, c)
	}
	want := filed(a, alice)
	if len(want) != 3 || want[0][len(want[0])-len("<message id='2'/>"):] != "<message id='2'/>" {
		t.Fatalf("of four messages the archive has %q", want)
	}
	same := func(id string) {
		l.await("the archive on "+id, func() bool { return cmp.Equal(want, filed(l.nodes[id], alice)) && len(filed(l.nodes[id], bob)) == 3 })
	}
	same("b")
	l.close("b")
	l.open("b", false) // from the log alone
	same("b")
	keepNothing := a.raft.ReloadableConfig()
	keepNothing.TrailingLogs = 0
	if err := errors.Join(a.raft.ReloadConfig(keepNothing), a.raft.Snapshot().Error()); err != nil {
		t.Fatal(err)
	}
	l.propose(a, filing(5, 3, 0))
	want = filed(a, alice)
	l.open("c", false)
	l.admit(a, "c")
	same("c") // from another's snapshot
	l.close("a")
	a = l.open("a", false) // from its own, and the log behind it
	l.elect(a)
	if err := a.Barrier(l.ctx()); err != nil {
		t.Fatal(err)
	}
	same("a")
	l.propose(a, replica.SweepArchives(5000))
	if got := filed(a, bob); len(got) != 1 {
		t.Errorf("behind a sweep there are %q", got)
	}
	l.propose(a, replica.DeleteAccount("bob"))
	if got := filed(a, bob); got != nil {
		t.Errorf("of a deleted account there is %q", got)
	}
	if len(filed(a, alice)) != 1 || a.ArchiveErr() != nil {
		t.Errorf("%q, %v", filed(a, alice), a.ArchiveErr())
	}
}

// A message that is too old goes with the next, and what is damaged in a snapshot
// is told.
func TestArchiveBounds(t *testing.T) {
	a, err := openArchives(filepath.Join(t.TempDir(), archiveFile))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	put := func(clock uint64, b archive.Bounds) {
		a.apply([]archive.Write{{Owner: alice, Entry: archive.Entry{Clock: clock, ID: "0123456789abcdef01234567", Time: int64(clock), Raw: []byte("m")}, Bounds: b}})
	}
	clocks := func() (list []uint64) {
		a.scan(alice)(0, func(e archive.Stored) bool { list = append(list, e.Clock); return true })
		return list
	}
	for clock := range uint64(300) {
		put(clock+1, archive.Bounds{Keep: 1000})
	}
	put(300, archive.Bounds{Keep: 1000}) // applied again, as behind a start
	if got := clocks(); len(got) != 300 || got[0] != 1 || got[299] != 300 {
		t.Errorf("%d messages: %v", len(got), got)
	}
	put(301, archive.Bounds{Keep: 1000, Since: 250})
	if got := clocks(); len(got) != 52 || got[0] != 250 {
		t.Errorf("%d messages from %d", len(got), got[0])
	}
	if aged, crowded := a.aged.Load(), a.crowded.Load(); aged != 249 || crowded != 0 {
		t.Errorf("%d went for their age, %d for their number", aged, crowded)
	}
	put(302, archive.Bounds{Keep: 10})
	if aged, crowded := a.aged.Load(), a.crowded.Load(); aged != 249 || crowded != 43 {
		t.Errorf("%d went for their age, %d for their number", aged, crowded)
	}
	if got := clocks(); len(got) != 10 || got[9] != 302 {
		t.Errorf("%d messages", len(got))
	}
	if messages, bytes := a.size(); messages != 10 || bytes == 0 {
		t.Errorf("it says that it has %d messages, %d bytes", messages, bytes)
	}
	if a.err() != nil {
		t.Error(a.err())
	}
}

// An archive has so many bytes, of which the oldest go first, also behind a start
// from a snapshot: one account does not fill the disks of all nodes.
func TestArchiveBytes(t *testing.T) {
	open := func() *archives {
		a, err := openArchives(filepath.Join(t.TempDir(), archiveFile))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = a.close() })
		return a
	}
	bounds := archive.Policy{Messages: 1000, Bytes: 1 << 20}.Bounds(0)
	put := func(a *archives, clock uint64, size int) {
		a.apply([]archive.Write{{Owner: alice, Entry: archive.Entry{Clock: clock, With: bob, Raw: make([]byte, size)}, Bounds: bounds}})
	}
	has := func(a *archives, what string, first, last uint64, heavy uint64) {
		t.Helper()
		var clocks []uint64
		var sum total
		a.scan(alice)(0, func(e archive.Stored) bool { clocks, sum = append(clocks, e.Clock), sum.with(e.Size()); return true })
		_ = a.db.View(func(tx *bbolt.Tx) error {
			if said := totalOf(tx.Bucket([]byte(alice))); said != sum || sum.bytes > 1<<20 {
				t.Errorf("%s: it has %+v and says %+v", what, sum, said)
			}
			return nil
		})
		if len(clocks) == 0 || clocks[0] != first || clocks[len(clocks)-1] != last || a.heavy.Load() != heavy || a.crowded.Load() != 0 || a.err() != nil {
			t.Errorf("%s: %v, %d went for their bytes, %d for their number, %v", what, clocks, a.heavy.Load(), a.crowded.Load(), a.err())
		}
	}
	a := open()
	for clock := range uint64(30) { // four fit
		put(a, clock+1, 250<<10)
	}
	has(a, "large ones", 27, 30, 26)
	put(a, 30, 250<<10)
	has(a, "applied again", 27, 30, 26)
	put(a, 30, 100)
	put(a, 31, 200<<10)
	has(a, "a small one instead", 27, 31, 26)
	var snapshot bytes.Buffer
	if err := a.db.View(func(tx *bbolt.Tx) error { return persist(tx, &snapshot) }); err != nil {
		t.Fatal(err)
	}
	b := open()
	if err := b.restore(bufio.NewReader(&snapshot)); err != nil {
		t.Fatal(err)
	}
	has(b, "from a snapshot", 27, 31, 0)
	for _, a := range []*archives{a, b} {
		put(a, 32, 500<<10)
	}
	has(a, "more", 29, 32, 28)
	has(b, "more, behind a snapshot", 29, 32, 2)
	a.apply([]archive.Write{{Bounds: archive.Bounds{Since: 1}}})
	if messages, _ := a.size(); messages != 0 {
		t.Errorf("behind a sweep it says that it has %d", messages)
	}
}

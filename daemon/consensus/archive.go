package consensus

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"quorate.org/daemon/archive"
)

// archiveFile is the file of the message archives.
const archiveFile = "archive.db"

// archiveMap is how much address space the file is given at once. To map more
// would wait for readers, and a snapshot reads for long.
const archiveMap = 16 << 30

// archives keeps the messages that commands file, outside of the state, which is
// in memory. The file is made anew at each start from the newest snapshot, which
// has all of it, and the log behind that: so nothing in it is ever repaired, and a
// write need not wait for the disk.
type archives struct {
	db     *bbolt.DB
	broken atomic.Pointer[error] // the first write that failed

	aged, crowded, heavy atomic.Uint64 // messages that went for their age, for their number, for their bytes
}

// An account's bucket has its messages by clock, and under totalKey how many and
// their bytes.
var totalKey = []byte("n")

// total is what an archive has.
type total struct{ messages, bytes uint64 }

func totalOf(b *bbolt.Bucket) (t total) {
	if v := b.Get(totalKey); len(v) == 16 {
		t.messages, t.bytes = binary.BigEndian.Uint64(v), binary.BigEndian.Uint64(v[8:])
	}
	return t
}

func (t total) with(size int) total    { return total{t.messages + 1, t.bytes + uint64(size)} }
func (t total) without(size int) total { return total{t.messages - 1, t.bytes - uint64(size)} }

// openArchives makes an empty file; a former one goes.
func openArchives(path string) (*archives, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing the former archive: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: 200 * time.Millisecond, NoSync: true, NoGrowSync: true,
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, InitialMmapSize: archiveMap})
	if err != nil {
		return nil, fmt.Errorf("opening archive %s: %w", path, err)
	}
	return &archives{db: db}, nil
}

func (a *archives) close() error { return a.db.Close() }

// apply does what a command says. A failure is kept for err: the log has the
// message, and the next start files it.
func (a *archives) apply(list []archive.Write) {
	if len(list) == 0 {
		return
	}
	err := a.db.Update(func(tx *bbolt.Tx) error {
		for _, w := range list {
			if err := a.write(tx, w); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("writing the archive: %w", err)
		a.broken.CompareAndSwap(nil, &err)
	}
}

func (a *archives) write(tx *bbolt.Tx, w archive.Write) error {
	switch {
	case w.Drop:
		if tx.Bucket([]byte(w.Owner)) == nil {
			return nil
		}
		return tx.DeleteBucket([]byte(w.Owner))
	case w.Owner == "":
		for _, owner := range owners(tx) {
			b := tx.Bucket(owner)
			if err := a.trim(b, totalOf(b), archive.Bounds{Keep: -1, Since: w.Since}); err != nil {
				return err
			}
		}
		return nil
	}
	b, err := tx.CreateBucketIfNotExists([]byte(w.Owner))
	if err != nil {
		return err
	}
	b.FillPercent = 1 // keys only grow
	t, value := totalOf(b), w.Entry.AppendValue(nil)
	if was := b.Get(key(w.Entry.Clock)); was != nil {
		t = t.without(len(was))
	}
	if err := b.Put(key(w.Entry.Clock), value); err != nil {
		return err
	}
	return a.trim(b, t.with(len(value)), w.Bounds)
}

// trim takes the oldest out until an archive is within its bounds, and enters what
// is left.
func (a *archives) trim(b *bbolt.Bucket, t total, bounds archive.Bounds) error {
	for c := b.Cursor(); t.messages > 0; {
		k, v := c.First()
		if len(k) != 8 {
			break
		}
		e, err := archive.Parse(binary.BigEndian.Uint64(k), v)
		old, many := err == nil && e.Time() < bounds.Since, bounds.Keep >= 0 && t.messages > uint64(bounds.Keep)
		large := bounds.Bytes > 0 && t.bytes > uint64(bounds.Bytes)
		if err == nil && !old && !many && !large {
			break
		}
		t = t.without(len(v)) // which a deletion may take away
		if err := b.Delete(k); err != nil {
			return err
		}
		switch {
		case old:
			a.aged.Add(1)
		case many:
			a.crowded.Add(1)
		case large:
			a.heavy.Add(1)
		}
	}
	return b.Put(totalKey, binary.BigEndian.AppendUint64(key(t.messages), t.bytes))
}

// size is how many messages all accounts have there, and the bytes of the file.
func (a *archives) size() (messages uint64, bytes int64) {
	err := a.db.View(func(tx *bbolt.Tx) error {
		bytes = tx.Size()
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { messages += totalOf(b).messages; return nil })
	})
	if err != nil {
		a.broken.CompareAndSwap(nil, &err)
	}
	return messages, bytes
}

// scan yields the messages of an account.
func (a *archives) scan(owner string) archive.Scan {
	return func(from uint64, yield func(archive.Stored) bool) {
		err := a.db.View(func(tx *bbolt.Tx) error { eachOf(tx.Bucket([]byte(owner)), from, yield); return nil })
		if err != nil {
			a.broken.CompareAndSwap(nil, &err)
		}
	}
}

func eachOf(b *bbolt.Bucket, from uint64, yield func(archive.Stored) bool) {
	if b == nil {
		return
	}
	c := b.Cursor()
	for k, v := c.Seek(key(from)); len(k) == 8; k, v = c.Next() {
		if e, err := archive.Parse(binary.BigEndian.Uint64(k), v); err == nil && !yield(e) {
			return
		}
	}
}

// err is the first failure since the start, nil for none.
func (a *archives) err() error {
	if p := a.broken.Load(); p != nil {
		return *p
	}
	return nil
}

// persist writes all archives as they are in tx: for each message its owner, clock
// and value, each behind its length.
func persist(tx *bbolt.Tx, w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<16)
	err := tx.ForEach(func(owner []byte, b *bbolt.Bucket) error {
		c := b.Cursor()
		for k, v := c.First(); len(k) == 8; k, v = c.Next() {
			for _, part := range [][]byte{owner, k, v} {
				if _, err := out.Write(append(binary.AppendUvarint(nil, uint64(len(part))), part...)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}

// restoreBatch is how many messages go into one transaction.
const restoreBatch = 1000

// restore replaces all archives by what persist wrote.
func (a *archives) restore(r *bufio.Reader) error {
	if err := a.empty(); err != nil {
		return err
	}
	for {
		more := false
		err := a.db.Update(func(tx *bbolt.Tx) error {
			for range restoreBatch {
				done, err := a.restoreOne(tx, r)
				if done || err != nil {
					return err
				}
			}
			more = true
			return nil
		})
		if err != nil || !more {
			return err
		}
	}
}

func (a *archives) empty() error {
	return a.db.Update(func(tx *bbolt.Tx) error {
		var err error
		for _, owner := range owners(tx) {
			err = errors.Join(err, tx.DeleteBucket(owner))
		}
		return err
	})
}

// owners lists who has an archive.
func owners(tx *bbolt.Tx) (list [][]byte) {
	c := tx.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		list = append(list, bytes.Clone(k))
	}
	return list
}

func (a *archives) restoreOne(tx *bbolt.Tx, r *bufio.Reader) (done bool, err error) {
	owner, err := readPart(r)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	k, e1 := readPart(r)
	v, e2 := readPart(r)
	if err := errors.Join(err, e1, e2); err != nil || len(k) != 8 {
		return false, errors.Join(err, errDamagedArchive)
	}
	e, err := archive.Parse(binary.BigEndian.Uint64(k), v)
	if err != nil {
		return false, err
	}
	return false, a.write(tx, archive.Write{Owner: string(owner), Entry: e.Entry(), Bounds: archive.Bounds{Keep: -1}})
}

var errDamagedArchive = errors.New("the archive in the snapshot is damaged")

// maxPart bounds one part of a snapshot: a message, by any setting.
const maxPart = 32 << 20

func readPart(r *bufio.Reader) ([]byte, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if n > maxPart {
		return nil, errDamagedArchive
	}
	b := make([]byte, n)
	_, err = io.ReadFull(r, b)
	return b, err
}

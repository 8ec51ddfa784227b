package consensus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"
)

// storeFile is the file of the log and of the current term and vote.
const storeFile = "raft.db"

// errKeyNotFound is what raft expects of a StableStore for a key never set; it
// compares the text.
var errKeyNotFound = errors.New("not found")

var (
	bucketLogs   = []byte("logs")
	bucketStable = []byte("stable")
)

// store is a raft.LogStore and raft.StableStore in one bbolt file. A write is on
// the disk when the method returns.
type store struct{ db *bbolt.DB }

var (
	_ raft.LogStore    = (*store)(nil)
	_ raft.StableStore = (*store)(nil)
)

func openStore(path string) (*store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        200 * time.Millisecond, // of waiting while another process holds the file
		NoFreelistSync: true,                   // one page less per commit, rebuilt at start
		FreelistType:   bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("opening raft log %s: %w", path, err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, e1 := tx.CreateBucketIfNotExists(bucketLogs)
		_, e2 := tx.CreateBucketIfNotExists(bucketStable)
		return errors.Join(e1, e2)
	})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("preparing raft log %s: %w", path, err)
	}
	return &store{db}, nil
}

// Close waits for running transactions and closes the file.
func (s *store) Close() error { return s.db.Close() }

// FirstIndex returns the index of the oldest entry, 0 when there is none.
func (s *store) FirstIndex() (uint64, error) { return s.edge((*bbolt.Cursor).First) }

// LastIndex returns the index of the newest entry, 0 when there is none.
func (s *store) LastIndex() (uint64, error) { return s.edge((*bbolt.Cursor).Last) }

func (s *store) edge(move func(*bbolt.Cursor) ([]byte, []byte)) (index uint64, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		if k, _ := move(tx.Bucket(bucketLogs).Cursor()); k != nil {
			index = binary.BigEndian.Uint64(k)
		}
		return nil
	})
	return index, err
}

// lengths yields how large each entry is, from the oldest.
func (s *store) lengths(yield func(index uint64, size int)) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketLogs).ForEach(func(k, v []byte) error {
			yield(binary.BigEndian.Uint64(k), len(v))
			return nil
		})
	})
}

// GetLog reads the entry of an index into log, or fails with raft.ErrLogNotFound.
func (s *store) GetLog(index uint64, log *raft.Log) error {
	return s.db.View(func(tx *bbolt.Tx) error {
		v := tx.Bucket(bucketLogs).Get(key(index))
		if v == nil {
			return raft.ErrLogNotFound
		}
		log.Index = index
		return decodeLog(v, log)
	})
}

// StoreLog appends one entry.
func (s *store) StoreLog(log *raft.Log) error { return s.StoreLogs([]*raft.Log{log}) }

// StoreLogs appends entries in one transaction: all or none.
func (s *store) StoreLogs(logs []*raft.Log) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketLogs)
		b.FillPercent = 1 // keys only grow
		for _, l := range logs {
			if err := b.Put(key(l.Index), encodeLog(l)); err != nil {
				return err
			}
		}
		return nil
	})
}

// DeleteRange removes the entries from min to max, both included.
func (s *store) DeleteRange(min, max uint64) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		c := tx.Bucket(bucketLogs).Cursor()
		from := key(min)
		// Seek again each time: a cursor does not promise to stand well after Delete.
		for k, _ := c.Seek(from); k != nil && binary.BigEndian.Uint64(k) <= max; k, _ = c.Seek(from) {
			if err := c.Delete(); err != nil {
				return err
			}
		}
		return nil
	})
}

// Set stores a value under a key.
func (s *store) Set(k, v []byte) error {
	return s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket(bucketStable).Put(k, v) })
}

// Get returns the value of a key, or errKeyNotFound.
func (s *store) Get(k []byte) (v []byte, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		found := tx.Bucket(bucketStable).Get(k)
		if found == nil {
			return errKeyNotFound
		}
		v = append([]byte{}, found...) // bbolt's memory ends with the transaction
		return nil
	})
	return v, err
}

// SetUint64 stores a number under a key.
func (s *store) SetUint64(k []byte, v uint64) error { return s.Set(k, key(v)) }

// GetUint64 returns the number of a key, or errKeyNotFound.
func (s *store) GetUint64(k []byte) (uint64, error) {
	v, err := s.Get(k)
	if err != nil {
		return 0, err
	}
	if len(v) != 8 {
		return 0, fmt.Errorf("reading %q: a number has 8 bytes, not %d", k, len(v))
	}
	return binary.BigEndian.Uint64(v), nil
}

func key(index uint64) []byte { return binary.BigEndian.AppendUint64(nil, index) }

// encodeLog returns type, term, time, length of data, data, extensions.
func encodeLog(l *raft.Log) []byte {
	b := make([]byte, 0, 1+3*binary.MaxVarintLen64+len(l.Data)+len(l.Extensions))
	b = append(b, byte(l.Type))
	b = binary.AppendUvarint(b, l.Term)
	var at int64
	if !l.AppendedAt.IsZero() {
		at = l.AppendedAt.UnixNano()
	}
	b = binary.AppendVarint(b, at)
	b = binary.AppendUvarint(b, uint64(len(l.Data)))
	b = append(b, l.Data...)
	return append(b, l.Extensions...)
}

var errDamagedLog = errors.New("raft log entry is damaged")

// decodeLog reads what encodeLog wrote, except the index, which is the key. It
// copies what it keeps of b.
func decodeLog(b []byte, l *raft.Log) error {
	if len(b) == 0 {
		return errDamagedLog
	}
	l.Type, b = raft.LogType(b[0]), b[1:]
	term, n := binary.Uvarint(b)
	if n <= 0 {
		return errDamagedLog
	}
	at, m := binary.Varint(b[n:])
	if m <= 0 {
		return errDamagedLog
	}
	b = b[n+m:]
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return errDamagedLog
	}
	b = b[n:]
	l.Term, l.AppendedAt = term, time.Time{}
	if at != 0 {
		l.AppendedAt = time.Unix(0, at)
	}
	l.Data = append([]byte(nil), b[:size]...)
	l.Extensions = append([]byte(nil), b[size:]...)
	return nil
}

package consensus

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
	"go.etcd.io/bbolt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// machine carries committed log entries to the pure state machine of package
// replica and publishes its states. It also keeps the committed configuration,
// which raft does not tell otherwise.
type machine struct {
	state    atomic.Pointer[replica.State]
	halted   atomic.Pointer[fault.Error] // an entry that could not be read; nothing is applied behind it
	archives *archives
	changed  func()

	mu          sync.Mutex         // guards the two below
	config      raft.Configuration // newest configuration known to be committed
	configIndex uint64
}

var _ raft.ConfigurationStore = (*machine)(nil)

func newMachine(a *archives, changed func()) *machine {
	m := &machine{archives: a, changed: changed}
	m.state.Store(replica.New())
	return m
}

// Apply returns the refusal of the command, if any, as the response. An entry that
// a newer version wrote ends the applying: what comes behind it stands on it. The log
// goes on, and is applied from there by a version that reads it.
func (m *machine) Apply(l *raft.Log) any {
	if f := m.halted.Load(); f != nil {
		return f
	}
	c, err := replica.DecodeCommand(l.Data)
	if err != nil {
		f := fault.Mend(fault.Version, fmt.Sprintf("the log entry %d can not be read: %v", l.Index, err), "upgrade this node")
		m.halted.Store(f)
		m.changed()
		return f
	}
	old := m.state.Load()
	next, err := old.Apply(l.Index, c)
	if next != old {
		m.archives.apply(next.Writes)
		m.state.Store(next)
		if !c.Personal() {
			m.changed()
		}
	}
	return err
}

// Snapshot captures the current state, which is immutable, and the archives as
// they are. One that lacks entries would have them deleted from the log.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if f := m.halted.Load(); f != nil {
		return nil, f
	}
	return m.capture(m.state.Load())
}

func (m *machine) capture(s *replica.State) (raft.FSMSnapshot, error) {
	tx, err := m.archives.db.Begin(false)
	if err != nil {
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	return snapshot{s, tx}, nil
}

// Restore replaces the state and the archives by those of a snapshot: one line,
// and what follows it. Before there were archives the line had no end.
func (m *machine) Restore(r io.ReadCloser) error {
	defer r.Close()
	in := bufio.NewReaderSize(r, 1<<16)
	b, err := in.ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading snapshot: %w", err)
	}
	s, err := replica.Decode(b)
	if err != nil {
		return err
	}
	if err := m.archives.restore(in); err != nil {
		return fmt.Errorf("restoring the archive: %w", err)
	}
	m.state.Store(s)
	m.halted.Store(nil)
	m.changed()
	return nil
}

// StoreConfiguration learns a configuration when it is committed.
func (m *machine) StoreConfiguration(index uint64, c raft.Configuration) {
	m.mu.Lock()
	newer := index >= m.configIndex
	if newer {
		m.config, m.configIndex = c, index
	}
	m.mu.Unlock()
	if newer {
		m.changed()
	}
}

// committedVoter reports whether id votes in the committed configuration.
func (m *machine) committedVoter(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.config.Servers {
		if s.ID == raft.ServerID(id) {
			return s.Suffrage == raft.Voter
		}
	}
	return false
}

// snapshot is a state, with the archives of the same moment, on its way to a file
// or to another node.
type snapshot struct {
	state *replica.State
	tx    *bbolt.Tx
}

// Persist writes the state and the archives and closes the sink.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	_, err := sink.Write(append(replica.Encode(s.state), '\n'))
	if err == nil {
		err = persist(s.tx, sink)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("writing snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release lets the file go on without the moment.
func (s snapshot) Release() { s.tx.Rollback() }

// snapshots tells the machine the configuration of every snapshot that is
// opened, because a snapshot holds only what was committed.
type snapshots struct {
	*raft.FileSnapshotStore
	fsm *machine
}

// Open implements raft.SnapshotStore.
func (s *snapshots) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	meta, r, err := s.FileSnapshotStore.Open(id)
	if err == nil {
		s.fsm.StoreConfiguration(meta.ConfigurationIndex, meta.Configuration)
	}
	return meta, r, err
}

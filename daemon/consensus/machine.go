package consensus

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/replica"
)

// machine carries committed log entries to the pure state machine of package
// replica and publishes its states. It also keeps the committed configuration,
// which raft does not tell otherwise.
type machine struct {
	state   atomic.Pointer[replica.State]
	changed func()

	mu          sync.Mutex         // guards the two below
	config      raft.Configuration // newest configuration known to be committed
	configIndex uint64
}

var _ raft.ConfigurationStore = (*machine)(nil)

func newMachine(changed func()) *machine {
	m := &machine{changed: changed}
	m.state.Store(replica.New())
	return m
}

// Apply returns the refusal of the command, if any, as the response.
func (m *machine) Apply(l *raft.Log) any {
	c, err := replica.DecodeCommand(l.Data)
	if err != nil {
		return fault.Mend(fault.Version, fmt.Sprintf("the log entry %d can not be read: %v", l.Index, err), "upgrade this node")
	}
	old := m.state.Load()
	next, err := old.Apply(l.Index, c)
	if next != old {
		m.state.Store(next)
		m.changed()
	}
	return err
}

// Snapshot captures the current state, which is immutable.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) { return snapshot{m.state.Load()}, nil }

// Restore replaces the state by that of a snapshot.
func (m *machine) Restore(r io.ReadCloser) error {
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading snapshot: %w", err)
	}
	s, err := replica.Decode(b)
	if err != nil {
		return err
	}
	m.state.Store(s)
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

// snapshot is a state on its way to a file or to another node.
type snapshot struct{ state *replica.State }

// Persist writes the state and closes the sink.
func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if _, err := sink.Write(replica.Encode(s.state)); err != nil {
		return errors.Join(fmt.Errorf("writing snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release has nothing to free.
func (snapshot) Release() {}

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

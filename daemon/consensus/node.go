package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/replica"
)

// Transport lends connections between nodes. Package mesh implements it; nodes
// are named by their ID and the transport knows where they are.
type Transport interface {
	// Accept returns the next connection another node opened for raft. It
	// returns an error once the transport is closed.
	Accept() (net.Conn, error)
	// Await returns when the node of an ID may be called: at once unless it is
	// known to be away, and when ctx ends.
	Await(ctx context.Context, id string)
	// Dial connects to the node of an ID within timeout.
	Dial(id string, timeout time.Duration) (net.Conn, error)
	// Addr returns the local address, for log lines.
	Addr() net.Addr
	// Close makes Accept and Dial fail. Open takes the transport over and Node closes it.
	Close() error
}

// Default timers, for three nodes on a LAN: a crashed leader is replaced in 0.28
// to 0.71 s without Stand, and pauses up to 100 ms change nothing.
const (
	DefaultHeartbeat = 250 * time.Millisecond
	DefaultElection  = 250 * time.Millisecond
	DefaultLease     = 250 * time.Millisecond
)

// Config is what Open needs to know.
type Config struct {
	Dir string // directory of the log and the snapshots; made when missing
	ID  string // this node's ID, which is also its raft address

	Heartbeat time.Duration // silence of the leader after which a follower stands; 0 = default
	Election  time.Duration // length of one candidacy, at least Heartbeat; 0 = default
	Lease     time.Duration // a leader that did not reach a majority for this long steps down, at most Heartbeat; 0 = default

	Logger   *slog.Logger // nil = slog.Default()
	OnChange func()       // called after changes, see the package comment; may be nil; must not call Close or Shutdown

	room room // of the log; 0 = default
}

// Node is this node's part in the consensus.
type Node struct {
	id      string
	raft    *raft.Raft
	fsm     *machine
	trans   *transport
	disk    *disk
	log     *slog.Logger
	watch   *watcher
	tail    *tail
	running sync.WaitGroup
	done    chan struct{} // closed when the node closes
	rpcWait time.Duration

	closing  sync.Once
	closeErr error

	standMu sync.Mutex
	stood   uint64 // the term in which Stand was last used; guarded by standMu
}

// Open starts the node from what Dir holds. With bootstrap, an empty Dir becomes
// a new cluster whose only voter is this node; without, an empty node waits
// until a leader adds it. The Node owns t from then on, also when Open fails.
func Open(cfg Config, t Transport, bootstrap bool) (*Node, error) {
	cfg = cfg.withDefaults()
	disk, err := openDisk(cfg)
	if err != nil {
		t.Close()
		return nil, err
	}
	trans := newTransport(cfg, t)
	n, err := start(cfg, disk, trans, bootstrap)
	if err != nil {
		trans.Close()
		trans.wait()
		disk.close()
		return nil, err
	}
	return n, nil
}

func start(cfg Config, disk *disk, trans *transport, bootstrap bool) (*Node, error) {
	watch := newWatcher(cfg.OnChange)
	fsm := newMachine(disk.archives, watch.kick)
	rc := cfg.raft()
	snaps := &snapshots{disk.snapshots, fsm}
	if bootstrap {
		self := raft.Configuration{Servers: []raft.Server{server(cfg.ID)}}
		err := raft.BootstrapCluster(rc, disk.store, disk.store, snaps, trans, self)
		if err != nil && err != raft.ErrCantBootstrap { // it was bootstrapped before: go on from there
			return nil, fmt.Errorf("bootstrapping raft: %w", err)
		}
	}
	logs, err := newTail(disk.store, cfg.room)
	if err != nil {
		return nil, fmt.Errorf("measuring the raft log: %w", err)
	}
	r, err := raft.NewRaft(rc, fsm, logs, disk.store, snaps, trans)
	if err != nil {
		return nil, fmt.Errorf("starting raft: %w", err)
	}
	n := &Node{id: cfg.ID, raft: r, fsm: fsm, trans: trans, disk: disk, log: cfg.Logger, watch: watch, tail: logs,
		done: make(chan struct{}), rpcWait: rc.HeartbeatTimeout}
	watch.start(r)
	n.running.Go(n.compact)
	return n, nil
}

const (
	snapshotThreshold = 4096 // log entries after which a snapshot is worth taking
	trailingLogs      = 4096 // log entries kept behind a snapshot, so that a short absence needs no snapshot
	appendedAtOnce    = 16   // log entries that a follower which is behind is sent in one request: some 20 MB at most
	snapshotsKept     = 2
)

func (cfg Config) withDefaults() Config {
	orDefault := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	orDefault(&cfg.Heartbeat, DefaultHeartbeat)
	orDefault(&cfg.Election, DefaultElection)
	orDefault(&cfg.Lease, DefaultLease)
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	if cfg.OnChange == nil {
		cfg.OnChange = func() {}
	}
	return cfg
}

// raft returns the library's configuration. Pre-vote stays on: a node that comes
// back from a partition must not raise the term of a healthy cluster.
func (cfg Config) raft() *raft.Config {
	rc := raft.DefaultConfig()
	rc.LocalID = raft.ServerID(cfg.ID)
	rc.HeartbeatTimeout = cfg.Heartbeat
	rc.ElectionTimeout = cfg.Election
	rc.LeaderLeaseTimeout = cfg.Lease
	rc.SnapshotThreshold = snapshotThreshold
	rc.TrailingLogs = trailingLogs
	rc.MaxAppendEntries = appendedAtOnce
	rc.ShutdownOnRemove = false // the owner of the node decides what a removed node does
	rc.NoLegacyTelemetry = true
	rc.Logger = newLogger(cfg.Logger)
	return rc
}

func server(id string) raft.Server {
	return raft.Server{Suffrage: raft.Voter, ID: raft.ServerID(id), Address: raft.ServerAddress(id)}
}

// disk is what a node keeps in its directory.
type disk struct {
	store     *store
	archives  *archives
	snapshots *raft.FileSnapshotStore
}

func (d *disk) close() error { return errors.Join(d.store.Close(), d.archives.close()) }

func openDisk(cfg Config) (*disk, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making raft directory: %w", err)
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(cfg.Dir, snapshotsKept, newLogger(cfg.Logger))
	if err != nil {
		return nil, fmt.Errorf("opening raft snapshots: %w", err)
	}
	s, err := openStore(filepath.Join(cfg.Dir, storeFile))
	if err != nil {
		return nil, err
	}
	a, err := openArchives(filepath.Join(cfg.Dir, archiveFile))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &disk{s, a, snaps}, nil
}

// State returns the newest state this node has applied. On the leader, call
// Barrier first when it must hold everything that was ever committed.
func (n *Node) State() *replica.State { return n.fsm.state.Load() }

// Halted returns why this node applies nothing any more: its log has an entry that
// a newer version wrote. nil while all is well.
func (n *Node) Halted() error {
	if f := n.fsm.halted.Load(); f != nil {
		return f
	}
	return nil
}

// Archive yields the messages in an account's archive from the oldest, as far as
// this node has applied the log. What it yields holds during the call.
func (n *Node) Archive(bare string) archive.Scan { return n.disk.archives.scan(bare) }

// ArchiveSize is how many messages the archives have, and the bytes of their file.
func (n *Node) ArchiveSize() (messages uint64, bytes int64) { return n.disk.archives.size() }

// ArchiveTrimmed is how many messages went from the archives of this node for their
// age, their number and their bytes, since it was opened; what the log repeats is in it.
func (n *Node) ArchiveTrimmed() (aged, crowded, heavy uint64) {
	a := n.disk.archives
	return a.aged.Load(), a.crowded.Load(), a.heavy.Load()
}

// ArchiveErr is why the archives on this node are not complete, nil while they are.
func (n *Node) ArchiveErr() error { return n.disk.archives.err() }

// Shutdown hands leadership over when this node has it and another voter can
// take it, within one election timeout, and closes the node.
func (n *Node) Shutdown() error {
	if s := n.Status(); s.Role == Leader && len(s.Voters) > 1 {
		if err := n.raft.LeadershipTransfer().Error(); err != nil {
			n.log.Warn("leadership was not handed over", "reason", err)
		}
	}
	return n.Close()
}

// Close stops the node at once and closes its transport and its files.
func (n *Node) Close() error {
	n.closing.Do(func() { n.closeErr = n.close() })
	return n.closeErr
}

// close breaks the connections before it waits for raft, whose goroutines may
// wait for a silent peer, and waits for the goroutines of the connections before
// it closes the store, which they write to.
func (n *Node) close() error {
	stopped := n.raft.Shutdown()
	n.trans.Close()
	stopped.Error()
	close(n.done)
	n.running.Wait()
	n.trans.wait()
	n.watch.stop()
	if err := n.disk.close(); err != nil {
		return fmt.Errorf("closing raft log: %w", err)
	}
	return nil
}

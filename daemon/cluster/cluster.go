package cluster

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/gossip"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// Traffic is the forwarding that rides on the cluster's links and leadership.
type Traffic interface {
	LinkUp(id string)
	LinkDown(id string, dead bool)
	Receive(id string, payloads [][]byte)
	Reign(term uint64, members []router.Member, linked func(id string) bool)
	Abdicate()
}

// Config is what Open needs.
type Config struct {
	Dir     string // state directory of this daemon
	Name    string // host name
	Version string
	Machine string // what identifies the hardware; "" if unknown

	Addr       string // IP address of `xmpp listen`; "" if none is set
	ClientPort int    // at first; SetClientPort changes it
	MeshPort   int
	GossipPort int

	Heartbeat, Election, Lease time.Duration // raft timers; 0 = default

	Incarnation [16]byte
	Certificate func() (*tls.Certificate, error)
	Trust       func(chain []*x509.Certificate) error
	NewTraffic  func(id string, links *mesh.Mesh, c *Cluster) Traffic // it may keep c, and use it once it is told to reign
	Directory   func() map[string]string                              // on the leader: bound address → node ID
	Entries     func(domain string) []Entry                           // call bridges of the domain in this node's settings; nil = none
	OnChange    func()                                                // state, leadership or members changed: look again; must not block
	Logger      *slog.Logger
}

// Cluster is one instance of this node's membership.
type Cluster struct {
	cfg     Config
	log     *slog.Logger
	id      *mesh.Identity
	record  record // Mode, Machine and Notice never change in an instance; the rest is guarded by saving
	mesh    *mesh.Mesh
	node    *consensus.Node
	traffic Traffic
	changed chan struct{} // holds one: consensus, gossip or links changed
	ctx     context.Context
	stop    context.CancelFunc
	running sync.WaitGroup

	clientPort atomic.Int32
	current    atomic.Bool            // as Current says
	evicted    atomic.Bool            // a member said so: the log that tells it does not come here
	why        atomic.Pointer[string] // how a member refuses this node; "" for no refusal

	told bool // that the log can not be read; of watch alone

	saving sync.Mutex // held while the record is read or written
	left   bool       // a transition has written the next instance's record: this one writes no more

	mu       sync.Mutex // guards what follows
	pool     *gossip.Pool
	suspects map[string]suspicion // by node ID of who suspects
	dead     map[string]bool      // peers whose process is proved gone
	lost     map[string]time.Time // when the link to a peer was last lost
	spared   map[uint64]bool      // terms whose leader this node has stood against
}

// Open starts what the disk says this node is.
func Open(cfg Config) (*Cluster, error) {
	id, r, err := load(cfg.Dir, cfg.Machine)
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, log: cfg.Logger, id: id, record: r, changed: make(chan struct{}, 1),
		suspects: make(map[string]suspicion), dead: make(map[string]bool),
		lost: make(map[string]time.Time), spared: make(map[uint64]bool)}
	c.SetClientPort(cfg.ClientPort)
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.mesh = mesh.New(mesh.Config{Identity: id, Name: cfg.Name, Version: cfg.Version, Incarnation: cfg.Incarnation,
		Certificate: cfg.Certificate, Trust: cfg.Trust, Keepalive: cfg.Heartbeat / 2, Handler: (*peers)(c), Logger: cfg.Logger})
	c.traffic = cfg.NewTraffic(id.ID, c.mesh, c)
	if err := c.openStore(); err != nil {
		c.stop()
		c.mesh.Close()
		return nil, err
	}
	c.settle()
	c.setMembership()
	c.openPorts()
	if c.record.Mode != Joined {
		c.current.Store(true)
	} else {
		c.running.Go(c.catchUp)
	}
	c.running.Go(c.watch)
	c.running.Go(c.reconcile)
	return c, nil
}

// consensusConfig is the raft part of the configuration.
func (c *Cluster) consensusConfig() consensus.Config {
	return consensus.Config{Dir: filepath.Join(c.cfg.Dir, storeDir), ID: c.id.ID, Heartbeat: c.cfg.Heartbeat,
		Election: c.cfg.Election, Lease: c.cfg.Lease, Logger: c.log, OnChange: c.poke}
}

func (c *Cluster) openStore() error {
	node, err := consensus.Open(c.consensusConfig(), c.mesh.Streams(), c.record.Mode != Joined || c.record.Known == nil)
	if err != nil {
		return err
	}
	c.node = node
	return nil
}

// settle waits until the store of a node that votes alone has applied its log
// and holds what was kept of a former one, so that what was configured is there
// when Open returns.
func (c *Cluster) settle() {
	ctx, cancel := context.WithTimeout(c.ctx, 5*time.Second)
	defer cancel()
	for c.record.Mode != Joined && c.node.Barrier(ctx) != nil && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	if c.record.Mode != Joined {
		c.seed()
	}
}

// openPorts opens the cluster port and gossip as far as the mode asks for them.
// A port that can not be opened is a fault the view shows; reconcile tries again.
func (c *Cluster) openPorts() {
	if c.record.Mode == Standalone || c.cfg.Addr == "" {
		return
	}
	if err := c.mesh.Listen(net.JoinHostPort(c.cfg.Addr, strconv.Itoa(c.cfg.MeshPort))); err != nil {
		c.log.Error("the cluster port is not open", "error", err)
	}
	c.openGossip()
}

// openGossip starts the pool once the key is known.
func (c *Cluster) openGossip() {
	key := c.roster().GossipKey
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.record.Mode != Joined || len(key) == 0 || c.pool != nil || c.cfg.Addr == "" {
		return
	}
	pool, err := gossip.Open(gossip.Config{ID: c.id.ID, Name: c.cfg.Name, BindAddr: c.cfg.Addr, Port: c.cfg.GossipPort, Key: key,
		Tags: map[string]string{"version": c.cfg.Version}, Logger: c.log, OnChange: c.poke})
	if err != nil {
		c.log.Error("gossip is not running", "error", err)
		return
	}
	c.pool = pool
}

// poke makes the goroutines look again; it never blocks.
func (c *Cluster) poke() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
	if c.cfg.OnChange != nil {
		c.cfg.OnChange()
	}
}

// State returns the replicated state as this node has it.
func (c *Cluster) State() *replica.State {
	if c.node == nil {
		return replica.New()
	}
	return c.node.State()
}

// SetClientPort tells the others, in a moment, the port that the client address
// of this node is listed with.
func (c *Cluster) SetClientPort(port int) { c.clientPort.Store(int32(port)) }

// ID returns the node ID.
func (c *Cluster) ID() string { return c.id.ID }

// Mode returns where this node stands.
func (c *Cluster) Mode() Mode { return c.record.Mode }

// Notice tells what the last start had to change by itself, in words.
func (c *Cluster) Notice() string { return c.record.Notice }

// Serves reports whether this node may carry traffic: a standalone node and a
// member do, unless it can not read what a newer version wrote; a node that is to
// join does not.
func (c *Cluster) Serves() bool { return c.record.Mode != Enabled && c.node.Halted() == nil }

// roster is the replicated state as far as it tells who belongs to the cluster.
// Until a leader's word lets this node apply its log, the state is empty or that
// of an old snapshot, and the roster is what was last seen: without it three
// nodes that were powered off would not know whom to call.
func (c *Cluster) roster() *replica.State {
	if c.record.Mode != Joined {
		return c.State()
	}
	return newest(c.State(), c.known())
}

// newest is the roster last seen, if the state that was applied is older.
func newest(applied, known *replica.State) *replica.State {
	if known != nil && known.Version > applied.Version {
		return known
	}
	return applied
}

// Roster returns cluster, domain and members, the last known ones if need be. Of
// a node that is to be taken back they are those of the backup: by them it trusts.
func (c *Cluster) Roster() *replica.State {
	if c.record.Return != nil {
		return c.record.Return
	}
	return c.roster()
}

// remember keeps the roster for the next start.
func (c *Cluster) remember(s *replica.State) {
	if k := c.known(); c.record.Mode != Joined || s.ClusterID == "" || k != nil && k.Version > s.Version {
		return
	}
	if err := c.update(func(r *record) { r.Known = rosterOf(s) }); err != nil {
		c.log.Error("keeping the member list", "error", err)
	}
}

// update changes this instance's record on disk and here.
func (c *Cluster) update(change func(*record)) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if c.left {
		return nil
	}
	r := c.record
	change(&r)
	if err := r.write(c.cfg.Dir); err != nil {
		return err
	}
	c.record.Known, c.record.Seed = r.Known, r.Seed
	return nil
}

// become writes what the next instance will be.
func (c *Cluster) become(r record) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	r.Machine = c.record.Machine
	if err := r.write(c.cfg.Dir); err != nil {
		return err
	}
	c.left = true
	return nil
}

// known returns the roster as last seen.
func (c *Cluster) known() *replica.State {
	c.saving.Lock()
	defer c.saving.Unlock()
	return c.record.Known
}

func rosterOf(s *replica.State) *replica.State {
	return &replica.State{Version: s.Version, ClusterID: s.ClusterID, Domain: s.Domain, Members: s.Members, Removed: s.Removed, GossipKey: s.GossipKey}
}

// setMembership tells the mesh whom to expect.
func (c *Cluster) setMembership() {
	s := c.roster()
	ms := &mesh.Membership{ClusterID: s.ClusterID, Peers: make(map[string]mesh.Peer), Removed: make(map[string]bool)}
	for id, m := range s.Members {
		if id != c.id.ID {
			ms.Peers[id] = mesh.Peer{ID: id, Name: m.Name, Key: m.Key, Addr: m.Addr, Port: m.MeshPort}
		}
	}
	for id := range s.Removed {
		ms.Removed[id] = true
	}
	c.mesh.SetMembership(ms)
}

// self is this node's entry for the member table.
func (c *Cluster) self() replica.Member {
	return replica.Member{ID: c.id.ID, Name: c.cfg.Name, Key: c.id.Public(), Addr: c.cfg.Addr, ClientPort: int(c.clientPort.Load()),
		MeshPort: c.cfg.MeshPort, GossipPort: c.cfg.GossipPort, Version: c.cfg.Version, Format: replica.Format}
}

// watch follows leadership: it owns the answer to "do I lead", and ends a reign
// before it begins the next.
func (c *Cluster) watch() {
	var term uint64
	var version uint64
	var incomplete bool // the archives are, and it was said
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		s := c.node.Status()
		state := c.State()
		leads := s.Role == consensus.Leader && c.Serves()
		if err := c.node.Halted(); err != nil {
			c.halt(s, err)
		}
		if term != 0 && (!leads || s.Term != term) {
			c.traffic.Abdicate()
			term = 0
		}
		if state.Version != version {
			c.setMembership()
			c.openGossip()
			c.rekey()
			c.remember(state)
		}
		if leads && (term == 0 || state.Version != version) {
			if term != 0 || c.barrier() {
				term = s.Term
				c.traffic.Reign(term, c.routes(), c.mesh.Linked)
				c.tellDead()
			}
		}
		version = state.Version
		if err := c.node.ArchiveErr(); err != nil && !incomplete {
			incomplete = true
			c.log.Error("archives of this node lack messages until it starts again", "error", err)
		}
		select {
		case <-c.ctx.Done():
			if term != 0 {
				c.traffic.Abdicate()
			}
			return
		case <-c.changed:
		case <-tick.C:
		}
		c.reconsider()
	}
}

// halt is for a node that can not read what a newer version wrote: it says so, and
// who reads the log shall lead.
func (c *Cluster) halt(s consensus.Status, why error) {
	if !c.told {
		c.told = true
		c.log.Error("this node can not go on", "fault", string(fault.Version), "error", why)
	}
	if s.Role == consensus.Leader {
		c.HandOver()
	}
}

// tellDead tells a new reign whose processes are proved gone, so that nobody
// waits for their sessions (rule 12 of the forwarding protocol).
func (c *Cluster) tellDead() {
	c.mu.Lock()
	dead := slices.Sorted(maps.Keys(c.dead))
	c.mu.Unlock()
	for _, id := range dead {
		c.traffic.LinkDown(id, true)
	}
}

// barrier waits until this leader's log is applied (rule 2 of the forwarding protocol).
func (c *Cluster) barrier() bool {
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	return c.node.Barrier(ctx) == nil
}

// routes lists the members whose edges the leader serves; a standalone node is
// its own only one.
func (c *Cluster) routes() []router.Member {
	list := []router.Member{{Node: router.NodeID(c.id.ID), Voter: true}}
	for _, m := range c.State().SortedMembers() {
		if m.ID == c.id.ID {
			list[0].Voter = m.Voter
		} else {
			list = append(list, router.Member{Node: router.NodeID(m.ID), Voter: m.Voter})
		}
	}
	return list
}

// HandOver gives leadership to another voter, if this node leads and there is one.
func (c *Cluster) HandOver() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if c.record.Mode == Joined && c.node.Transfer(ctx) == nil {
		c.log.Info("leadership was handed over")
	}
}

// Abort ends everything; see HandOver for what comes before.
func (c *Cluster) Abort() error {
	c.mu.Lock()
	c.stop() // locked: what begins one more looks first
	pool := c.pool
	c.pool = nil
	c.mu.Unlock()
	c.running.Wait()
	var err error
	if pool != nil {
		err = pool.Shutdown() // not Leave: the node means to come back
	}
	c.mesh.Unlisten()
	err = errors.Join(err, c.node.Close())
	c.mesh.Close()
	return err
}

func sameMember(a, b replica.Member) bool {
	return a.Name == b.Name && a.Addr == b.Addr && a.ClientPort == b.ClientPort && a.MeshPort == b.MeshPort &&
		a.GossipPort == b.GossipPort && a.Version == b.Version && a.Format == b.Format && bytes.Equal(a.Key, b.Key)
}

package gossip

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

// MaxTags is the most bytes the tags of a node may take, encoded, the host name
// included.
const MaxTags = memberlist.MetaMaxSize

// tagName carries the host name, because serf's node name is the node ID.
const tagName = "name"

// Config is what Open needs to know.
type Config struct {
	ID       string            // node ID
	Name     string            // host name, for people
	BindAddr string            // IP address to listen on and to tell others
	Port     int               // of UDP and TCP
	Key      []byte            // 32 bytes; every node of a cluster has the same
	Tags     map[string]string // what the others learn of this node; "name" is taken

	Logger   *slog.Logger // nil = slog.Default()
	OnChange func()       // called after changes, see the package comment; may be nil; must not call Shutdown or Leave
}

// Pool is this node's part in the gossip.
type Pool struct {
	name    string
	serf    *serf.Serf
	keyring *memberlist.Keyring
	table   *table
	rekeyed atomic.Int64 // when the keyring was last changed, in nanoseconds of the Unix epoch
	done    chan struct{}
	running sync.WaitGroup
	closing sync.Once
	err     error // of closing
}

// Open binds the port and starts to listen. The pool is alone until Join, or
// until another node joins it. Timers are memberlist's for a LAN: a silent node
// is failed after about 5 s.
func Open(cfg Config) (*Pool, error) {
	return open(cfg, memberlist.DefaultLANConfig())
}

func open(cfg Config, timing *memberlist.Config) (*Pool, error) {
	keyring, err := memberlist.NewKeyring(nil, cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("reading gossip key: %w", err)
	}
	p := &Pool{name: cfg.Name, keyring: keyring, table: newTable(), done: make(chan struct{})}
	events := make(chan serf.Event, 64)
	p.running.Go(func() { p.table.drain(events, p.done) })
	p.running.Go(func() { p.table.announce(cfg.OnChange, p.done) })
	p.serf, err = serf.Create(cfg.serf(timing, keyring, events))
	if err != nil {
		close(p.done)
		p.running.Wait()
		return nil, fmt.Errorf("opening gossip port %s: %w", net.JoinHostPort(cfg.BindAddr, strconv.Itoa(cfg.Port)), err)
	}
	return p, nil
}

func (cfg Config) serf(timing *memberlist.Config, keyring *memberlist.Keyring, events chan<- serf.Event) *serf.Config {
	logger := newLogger(cfg.Logger)
	timing.BindAddr, timing.BindPort = cfg.BindAddr, cfg.Port
	timing.AdvertiseAddr, timing.AdvertisePort = cfg.BindAddr, cfg.Port
	timing.Keyring = keyring
	timing.DeadNodeReclaimTime = time.Millisecond // a node that moved takes its name along, once the old place is dead
	timing.LogOutput, timing.Logger = nil, logger

	c := serf.DefaultConfig()
	c.Init()
	c.NodeName = cfg.ID
	c.Tags = named(cfg.Name, cfg.Tags)
	c.EventCh = events
	c.MemberlistConfig = timing
	c.LogOutput, c.Logger = nil, logger
	c.DisableCoordinates = true            // nobody asks for distances
	c.EnableNameConflictResolution = false // it would stop the node that loses the vote; clones are refused at the mesh
	return c
}

func named(name string, tags map[string]string) map[string]string {
	all := map[string]string{tagName: name}
	maps.Copy(all, tags)
	all[tagName] = name
	return all
}

// Join makes contact with nodes at "address:port" and returns how many
// answered. It fails only when none did.
func (p *Pool) Join(addrs []string) (int, error) {
	n, err := p.serf.Join(addrs, true)
	if err != nil {
		return n, fmt.Errorf("joining gossip: %w", err)
	}
	return n, nil
}

// Members returns every node this one has heard of, itself included, ordered by ID.
func (p *Pool) Members() []Member { return p.table.members() }

// SetTags replaces this node's tags. It fails when they are longer than MaxTags.
func (p *Pool) SetTags(tags map[string]string) error {
	if err := p.serf.SetTags(named(p.name, tags)); err != nil {
		return fmt.Errorf("setting gossip tags: %w", err)
	}
	return nil
}

// SetKey makes a 32-byte key the one this node encrypts with. It still reads
// what is encrypted with the key before, and forgets older ones, so the nodes of
// a cluster may change one after the other: a node that is late reads nothing of
// the others until it has the key too, and they read it all the while.
func (p *Pool) SetKey(key []byte) error {
	before := p.keyring.GetPrimaryKey()
	if bytes.Equal(key, before) {
		return nil
	}
	if err := p.keyring.AddKey(key); err != nil {
		return fmt.Errorf("adding gossip key: %w", err)
	}
	if err := p.keyring.UseKey(key); err != nil {
		return fmt.Errorf("using gossip key: %w", err)
	}
	p.rekeyed.Store(time.Now().UnixNano())
	return p.forget(func(k []byte) bool { return !bytes.Equal(k, key) && !bytes.Equal(k, before) })
}

// Key returns the key this node encrypts with.
func (p *Pool) Key() []byte { return p.keyring.GetPrimaryKey() }

// Reads reports whether this node reads what is encrypted with a key.
func (p *Pool) Reads(key []byte) bool {
	return slices.ContainsFunc(p.keyring.GetKeys(), func(k []byte) bool { return bytes.Equal(k, key) })
}

// Install makes this node read what is encrypted with a 32-byte key, before any
// node uses it: when every node has installed a key, SetKey cuts nobody off.
func (p *Pool) Install(key []byte) error {
	if err := p.keyring.AddKey(key); err != nil {
		return fmt.Errorf("installing gossip key: %w", err)
	}
	p.rekeyed.Store(time.Now().UnixNano())
	return nil
}

// Retire makes this node read its present key only, unless a key was installed
// or set less than kept ago.
func (p *Pool) Retire(kept time.Duration) error {
	if time.Since(time.Unix(0, p.rekeyed.Load())) < kept {
		return nil
	}
	key := p.keyring.GetPrimaryKey()
	return p.forget(func(k []byte) bool { return !bytes.Equal(k, key) })
}

func (p *Pool) forget(old func(key []byte) bool) error {
	for _, k := range p.keyring.GetKeys() {
		if old(k) {
			if err := p.keyring.RemoveKey(k); err != nil {
				return fmt.Errorf("forgetting gossip key: %w", err)
			}
		}
	}
	return nil
}

// Prune makes every node forget a failed or left node at once. It waits until
// the word is on its way, up to 5 s.
func (p *Pool) Prune(id string) error {
	if err := p.serf.RemoveFailedNodePrune(id); err != nil {
		return fmt.Errorf("pruning node %s: %w", id, err)
	}
	return nil
}

// Shutdown stops without a word: the others see this node fail, and know it
// again when it is back. It is what a stop or reboot does.
func (p *Pool) Shutdown() error {
	p.closing.Do(func() { p.err = p.shutdown() })
	return p.err
}

// Leave tells the others that this node goes for good, which takes about a
// second, and stops.
func (p *Pool) Leave() error {
	if err := p.serf.Leave(); err != nil {
		return fmt.Errorf("leaving gossip: %w", err)
	}
	return p.Shutdown()
}

func (p *Pool) shutdown() error {
	err := p.serf.Shutdown()
	close(p.done)
	p.running.Wait()
	if err != nil {
		return fmt.Errorf("stopping gossip: %w", err)
	}
	return nil
}

package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/metrics"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// Config is what New needs.
type Config struct {
	State     string // private state directory
	Hostname  string
	Machine   string // identifies the hardware; "" if unknown
	Version   string
	Metrics   string             // socket that gives the metrics; "" for none
	Records   *metrics.Records   // counts what Log is told; may be nil
	Overheard *metrics.Libraries // what raft and serf tell; may be nil
	Log       *slog.Logger
}

// Node is this XMPP node.
type Node struct {
	cfg     Config
	log     *slog.Logger
	conn    *bus.Conn
	object  *bus.XmppObject
	numbers *metrics.Server
	look    chan struct{} // holds one: settings, keys or the cluster changed

	returning sync.WaitGroup // of comeBack
	counting  sync.WaitGroup // of the metrics

	change sync.Mutex // held by apply and by membership transitions
	shape  shape      // what the instance was opened with; guarded by change

	inst   atomic.Pointer[instance]
	values atomic.Pointer[settings.Values]
	keys   atomic.Pointer[material]

	seen sight // of the follow loop alone
	deaf bool  // the settings could not be read, which was logged; of Run and the follow loop alone

	mu      sync.Mutex   // guards what follows
	applied uint64       // generation in effect
	addrs   []netip.Addr // it listens on
	waiters chan struct{}
	steps   []bus.Step // what the last apply did
	faults  []bus.Fault
	drifted string // what the files say otherwise than the store
}

// New returns a node that is not running.
func New(cfg Config, conn *bus.Conn) *Node {
	n := &Node{cfg: cfg, log: cfg.Log, conn: conn, look: make(chan struct{}, 1), waiters: make(chan struct{})}
	n.values.Store(&settings.Values{})
	n.keys.Store(&material{})
	n.numbers = metrics.New(cfg.Metrics, n.read, n.log)
	return n
}

// Run serves until ctx ends, then hands leadership over and drains.
func (n *Node) Run(ctx context.Context, notify *service.Notifier) error {
	configured, err := n.conn.Config().Watch(ctx)
	if err != nil {
		return err
	}
	renewed, err := n.conn.Certificates().Watch(ctx)
	if err != nil {
		return err
	}
	counting := run(&n.counting, n.numbers.Run)
	defer n.counting.Wait()
	defer counting()
	n.readSettings(ctx)
	n.renew(ctx, n.values.Load()) // apply tells what is amiss, if it lasts
	if err := n.open(); err != nil {
		return err
	}
	defer n.close()
	n.apply(ctx)
	n.object, err = n.conn.ServeXmpp(n, n.properties(), bus.LogTo(n.log))
	if err != nil {
		return err
	}
	if err := notify.Ready(n.summary()); err != nil {
		n.log.Warn("telling the service manager", "error", err)
	}
	returning := run(&n.returning, n.comeBack)
	defer n.returning.Wait()
	defer returning()
	return n.follow(ctx, notify, configured, renewed)
}

// follow applies what changes until ctx ends.
func (n *Node) follow(ctx context.Context, notify *service.Notifier, configured, renewed <-chan struct{}) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.conn.Done():
			return errors.New("the bus has gone")
		case <-configured:
			n.readSettings(ctx)
			n.apply(ctx)
		case <-renewed:
			n.apply(ctx)
		case <-notify.Reloads():
			if err := notify.Reloading(func() string { n.readSettings(ctx); n.apply(ctx); return n.summary() }); err != nil {
				n.log.Warn("telling the service manager", "error", err)
			}
		case <-n.look:
			n.turn()
			n.revoke()
			n.publish()
		case <-tick.C:
			n.retry(ctx)
			n.publish()
		}
	}
}

// poke asks for a fresh look at the cluster; it never blocks.
func (n *Node) poke() {
	select {
	case n.look <- struct{}{}:
	default:
	}
}

// readSettings fetches the accepted configuration. When the service does not
// answer, the last one stays in effect.
func (n *Node) readSettings(ctx context.Context) {
	p, perr := n.conn.Config().Properties(ctx) // first: newer values than it says do no harm
	raw, err := n.conn.Config().Values(ctx)
	if err != nil {
		if !n.deaf {
			n.log.Warn("reading the settings", "error", err)
		}
		n.deaf = true
		return
	}
	n.deaf = false
	v, err := settings.Decode(raw)
	if err != nil {
		n.log.Error("reading the settings", "error", err)
		return
	}
	if perr == nil {
		v.Generation = p.Generation
	}
	n.values.Store(&v)
}

// retry repeats what could not be done for a reason that may have passed: a
// service that did not answer, a port or an address that was not there. It also
// follows addresses that have changed.
func (n *Node) retry(ctx context.Context) {
	addrs, err := listenAddrs(n.values.Load())
	n.mu.Lock()
	again := len(n.faults) > 0 || n.applied == 0 || err != nil || !slices.Equal(addrs, n.addrs)
	n.mu.Unlock()
	if again {
		if n.values.Load().Generation == 0 {
			n.readSettings(ctx)
		}
		n.apply(ctx)
	}
}

// summary is the line systemctl status shows.
func (n *Node) summary() string {
	p := n.properties()
	if !p.Enabled {
		return fmt.Sprintf("%s; service disabled", p.State)
	}
	return fmt.Sprintf("%s; serving %s", p.State, p.Domain)
}

// instance returns the open instance, waiting a little while one is changed.
func (n *Node) instance(ctx context.Context) (*instance, error) {
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); {
		if i := n.inst.Load(); i != nil {
			return i, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil, fault.Mend(fault.Unavailable, "the XMPP service is changing its membership", "try again in a moment")
}

// publish puts the present state on the bus and journals what changed.
func (n *Node) publish() {
	if n.object == nil {
		return
	}
	if err := n.object.Publish(n.properties()); err != nil {
		n.log.Warn("publishing the state", "error", err)
	}
	if i := n.inst.Load(); i != nil { // else it is being changed
		n.tell(n.seen.look(i.cluster.View(), time.Now()))
	}
}

package edge

import (
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/stanza"
)

// sweepEvery is how often writes that last are looked for.
const sweepEvery = 5 * time.Second

// Edge holds the listeners and the connections.
type Edge struct {
	router   Router
	accounts Accounts
	log      *slog.Logger
	gate     gate
	ledger   ledger
	turned   turned
	counts   counts
	set      atomic.Pointer[settings] // for new connections

	mu        sync.Mutex // guards all below
	open      bool       // connections are taken
	stopped   bool       // Run is over
	listeners map[port]*listener
	conns     map[*conn]struct{}
	wg        sync.WaitGroup // of accepting and serving goroutines
}

// ErrStopped is returned by Apply when Run has ended.
var ErrStopped = errors.New("the edge has stopped")

// New returns an Edge that serves nothing until Apply.
func New(r Router, a Accounts, l *slog.Logger) *Edge {
	e := &Edge{
		router: r, accounts: a, log: l, ledger: ledger{seed: maphash.MakeSeed()},
		listeners: make(map[port]*listener),
		conns:     make(map[*conn]struct{}),
	}
	e.set.Store(settingsOf(Config{}))
	return e
}

// Run keeps the edge until ctx is done, then closes the ports and ends every
// stream with <system-shutdown/>. It returns when all are closed, at the latest
// a few seconds later, and always nil.
func (e *Edge) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			e.sweep(now)
		case <-ctx.Done():
			e.stop()
			return nil
		}
	}
}

// Apply makes the edge serve cfg: ports no longer wanted are closed, new ones
// opened, others left alone; limits and certificates hold for new connections.
// Streams are dropped only if cfg.Open is false. An error names every port that
// could not be opened; the rest is in effect, and Apply may be called again.
func (e *Edge) Apply(cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped {
		return ErrStopped
	}
	e.set.Store(settingsOf(cfg))
	e.open = cfg.Open
	wanted := portsOf(cfg)
	for p, l := range e.listeners {
		if !slices.Contains(wanted, p) {
			l.Close()
			delete(e.listeners, p)
		}
	}
	if !cfg.Open {
		e.shutAll("the service is disabled")
		return nil
	}
	var errs []error
	for _, p := range wanted {
		if e.listeners[p] == nil {
			errs = append(errs, e.listen(p))
		}
	}
	return errors.Join(errs...)
}

// shutAll ends every stream. e.mu is held.
func (e *Edge) shutAll(text string) {
	for c := range e.conns {
		c.Shut(stanza.StreamSystemShutdown, text)
	}
}

// Counts returns how many sessions of each kind are bound here.
func (e *Edge) Counts() (clients, components int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		switch c.bound.Load() {
		case 1 + uint32(Client):
			clients++
		case 1 + uint32(Component):
			components++
		}
	}
	return clients, components
}

// stop ends everything, first in good order, then not.
func (e *Edge) stop() {
	e.mu.Lock()
	e.open, e.stopped = false, true
	for p, l := range e.listeners {
		l.Close()
		delete(e.listeners, p)
	}
	e.shutAll("the server is shutting down")
	e.mu.Unlock()
	abort := time.AfterFunc(closeWait, e.abort)
	defer abort.Stop()
	e.wg.Wait()
}

func (e *Edge) abort() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		c.tcp.Close()
	}
}

// sweep writes what inactive clients have waited for long enough. It ends the streams of peers that do not read, and those that a certificate
// let in which is valid no more (RFC 6120 §13.7.2.3).
func (e *Edge) sweep(now time.Time) {
	e.gate.sweep(now, e.set.Load().limits)
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		if c.out.stalled(now, c.set.limits.WriteTimeout) {
			e.counts.reach(boundWrite)
			c.out.stop()
			c.Shut(stanza.StreamResourceConstraint, "the peer does not read")
		}
		if r := c.out.overdue(now, c.set.limits.IdleWait); r == queuedGo {
			e.counts.reach(boundIdleWait)
			c.start(r)
		}
		if c.bound.Load() != 0 && !c.until.IsZero() && now.After(c.until) {
			c.Shut(stanza.StreamReset, "the client's certificate has expired")
		}
	}
}

// adopt takes a connection in, unless its address or the service is closed to
// it.
func (e *Edge) adopt(tcp net.Conn, direct bool) {
	set := e.set.Load()
	peer := addrOf(tcp)
	log := connLogger(e.log, peer.String(), direct)
	if v, why := e.gate.admit(peer.Addr(), time.Now(), set.limits); v != admitted {
		e.counts.reach(why)
		if v == refusedFirst {
			log.Warn("connections refused: too many of this node, of this address, or too many failed sign-ins", "bound", why)
		}
		tcp.Close()
		return
	}
	carried, err := newCarrier(tcp)
	if err != nil { // it is closed
		log.Debug("taking a connection in", "reason", err)
		tcp.Close()
		e.gate.leave(peer.Addr())
		return
	}
	if err := carried.hurry(set.limits.WriteTimeout); err != nil { // the peer has gone already, most likely
		log.Debug("limiting what is not acknowledged", "reason", err)
	}
	c := &conn{edge: e, set: set, direct: direct, peer: peer, log: log, tcp: carried}
	c.wire = c.tcp
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.out.init(set.limits.Outbox, set.limits.IdleBytes)
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.open {
		e.gate.leave(peer.Addr())
		c.cancel()
		tcp.Close()
		return
	}
	e.conns[c] = struct{}{}
	e.counts.accepted[index(direct)].Add(1)
	e.wg.Go(c.serve)
}

// forget is the end of what adopt began.
func (e *Edge) forget(c *conn) {
	e.gate.leave(c.peer.Addr())
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c)
}

func addrOf(c net.Conn) netip.AddrPort {
	if a, ok := c.RemoteAddr().(*net.TCPAddr); ok {
		ap := a.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

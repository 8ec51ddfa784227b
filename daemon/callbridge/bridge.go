package callbridge

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/stanza"
)

// Bridge keeps the link of one Setup at a time.
type Bridge struct {
	version  string
	resolver *resolve.Resolver
	log      *slog.Logger
	tell     func() // called after every change of state; may be nil
	limits   limits
	now      func() time.Time

	mu     sync.Mutex // guards what follows
	setup  *Setup
	anew   chan struct{} // closed when the link has to be made anew
	state  state
	link   *link  // nil while there is none
	logged string // the text that was journaled last
}

// NewBridge returns a bridge that is not configured. tell is called after every
// change of state, by the goroutine of Run; it may be nil.
func NewBridge(version string, resolver *resolve.Resolver, log *slog.Logger, tell func()) *Bridge {
	b := &Bridge{version: version, resolver: resolver, log: log, tell: tell, limits: defaultLimits,
		now: time.Now, setup: &Setup{}, anew: make(chan struct{})}
	b.become(beginning(b.setup))
	return b
}

// Use has the bridge make its link by s from now on. A link by equal values
// stays.
func (b *Bridge) Use(s *Setup) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.setup.equal(s) {
		return
	}
	b.setup = s
	b.become(beginning(s))
	b.again()
}

// Reconnect drops the link and looks for a server anew.
func (b *Bridge) Reconnect() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.again()
}

// Doubt has the bridge look soon whether the machine of its server is still
// there. A link that lives is not disturbed.
func (b *Bridge) Doubt() {
	b.mu.Lock()
	l := b.link
	b.mu.Unlock()
	if l != nil {
		l.doubt()
	}
}

// have makes l the link that is in use.
func (b *Bridge) have(l *link) {
	b.mu.Lock()
	b.link = l
	b.mu.Unlock()
}

// again ends what drive does. b.mu is held.
func (b *Bridge) again() {
	close(b.anew)
	b.anew = make(chan struct{})
}

// Status returns the configuration in force and the state of the link.
func (b *Bridge) Status() bus.CallBridgeStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state.status(b.setup)
}

// Run keeps the link until ctx ends.
func (b *Bridge) Run(ctx context.Context) {
	for ctx.Err() == nil {
		b.mu.Lock()
		setup, anew := b.setup, b.anew
		b.mu.Unlock()
		driven, stop := context.WithCancel(ctx)
		var driver sync.WaitGroup
		driver.Go(func() { b.drive(driven, setup) })
		select {
		case <-anew:
		case <-ctx.Done():
		}
		stop()
		driver.Wait()
	}
}

// drive makes and keeps links by one setup until ctx ends.
func (b *Bridge) drive(ctx context.Context, s *Setup) {
	first := beginning(s)
	b.enter(first)
	if first.name != Connecting {
		<-ctx.Done()
		return
	}
	d := &driver{Bridge: b, setup: s, plan: plan{draw: rand.Int64N}, finder: finder{resolver: b.resolver, now: b.now}}
	for ctx.Err() == nil {
		d.step(ctx)
	}
}

// driver carries out what its plan says.
type driver struct {
	*Bridge
	setup  *Setup
	plan   plan
	finder finder
	last   target
}

func (d *driver) step(ctx context.Context) {
	switch s := d.plan.next(); s.do {
	case find:
		d.find(ctx)
	case try:
		d.try(ctx, s.server)
	case wait:
		if len(d.plan.attempts) > 0 {
			d.enter(failed(d.setup, &d.plan, d.last, d.now().Add(s.pause)))
			d.finder.doubt()
		}
		select {
		case <-ctx.Done():
		case <-time.After(s.pause):
		}
	}
}

func (d *driver) find(ctx context.Context) {
	servers, err := d.finder.find(ctx, d.setup)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		d.last = target{}
		d.plan.notFound(noServers(err, componentService+d.setup.Domain))
	default:
		d.plan.found(servers)
	}
}

// try makes a link to one server and serves it to its end.
func (d *driver) try(ctx context.Context, server resolve.Server) {
	d.last = target{host: server.Target, port: server.Port}
	if d.setup.Server == "" {
		d.last.record = componentService + d.setup.Domain
	}
	l, why := d.open(ctx, d.last)
	if ctx.Err() != nil {
		if l != nil {
			l.close()
		}
		return
	}
	if why != nil {
		d.plan.failed(why)
		return
	}
	began := d.now()
	d.have(l)
	d.enter(connected(l))
	err := l.serve(ctx, responder{d.setup.Address(), d.version}.answer)
	d.have(nil)
	l.close()
	if ctx.Err() != nil {
		return
	}
	var said *streamError
	d.plan.ended(server, d.now().Sub(began), errors.As(err, &said) && said.condition == stanza.StreamConflict)
	d.enter(broken(d.setup, d.last, l.lost(err)))
}

// open makes a link: an address, TCP, TLS, and the sign-in.
func (d *driver) open(ctx context.Context, t target) (*link, *fault.Error) {
	addrs, err := d.finder.addresses(ctx, t.host)
	if err != nil {
		return nil, noAddress(err, t)
	}
	raw, why := connect(ctx, t, addrs, d.limits.connect)
	if why != nil {
		return nil, why
	}
	conn, why := secure(ctx, raw, t, d.setup, d.limits.handshake, d.now)
	if why != nil {
		_ = raw.Close() // nothing was said on it
		return nil, why
	}
	l := newLink(conn, t, d.setup, d.limits)
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	if why := l.signIn(d.setup.Secret); why != nil {
		l.close()
		return nil, why
	}
	return l, nil
}

// enter publishes a state and journals it, unless it says what was said last.
func (b *Bridge) enter(s state) {
	b.mu.Lock()
	b.become(s)
	news := s.text != b.logged
	b.logged = s.text
	b.mu.Unlock()
	if news {
		b.journal(s)
	}
	if b.tell != nil {
		b.tell()
	}
}

// become takes a state over; its time goes on while only the words change. b.mu
// is held.
func (b *Bridge) become(s state) {
	s.since = b.now()
	if s.name == b.state.name {
		s.since = b.state.since
	}
	b.state = s
}

func (b *Bridge) journal(s state) {
	switch {
	case s.name == Connected:
		b.log.Info(s.text, journal.ID(journal.LinkUp), "server", s.at.String(), "remote", s.remote)
	case s.name == NotConfigured:
		b.log.Info(s.text, "remedy", s.why.Remedy)
	case s.why != nil:
		b.log.Warn(s.text, journal.ID(journal.LinkDown), "code", string(s.why.Code), "remedy", s.why.Remedy, "server", s.at.String())
	default:
		b.log.Info(s.text)
	}
}

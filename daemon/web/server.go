package web

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/settings"
)

// Config is what Web Admin is made of.
type Config struct {
	State    string        // folder of the self-made certificate
	Hostname func() string // of this node, as it is now
	Version  string
	SignIn   string // socket of the sign-in service
	Log      *slog.Logger
}

// Server is Web Admin.
type Server struct {
	cfg    Config
	conn   *bus.Conn // its own: settings and its key, nothing for people
	log    *slog.Logger
	pages  []page
	looks  looks
	assets *assets
	open   opener

	facts    atomic.Pointer[facts]
	identity *identity
	doors    *doors
	sessions *sessions
	throttle *throttle
	refusals *pacer
	streams  *streams
	errors   recent

	attempts chan struct{} // sign-ins in progress, as many as it has room for
	wait     time.Duration // how long a refused sign-in takes at least
}

// facts are what the services last said of this node.
type facts struct {
	settings settings.Values
	known    bool   // the configuration service has answered
	domain   string // in force, which is the cluster's
}

// New makes a Server, which starts with Run. The error is a fault of this
// program: a template that does not parse.
func New(cfg Config, conn *bus.Conn) (*Server, error) {
	a, err := readAssets()
	if err != nil {
		return nil, err
	}
	l, err := readLooks(a)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, conn: conn, log: cfg.Log, looks: l, assets: a,
		identity: newIdentity(cfg.State, cfg.Log), doors: newDoors(cfg.Log),
		sessions: newSessions(), throttle: newThrottle(), refusals: newPacer(), streams: newStreams(),
		attempts: make(chan struct{}, maxAttempts), wait: refusalTime,
	}
	s.open = s.signInService
	s.pages = s.allPages()
	s.facts.Store(&facts{})
	return s, nil
}

// Manager is the service manager: service.Notifier.
type Manager interface {
	Ready(status string) error
	Status(status string) error
	Reloads() <-chan struct{}
	Reloading(reload func() (status string)) error
}

// Run serves until ctx ends or the bus has gone, then closes the port and ends
// every session. It is ready whether or not the other services answer: what
// they have not said yet is asked again.
func (s *Server) Run(ctx context.Context, manager Manager) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer s.sessions.endAll()
	defer s.doors.closeAll()
	defer cancel() // first: the live pages end with it
	changes, err := s.watch(ctx)
	if err != nil {
		return err
	}
	s.streams.begin(ctx)
	s.renew(ctx, true)
	if err := manager.Ready(s.doors.summary()); err != nil {
		s.log.Warn("telling the service manager", "error", err)
	}
	wg.Go(func() { s.sweep(ctx) })
	return s.follow(ctx, manager, changes)
}

// changes tick when the services have something new.
type changes struct{ config, certificates, xmpp <-chan struct{} }

func (s *Server) watch(ctx context.Context) (c changes, err error) {
	if c.config, err = s.conn.Config().Watch(ctx); err != nil {
		return c, err
	}
	if c.certificates, err = s.conn.Certificates().Watch(ctx); err != nil {
		return c, err
	}
	c.xmpp, err = s.conn.Xmpp().Watch(ctx)
	return c, err
}

// retryEvery is how often what could not be done is tried again: a port in use,
// an address that is not there yet, a service that was silent.
const retryEvery = 5 * time.Second

func (s *Server) follow(ctx context.Context, manager Manager, c changes) error {
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for {
		files := false
		select {
		case <-ctx.Done():
			return nil
		case <-s.conn.Done():
			return errors.New("the system bus has gone")
		case <-c.config:
		case <-c.certificates:
			files = true
		case <-c.xmpp:
		case <-tick.C:
		case <-manager.Reloads():
			if err := manager.Reloading(func() string { return s.renew(ctx, true) }); err != nil {
				s.log.Warn("telling the service manager", "error", err)
			}
			continue
		}
		if before := s.doors.summary(); s.renew(ctx, files) != before {
			if err := manager.Status(s.doors.summary()); err != nil {
				s.log.Warn("telling the service manager", "error", err)
			}
		}
	}
}

// renew asks the services anew and puts the answers into force: first the
// certificate, so that a port never opens with an old one. files says that those
// of the certificate may have changed.
func (s *Server) renew(ctx context.Context, files bool) (summary string) {
	f := s.learn(ctx)
	s.facts.Store(f)
	s.identity.renew(ctx, s.conn.Certificates(), f.settings.Web, s.cfg.Hostname(), files)
	s.doors.set(s.wanted(f), s.httpServer)
	if f.known && !f.settings.Web.Enabled {
		s.sessions.endAll() // or they would be there again when it is enabled
	}
	return s.doors.summary()
}

// learn asks for the settings and the domain; what is not answered stays as it
// was.
func (s *Server) learn(ctx context.Context) *facts {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	f := *s.facts.Load()
	if raw, err := s.conn.Config().Values(ctx); err == nil {
		if v, err := settings.Decode(raw); err == nil {
			f.settings, f.known = v, true
		} else {
			s.log.Error("reading the settings", "error", err)
		}
	}
	if p, err := s.conn.Xmpp().Properties(ctx); err == nil {
		f.domain = p.Domain
	}
	return &f
}

// sweepEvery is how soon after its end a session's connection is closed.
const sweepEvery = 10 * time.Second

// sweep ends the sessions that are over, asked for or not.
func (s *Server) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, over := range s.sessions.sweep(time.Now(), s.idle()) {
				s.log.Info("sign-in of "+over.user+" ended", "caller", over.user, "caller_from", over.from)
			}
		}
	}
}

// idleDefault is in force until the settings are known; it is web.idle's own.
const idleDefault = 15 * time.Minute

func (s *Server) idle() time.Duration {
	if f := s.facts.Load(); f.known {
		return f.settings.Web.Idle
	}
	return idleDefault
}

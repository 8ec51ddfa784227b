package certd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/pki/store"
	"quorate.org/daemon/settings"
)

// poll is how often the exchange folder is looked at when nothing announces a
// change, and pollBlind how often when inotify is not to be had.
const (
	poll      = time.Minute
	pollBlind = 2 * time.Second
)

// Config is what the service is made of.
type Config struct {
	State       string           // folder of the store
	Exchange    string           // the SFTP exchange folder
	PublicRoots string           // PEM file of public CAs, which may not be cluster trust
	Now         func() time.Time // the wall clock; nil means time.Now
	Log         *slog.Logger
}

// Service answers org.quorate.Certificates1.
type Service struct {
	store  *store.Store
	public *pki.PublicRoots
	conn   *bus.Conn
	log    *slog.Logger
	now    func() time.Time
	expiry expiryWatch

	members *members
	opinion opinion

	mu       sync.Mutex
	object   *bus.CertificatesObject // guarded by mu: nil until Run serves the bus
	settings settings.Values         // guarded by mu: as the configuration was last seen
	uses     store.Uses              // guarded by mu: what they use
}

// New opens the store. It starts nothing.
func New(cfg Config, conn *bus.Conn) (*Service, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	st, err := store.Open(store.Config{Dir: cfg.State, Exchange: cfg.Exchange, Now: cfg.Now})
	if err != nil {
		return nil, err
	}
	s := &Service{store: st, conn: conn, log: cfg.Log, now: cfg.Now}
	s.members = newMembers(func(ctx context.Context, pem []byte) ([]bus.Step, error) { return s.conn.Xmpp().WouldAccept(ctx, pem) })
	s.public, err = readPublicRoots(cfg.PublicRoots)
	if err != nil {
		s.log.Warn("public CAs are not told from private ones: " + err.Error())
	}
	return s, nil
}

func readPublicRoots(path string) (*pki.PublicRoots, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading public CAs: %w", err)
	}
	return pki.ParsePublicRoots(data), nil
}

// Manager is the service manager: service.Notifier.
type Manager interface {
	Ready(status string) error
	Reloads() <-chan struct{}
	Reloading(reload func() (status string)) error
}

// serving is what systemctl status shows.
const serving = "keeping certificates"

// Run serves the bus until ctx ends or the bus has gone. It is ready once the
// name is taken and the exchange folder has been looked at; a reload looks again.
func (s *Service) Run(ctx context.Context, manager Manager) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	config, err := s.conn.Config().Watch(ctx)
	if err != nil {
		return err
	}
	folder, err := watchFolder(ctx, s.store.Exchange())
	every := poll
	if err != nil {
		s.log.Warn("the exchange folder is polled: " + err.Error())
		every = pollBlind
	}
	defer folder.wait()
	defer cancel()
	s.learnUses(ctx)
	if err := s.serve(); err != nil {
		return err
	}
	s.scanLogged(ctx)
	if err := manager.Ready(serving); err != nil {
		return err
	}
	return s.loop(ctx, manager, sources{config, folder.ticks, every})
}

// serve takes the bus name. A call that comes in before it returns waits for
// mu where it would need object.
func (s *Service) serve() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.object, err = s.conn.ServeCertificates(s, bus.LogTo(s.log)); err != nil {
		return fmt.Errorf("serving certificates: %w", err)
	}
	return nil
}

// sources are what makes the loop look at the exchange folder.
type sources struct {
	config <-chan struct{} // the configuration changed
	folder <-chan struct{} // the folder changed
	every  time.Duration   // in any case
}

func (s *Service) loop(ctx context.Context, manager Manager, from sources) error {
	ticker := time.NewTicker(from.every)
	defer ticker.Stop()
	expiry := time.NewTimer(0)
	defer expiry.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.conn.Done():
			return errors.New("the system bus has gone")
		case <-manager.Reloads():
			if err := manager.Reloading(func() string { s.learnUses(ctx); return serving }); err != nil {
				s.log.Warn("telling that the reload is done: " + err.Error())
			}
		case <-from.config:
			s.learnUses(ctx)
		case <-from.folder:
		case <-ticker.C:
			if !s.knownUses().Known {
				s.learnUses(ctx)
			}
		case <-expiry.C:
		}
		s.scanLogged(ctx)
		expiry.Reset(s.members.askAgain(s.warnExpiry()))
	}
}

// scan looks at the exchange folder, and tells the journal and the bus what
// changed. It asks nobody, so the XMPP service may call what calls it.
func (s *Service) scan(ctx context.Context) error {
	uses := s.knownUses()
	uses.Answers = s.members.known(time.Time{})
	report, err := s.store.Scan(ctx, uses)
	s.tell(report)
	return err
}

func (s *Service) scanLogged(ctx context.Context) {
	if err := s.take(ctx, true); err != nil && ctx.Err() == nil {
		s.log.Error("scanning the exchange folder: " + err.Error())
	}
}

// changed signals that stored files differ.
func (s *Service) changed(files []string) {
	s.mu.Lock()
	object := s.object
	s.mu.Unlock()
	if len(files) == 0 || object == nil {
		return
	}
	if err := object.Changed(files); err != nil {
		s.log.Warn("telling of changed certificates: " + err.Error())
	}
}

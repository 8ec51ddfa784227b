package callbridge

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// Config is what NewService needs.
type Config struct {
	Version     string
	Resolver    *resolve.Resolver
	PublicRoots string // file of the CAs the world trusts; need not be there
	Log         *slog.Logger
}

// Service is the Call Bridge behind org.quorate.CallBridge1.
type Service struct {
	cfg     Config
	log     *slog.Logger
	conn    *bus.Conn
	bridge  *Bridge
	object  *bus.BridgeObject
	notify  *service.Notifier
	read    bool // the settings were read; of Run's goroutine alone
	deaf    bool // the settings could not be read, which was logged; as above
	current settings.Values
	trust   *Trust       // last one that could be read …
	files   [3]string    // … and of which files
	blamed  *fault.Error // why the trust could not be read
}

// NewService returns a service that is not running.
func NewService(cfg Config, conn *bus.Conn) *Service {
	s := &Service{cfg: cfg, log: cfg.Log, conn: conn}
	s.bridge = NewBridge(cfg.Version, cfg.Resolver, cfg.Log, s.publish)
	return s
}

// publish puts each state on the bus, even one that lasts a moment: whoever
// asked in that moment is told of the next.
func (s *Service) publish() {
	status := s.bridge.Status()
	if err := s.object.Publish(properties(status)); err != nil {
		s.log.Warn("telling the state of the link", "error", err)
	}
	s.tell(s.notify.Status(status.Text))
}

// Run serves until ctx ends.
func (s *Service) Run(ctx context.Context, notify *service.Notifier) error {
	configured, err := s.conn.Config().Watch(ctx)
	if err != nil {
		return err
	}
	renewed, err := s.conn.Certificates().Watch(ctx)
	if err != nil {
		return err
	}
	elected, err := s.conn.Xmpp().Watch(ctx)
	if err != nil {
		return err
	}
	s.readSettings(ctx)
	s.notify = notify
	s.object, err = s.conn.ServeBridge(s, properties(s.bridge.Status()), bus.LogTo(s.log))
	if err != nil {
		return err
	}
	s.tell(notify.Ready(s.bridge.Status().Text))
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() { defer close(ended); s.bridge.Run(ctx) }()
	defer func() { stop(); <-ended }()
	return s.follow(ctx, notify, sources{configured, renewed, elected})
}

// sources are what the service follows.
type sources struct {
	configured <-chan struct{} // the settings changed
	renewed    <-chan struct{} // certificates changed
	elected    <-chan struct{} // this node's cluster, if it has one, lost or found a leader or a member
}

// follow takes over what changes until ctx ends. The nodes of a cluster notice
// that a machine is gone long before its connections do, and the link may lead
// there.
func (s *Service) follow(ctx context.Context, notify *service.Notifier, from sources) error {
	again := time.NewTicker(2 * time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.conn.Done():
			return errors.New("the bus has gone")
		case <-from.configured:
			s.readSettings(ctx)
		case <-from.renewed:
			s.apply(ctx)
		case <-from.elected:
			s.bridge.Doubt()
		case <-notify.Reloads():
			s.tell(notify.Reloading(func() string { s.readSettings(ctx); return s.bridge.Status().Text }))
		case <-again.C:
			s.retry(ctx)
		}
	}
}

// tell notes that the service manager was not told. That concerns the line
// which systemctl status shows and nothing else.
func (s *Service) tell(err error) {
	if err != nil {
		s.log.Debug("telling the service manager", "error", err)
	}
}

func properties(s bus.CallBridgeStatus) bus.BridgeProperties {
	return bus.BridgeProperties{State: s.State, Server: s.Server, Code: s.Code, Text: s.Text}
}

// Status implements org.quorate.CallBridge1.
func (s *Service) Status(context.Context) (bus.CallBridgeStatus, error) {
	return s.bridge.Status(), nil
}

// Reconnect implements org.quorate.CallBridge1.
func (s *Service) Reconnect(context.Context, bus.Caller) error {
	s.bridge.Reconnect()
	return nil
}

// retry repeats what failed because a service did not answer.
func (s *Service) retry(ctx context.Context) {
	switch {
	case !s.read || s.deaf:
		s.readSettings(ctx)
	case s.blamed != nil:
		s.apply(ctx)
	}
}

// readSettings fetches the accepted configuration. When the service does not
// answer, the last one stays in effect.
func (s *Service) readSettings(ctx context.Context) {
	raw, err := s.conn.Config().Values(ctx)
	if err != nil {
		if !s.deaf {
			s.log.Warn("reading the settings", "error", err)
		}
		s.deaf = true
		var why *fault.Error
		if !s.read && errors.As(err, &why) { // or it would be told as not configured
			s.bridge.Use(&Setup{Unread: why})
		}
		return
	}
	s.deaf = false
	v, err := settings.Decode(raw)
	if err != nil {
		s.log.Error("reading the settings", "error", err)
		return
	}
	s.current, s.read = v, true
	s.apply(ctx)
}

// apply has the bridge work by the settings and certificates as they are.
func (s *Service) apply(ctx context.Context) {
	c := s.current.CallBridge
	setup := &Setup{Name: c.Name, Domain: c.Domain, Server: c.Server, Secret: c.Secret}
	if setup.missing() == nil {
		setup.Trust, setup.Fault = s.readTrust(ctx)
	}
	s.bridge.Use(setup)
}

// readTrust makes the trust in the servers. While the certificate service does
// not answer, what it said last of the same files stays in effect.
func (s *Service) readTrust(ctx context.Context) (*Trust, *fault.Error) {
	files := [3]string{s.current.CallBridge.Trust}
	if files[0] == "" {
		files = [3]string{"", s.current.XMPP.Bundle, s.current.Cluster.Trust}
	}
	certs, err := s.readFiles(ctx, files)
	s.blamed = err
	switch {
	case err == nil:
		s.trust, s.files = NewTrust(certs, s.publicRoots(files)), files
	case s.trust == nil || s.files != files || err.Code != fault.Unavailable && err.Code != fault.Timeout:
		return nil, err
	}
	return s.trust, nil
}

func (s *Service) readFiles(ctx context.Context, files [3]string) ([]*x509.Certificate, *fault.Error) {
	var certs []*x509.Certificate
	for _, file := range files {
		if file == "" {
			continue
		}
		pem, err := s.conn.Certificates().Get(ctx, file)
		var list []*x509.Certificate
		if err == nil {
			list, err = pki.ParseCertificates(pem)
		}
		var f *fault.Error
		switch {
		case errors.As(err, &f):
			return nil, fault.Mend(f.Code, "the trusted certificates in "+file+" can not be read: "+f.Message, f.Remedy)
		case err != nil:
			return nil, fault.New(fault.Unavailable, "the trusted certificates in "+file+" can not be read: "+err.Error())
		}
		certs = append(certs, list...)
	}
	return certs, nil
}

// publicRoots are the public CAs, unless a trust file says whom to trust.
func (s *Service) publicRoots(files [3]string) []byte {
	if files[0] != "" {
		return nil
	}
	roots, err := os.ReadFile(s.cfg.PublicRoots)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Warn("reading the public CAs", "error", err)
	}
	return roots
}

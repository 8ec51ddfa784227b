package netfilter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/firewall"
	"quorate.org/daemon/netif"
	"quorate.org/daemon/service"
	"quorate.org/daemon/settings"
)

// lookEvery is how often a network card that a letter names is looked for again,
// and what failed is tried again.
const lookEvery = 5 * time.Second

// Config is what NewService needs.
type Config struct {
	Load func(ctx context.Context, ruleset string) error // the room's Load
	Log  *slog.Logger
}

// Service is the firewall behind org.quorate.Firewall1.
type Service struct {
	cfg    Config
	conn   *bus.Conn
	object *bus.FirewallObject
	notify *service.Notifier

	// Of Run's goroutine alone.
	values *settings.Values // nil until they were read
	loaded string           // the ruleset in force; empty when the last try failed
	told   bus.FirewallProperties
	deaf   bool // the settings could not be read, which was told; they are asked for again

	mu    sync.Mutex
	ports []bus.OpenPort // of the rules in force; guarded by mu
}

// NewService returns a service that is not running.
func NewService(cfg Config, conn *bus.Conn) *Service {
	return &Service{cfg: cfg, conn: conn, told: waiting}
}

// waiting is the state before the settings were read.
var waiting = bus.FirewallProperties{State: "waiting for the settings", Text: "the settings are not read yet; only SSH is open"}

// Run serves until ctx ends. The rules stay in force then.
func (s *Service) Run(ctx context.Context, notify *service.Notifier) error {
	configured, err := s.conn.Config().Watch(ctx)
	if err != nil {
		return err
	}
	s.notify = notify
	s.object, err = s.conn.ServeFirewall(s, waiting, bus.LogTo(s.cfg.Log))
	if err != nil {
		return err
	}
	s.readSettings(ctx)
	s.tell(notify.Ready(s.apply(ctx, false)))
	again := time.NewTicker(lookEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.conn.Done():
			return errors.New("the bus has gone")
		case <-configured:
			s.readSettings(ctx)
			s.apply(ctx, false)
		case <-notify.Reloads():
			s.tell(notify.Reloading(func() string { s.readSettings(ctx); return s.apply(ctx, true) }))
		case <-again.C:
			if s.deaf {
				s.readSettings(ctx)
			}
			s.apply(ctx, false)
		}
	}
}

func (s *Service) tell(err error) {
	if err != nil {
		s.cfg.Log.Warn("telling the state of the firewall", "error", err)
	}
}

// readSettings fetches the accepted configuration. When the service does not
// answer, the last one stays in effect.
func (s *Service) readSettings(ctx context.Context) {
	raw, err := s.conn.Config().Values(ctx)
	var v settings.Values
	if err == nil {
		v, err = settings.Decode(raw)
	}
	switch {
	case err == nil:
		s.values = &v
	case !s.deaf:
		s.cfg.Log.Warn("reading the settings", "error", err)
	}
	s.deaf = err != nil
}

// apply loads the rules by the settings and network cards as they are, unless
// they are in force already; anew loads them whatever is, for the administrator's
// own may have changed. It returns the state in words.
func (s *Service) apply(ctx context.Context, anew bool) string {
	if s.values == nil {
		return s.told.Text
	}
	ports := firewall.Ports(*s.values)
	cards := cardsOf(ports, s.values.Network.Interfaces)
	ruleset := firewall.Ruleset(ports, cards, true)
	if ruleset == s.loaded && !anew {
		return s.told.Text
	}
	inForce, err := s.load(ctx, ruleset, firewall.Ruleset(ports, cards, false))
	if ctx.Err() != nil {
		return s.told.Text
	}
	s.loaded = ""
	if inForce {
		s.loaded = ruleset
		s.keep(ports)
	}
	s.publish(state(ports, inForce, err), err)
	return s.told.Text
}

// publish tells of the rules that came into force and of each failure once.
func (s *Service) publish(p bus.FirewallProperties, err error) {
	switch {
	case err == nil:
		s.cfg.Log.Info("new rules are " + p.Text)
	case p != s.told:
		s.cfg.Log.Error(err.Error())
	}
	s.told = p
	s.tell(s.object.Publish(p))
	s.tell(s.notify.Status(p.Text))
}

// load puts the rules in force. When the kernel does not take them with the
// administrator's own among them and takes them without, they are in force
// without, which is told: a slip of the pen there does not shut the services.
func (s *Service) load(ctx context.Context, all, ours string) (inForce bool, err error) {
	err = s.cfg.Load(ctx, all)
	if err == nil {
		return true, nil
	}
	if s.cfg.Load(ctx, ours) != nil {
		return false, err
	}
	return true, fault.Mend(fault.Firewall, "the rules in "+firewall.LocalRules+" are left out: "+faultOf(err).Message,
		"mend them, then systemctl reload quorate-firewall")
}

func faultOf(err error) *fault.Error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	return fault.New(fault.Internal, err.Error())
}

// cardsOf finds the network card of each letter that is listened on. One that is
// not there has no port open; the service that can not listen there says so.
func cardsOf(ports []firewall.Port, stored []settings.Interface) map[string]string {
	cards := map[string]string{}
	for _, p := range ports {
		for _, l := range p.Listen {
			if card, err := netif.Card(l, stored, ""); len(l) == 1 && err == nil {
				cards[l] = card.Name
			}
		}
	}
	return cards
}

// state is what is published of rules with these ports, and what went wrong.
func state(ports []firewall.Port, inForce bool, err error) bus.FirewallProperties {
	if err != nil {
		f := faultOf(err)
		p := bus.FirewallProperties{State: "failed", Code: string(f.Code), Text: f.Message, Remedy: f.Remedy}
		if inForce {
			p.State = "in force"
		}
		return p
	}
	open := 0
	for _, p := range ports {
		if p.Open {
			open++
		}
	}
	return bus.FirewallProperties{State: "in force", Text: fmt.Sprintf("in force, %d ports are open", open)}
}

func (s *Service) keep(ports []firewall.Port) {
	list := make([]bus.OpenPort, 0, len(ports))
	for _, p := range ports {
		list = append(list, bus.OpenPort{Port: p.Number, Protocol: string(p.Protocol), Service: p.Service,
			Setting: p.Setting, Listen: slices.Clone(p.Listen), Open: p.Open})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ports = list
}

// Ports implements org.quorate.Firewall1.
func (s *Service) Ports(context.Context) ([]bus.OpenPort, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ports), nil
}

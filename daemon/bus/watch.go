package bus

import (
	"context"
	"fmt"

	"github.com/godbus/dbus/v5"
)

// watch returns a channel that ticks after every signal of the service, and
// when its name changes owner. It holds at most one tick: whoever reads one
// looks at the present state, so nothing can be missed. The channel closes when
// ctx ends or the bus has gone.
func (c client) watch(ctx context.Context) (<-chan struct{}, error) {
	signals := make(chan *dbus.Signal, 16)
	c.conn.raw.Signal(signals)
	rules := [][]dbus.MatchOption{
		{dbus.WithMatchSender(c.svc.name), dbus.WithMatchObjectPath(dbus.ObjectPath(c.svc.path))},
		{dbus.WithMatchSender(busName), dbus.WithMatchInterface(busName), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, c.svc.name)},
	}
	for _, rule := range rules {
		if err := c.conn.raw.AddMatchSignalContext(ctx, rule...); err != nil {
			c.conn.raw.RemoveSignal(signals)
			return nil, decodeError(ctx, c.svc, fmt.Errorf("watching %s: %w", c.svc.name, err))
		}
	}
	ticks := make(chan struct{}, 1)
	go func() {
		defer close(ticks)
		defer c.unwatch(signals, rules)
		c.pump(ctx, signals, ticks)
	}()
	return ticks, nil
}

func (c client) pump(ctx context.Context, signals <-chan *dbus.Signal, ticks chan<- struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case s, ok := <-signals:
			if !ok {
				return
			}
			if c.concerns(s) {
				select {
				case ticks <- struct{}{}:
				default: // one is waiting already
				}
			}
		}
	}
}

func (c client) concerns(s *dbus.Signal) bool {
	if s.Name == busName+".NameOwnerChanged" {
		return len(s.Body) > 0 && s.Body[0] == c.svc.name
	}
	return string(s.Path) == c.svc.path
}

func (c client) unwatch(signals chan *dbus.Signal, rules [][]dbus.MatchOption) {
	c.conn.raw.RemoveSignal(signals)
	for _, rule := range rules {
		// The bus forgets the rule by itself when the connection has gone.
		_ = c.conn.raw.RemoveMatchSignal(rule...)
	}
}

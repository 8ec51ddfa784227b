package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// port is one address that is to be listened on.
type port struct {
	addr   netip.AddrPort
	direct bool // direct TLS
}

func portsOf(c Config) []port {
	if !c.Open {
		return nil
	}
	var list []port
	for _, a := range c.Addrs {
		list = append(list,
			port{netip.AddrPortFrom(a, c.ClientPort), false},
			port{netip.AddrPortFrom(a, c.ComponentPort), true})
	}
	return list
}

type listener struct {
	net.Listener
	port
}

// A peer that is gone is noticed by keep-alive probes within two minutes (RFC
// 6120 §4.6.1), or, with bytes under way to it, within
// Limits.WriteTimeout: see hurry.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 60 * time.Second, Interval: 15 * time.Second, Count: 4}

// listen opens a port and accepts on it. e.mu is held.
func (e *Edge) listen(p port) error {
	cfg := net.ListenConfig{KeepAliveConfig: keepAlive}
	cfg.SetMultipathTCP(false)
	l, err := cfg.Listen(context.Background(), "tcp", p.addr.String())
	if err != nil {
		return fmt.Errorf("opening port %s: %w", p.addr, err)
	}
	lis := &listener{l, p}
	e.listeners[p] = lis
	e.log.Info("port open", "address", l.Addr().String(), "direct_tls", p.direct)
	e.wg.Go(func() { e.accept(lis) })
	return nil
}

// accept takes connections until the listener is closed.
func (e *Edge) accept(l *listener) {
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			e.adopt(c, l.direct)
		case errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, most likely: give it time
			if pause == 0 {
				e.log.Error("accepting connections", "address", l.Addr().String(), "reason", err)
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			time.Sleep(pause)
		}
	}
}

// Endpoint is a port that is open.
type Endpoint struct {
	Addr   netip.AddrPort
	Direct bool // direct TLS, else STARTTLS
}

// Listening returns the ports that are open, in no order.
func (e *Edge) Listening() []Endpoint {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]Endpoint, 0, len(e.listeners))
	for _, l := range e.listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			list = append(list, Endpoint{a.AddrPort(), l.direct})
		}
	}
	return list
}

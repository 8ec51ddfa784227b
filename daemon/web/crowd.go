package web

import (
	"net"
	"net/netip"
	"sync"
)

// How many connections there may be, in all and of one address. A browser uses
// one with HTTP/2, and at most six without.
const (
	maxConns        = 512
	maxConnsOfPlace = 48
)

// crowd counts connections by where they come from.
type crowd struct {
	mu    sync.Mutex
	all   int                // guarded by mu
	place map[netip.Addr]int // guarded by mu; only such as are not 0
}

func newCrowd() *crowd { return &crowd{place: map[netip.Addr]int{}} }

// enter counts a connection unless there are too many.
func (c *crowd) enter(at netip.Addr) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= maxConns || c.place[at] >= maxConnsOfPlace {
		return false
	}
	c.all++
	c.place[at]++
	return true
}

func (c *crowd) leave(at netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.place[at]--; c.place[at] == 0 {
		delete(c.place, at)
	}
}

// counted is a listener that closes a connection over the limits at once.
type counted struct {
	net.Listener
	crowd *crowd
}

func (l *counted) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		at := placeOf(c.RemoteAddr().String())
		if l.crowd.enter(at) {
			return &member{Conn: c, leave: sync.OnceFunc(func() { l.crowd.leave(at) })}, nil
		}
		_ = c.Close() // nothing is lost that was there
	}
}

type member struct {
	net.Conn
	leave func()
}

func (m *member) Close() error {
	m.leave()
	return m.Conn.Close()
}

// placeOf returns what an address counts as: an IPv6 host has a whole /64 to
// itself (RFC 6177 §2), so that is one.
func placeOf(remote string) netip.Addr {
	p, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a := p.Addr().Unmap().WithZone("")
	if a.Is6() {
		n, _ := a.Prefix(64) // 64 is in range
		return n.Addr()
	}
	return a
}

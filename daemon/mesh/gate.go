package mesh

import (
	"net"
	"sync"
	"time"
)

// What those may hold who have not proved to be members: the port is open to
// everyone who can reach it, and a handshake costs memory and a goroutine.
const (
	maxStrangers     = 256 // connections
	maxStrangersFrom = 64  // of one address
)

// gate counts the connections of strangers. A connection is one from accept
// until its hello proves a member, or until its one call is answered.
type gate struct {
	mu   sync.Mutex // guards what follows
	all  int
	from map[string]int
}

// enter takes a place; false when there is none.
func (g *gate) enter(host string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= maxStrangers || g.from[host] >= maxStrangersFrom {
		return false
	}
	if g.from == nil {
		g.from = make(map[string]int)
	}
	g.all++
	g.from[host]++
	return true
}

// leave gives it back.
func (g *gate) leave(host string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.from[host]--; g.from[host] == 0 {
		delete(g.from, host)
	}
}

// hostOf is the IP address of a connection's other end.
func hostOf(a net.Addr) string {
	host, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return a.String()
	}
	return host
}

// Complaints about one thing are repeated once in complainEvery: a refused peer
// dials every few seconds, for days.
const (
	complainEvery = time.Minute
	maxComplaints = 256
)

// complaints remembers what was journaled lately.
type complaints struct {
	mu   sync.Mutex // guards said
	said map[string]time.Time
}

// due reports whether something is to be said again, and notes that it was.
func (c *complaints) due(what string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.said[what]; ok && now.Sub(last) < complainEvery {
		return false
	}
	if c.said == nil || len(c.said) >= maxComplaints {
		c.said = make(map[string]time.Time)
	}
	c.said[what] = now
	return true
}

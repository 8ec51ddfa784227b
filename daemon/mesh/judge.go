package mesh

import (
	"crypto/tls"
	"maps"
	"net"
	"slices"

	"quorate.org/daemon/journal"
)

// Rejudge ends the connections of peers whose certificate is not accepted any
// more: the trust has changed. All others stay. A peer that has a newer
// certificate by now, which is accepted, is back with it at once.
func (m *Mesh) Rejudge() {
	m.mu.Lock()
	links, loans := slices.Collect(maps.Values(m.links)), slices.Collect(maps.Keys(m.loans))
	m.mu.Unlock()
	for _, l := range links {
		m.recheck(l)
	}
	for _, l := range loans {
		if m.judge(l.Conn) != nil {
			l.NetConn().Close() // who borrowed it finds it broken
		}
	}
}

// judge says why the certificate that a connection was made with is not accepted now.
func (m *Mesh) judge(c *tls.Conn) error {
	return inWords(m.cfg.Trust(c.ConnectionState().PeerCertificates))
}

// recheck ends a link that is not accepted now.
func (m *Mesh) recheck(l *link) {
	if err := m.judge(l.conn); err != nil {
		m.log.Warn("a peer is no longer trusted", journal.ID(journal.PeerRefused), "address", hostOf(l.conn.RemoteAddr()), "node_id", l.id, "error", err)
		l.close(err)
	}
}

// loan is a connection lent to consensus. The mesh remembers it until it is
// closed, so that it can be taken back.
type loan struct {
	*tls.Conn
	mesh *Mesh
}

// Close gives it back.
func (l *loan) Close() error {
	l.mesh.mu.Lock()
	delete(l.mesh.loans, l)
	l.mesh.mu.Unlock()
	return l.Conn.Close()
}

// borrowed makes a loan of a connection, unless the trust has changed behind
// its handshake.
func (m *Mesh) borrowed(c *tls.Conn) (net.Conn, error) {
	l := &loan{c, m}
	m.mu.Lock()
	m.loans[l] = true
	m.mu.Unlock()
	if err := m.judge(c); err != nil { // after it is noted: Rejudge has seen it, or this sees the new trust
		l.Close()
		return nil, err
	}
	return l, nil
}

package mesh

import "time"

// Heard returns how long ago the peer of a standing link was last heard; ok is
// false when there is no link. A healthy link is heard every Keepalive.
func (m *Mesh) Heard(id string) (ago time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.linked(id) {
		return 0, false
	}
	return m.uptime() - m.links[id].lastHeard(), true
}

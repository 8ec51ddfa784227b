package edge

import (
	"strings"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/stanza"
)

// Revoke ends the streams whose domain, account or call bridge is no more. It is to be
// called when one was removed; a stream that is bound meanwhile asks for itself.
func (e *Edge) Revoke() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		if kind := c.bound.Load(); kind != 0 {
			c.revoke(Kind(kind - 1))
		}
	}
}

// revoke ends a bound stream that may not sign in any more.
func (c *conn) revoke(kind Kind) {
	if j := c.session.JID(); kind == Client && c.edge.accounts.Domain() != "" && !c.edge.accounts.Serves(j.Domain()) {
		c.Shut(stanza.StreamHostGone, j.Domain()+" is served no longer") // RFC 6120 §4.9.3.5
		return
	}
	if !c.edge.knows(kind, c.session.JID()) {
		c.Shut(stanza.StreamNotAuthorized, "the "+kind.String()+" was removed")
	}
}

func (e *Edge) knows(kind Kind, j jid.JID) bool {
	domain := e.accounts.Domain()
	if domain == "" {
		return true // the accounts have not been read yet
	}
	var ok bool
	if kind == Component {
		_, ok = e.accounts.ComponentSecret(strings.TrimSuffix(j.Domain(), "."+domain))
	} else {
		_, ok = e.accounts.Credentials(j.Bare())
	}
	return ok
}

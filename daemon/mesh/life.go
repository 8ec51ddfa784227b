package mesh

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"quorate.org/daemon/fault"
)

// silence is how many times Keepalive a peer may say nothing.
const silence = 5

var (
	errReplaced  = errors.New("replaced by a new link")
	errNoMember  = errors.New("no longer a member")
	errSilent    = errors.New("the peer is silent")
	errDoesNot   = errors.New("the peer does not read")
	errPrecluded = errors.New("the mesh is closed")
)

// runLink owns a link from hello to loss.
func (m *Mesh) runLink(l *link) {
	if why := m.install(l); why != nil {
		l.close(why)
		return
	}
	m.recheck(l) // after it is installed: Rejudge has seen it, or this sees the new trust
	m.log.Info("link is up", "node_id", l.id)
	m.telling.Lock()
	m.cfg.Handler.LinkUp(l.id)
	m.telling.Unlock()
	var helpers sync.WaitGroup
	helpers.Go(l.write)
	helpers.Go(l.watch)
	l.close(l.read())
	helpers.Wait()
	m.remove(l)
	m.prove(l.id, l.why())
}

// install makes l the peer's link. The one before it is over first, so that the
// handler hears of its loss: what was on it may be lost.
func (m *Mesh) install(l *link) error {
	for {
		m.mu.Lock()
		old := m.links[l.id]
		switch _, member := m.membership().Peers[l.id]; {
		case m.closed:
			m.mu.Unlock()
			return errPrecluded
		case !member: // since its hello
			m.mu.Unlock()
			return errNoMember
		case old == nil:
			m.links[l.id] = l
			delete(m.down, l.id)
			m.mu.Unlock()
			return nil
		}
		m.mu.Unlock()
		old.close(errReplaced)
		<-old.over
	}
}

// remove tells the loss of l and makes room for the next link.
func (m *Mesh) remove(l *link) {
	m.log.Info("link is down", "node_id", l.id, "reason", l.why())
	m.telling.Lock()
	m.cfg.Handler.LinkDown(l.id, false)
	m.telling.Unlock()
	m.mu.Lock()
	delete(m.links, l.id)
	if _, member := m.membership().Peers[l.id]; member {
		m.down[l.id] = time.Now()
	}
	m.mu.Unlock()
	close(l.over)
}

// prove finds out whether the process behind a lost link is gone.
func (m *Mesh) prove(id string, why error) {
	p, ok := m.membership().Peers[id]
	if !ok || errors.Is(why, errReplaced) || m.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(m.ctx, 500*time.Millisecond)
	defer cancel()
	if !Refused(ctx, p.address()) {
		return
	}
	m.telling.Lock() // no new link is told of in between
	defer m.telling.Unlock()
	m.mu.Lock()
	_, member := m.membership().Peers[id]
	gone := member && m.links[id] == nil
	if gone {
		m.down[id] = time.Time{}
	}
	m.mu.Unlock()
	if gone {
		m.cfg.Handler.LinkDown(id, true)
	}
}

// checkClone refuses a second process with a linked peer's ID, as long as the
// first one still answers.
func (m *Mesh) checkClone(c Caller, h hello) error {
	m.mu.Lock()
	l := m.links[c.ID]
	m.mu.Unlock()
	if l == nil || l.inc == h.Incarnation {
		return nil
	}
	asked := m.uptime()
	for m.uptime()-asked < silence*m.cfg.Keepalive { // a live peer writes every Keepalive
		select {
		case <-l.done:
			return nil
		case <-m.ctx.Done():
			return net.ErrClosed
		case <-time.After(m.cfg.Keepalive):
		}
		if l.lastHeard() > asked {
			return cloned(c.ID)
		}
	}
	return nil
}

func cloned(id string) error {
	return fault.Mend(fault.Cloned, "the node ID "+id+" is in use by two machines", "on the copy: xmpp reset --force")
}

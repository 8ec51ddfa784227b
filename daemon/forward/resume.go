package forward

import (
	"context"
	"strings"

	"quorate.org/daemon/edge"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/router"
	"quorate.org/daemon/stanza"
)

func resumable(m edge.Management) router.Resumable {
	return router.Resumable{Token: m.Token, Patience: m.Patience.Milliseconds(), Bound: m.Queue}
}

// Manage begins stream management. The client's stanzas count from now on, those
// for it from the answer on, which stands in the outbox where that is.
func (s *session) Manage(m edge.Management) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if m.Token == "" {
		if n.edge.Count(s.sid, m.Queue) {
			s.out.Enqueue(m.Enabled)
		}
		return
	}
	n.edge.Manage(s.sid, resumable(m), func(ok bool) {
		s.managed = true
		s.out.Enqueue(m.Enabled)
	})
	n.settle()
}

// Acked takes what the client has.
func (s *session) Acked(h uint32) (sent uint32, ok bool) {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.ended || n.edge.Acked(s.sid, h) {
		n.settle()
		return 0, true
	}
	return n.edge.SentTo(s.sid), false
}

// Wants has the client told what is handled.
func (s *session) Wants() {
	n := s.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if !s.ended {
		n.edge.Wants(s.sid)
	}
}

// Detach says that the stream is lost.
func (s *session) Detach() {
	s.once.Do(func() {
		n := s.node
		n.mu.Lock()
		defer n.mu.Unlock()
		was := s.ended
		s.ended = true
		n.wakeAll()
		if !was {
			n.edge.Detach(s.sid)
		}
		n.forget(s)
		n.settle()
	})
}

// forget takes a session off the list when its stream was not the machine's last
// word of it: a resumable one goes on without, or with another. The caller holds
// the lock.
func (n *Node) forget(s *session) {
	if n.sessions[s.sid] == s && !n.edge.Uses(s.sid, sink{s}) {
		delete(n.sessions, s.sid)
	}
}

// Resume asks the leader for the session of a token, as long as a stanza would
// wait.
func (n *Node) Resume(ctx context.Context, account jid.JID, token string, h uint32, out edge.Sink) (edge.Session, uint32, error) {
	ctx, cancel := context.WithTimeout(ctx, n.wait)
	defer cancel()
	s := n.newSession(router.Client, account, out)
	outcome := make(chan router.Resumption, 1)
	n.mu.Lock()
	name := n.edge.Resume(token, s.bare, h, sink{s}, func(r router.Resumption) {
		if r.OK {
			s.resumed(r)
			n.sessions[s.sid] = s
		}
		outcome <- r
	})
	n.settle()
	n.mu.Unlock()
	select {
	case r := <-outcome:
		return s.outcome(r)
	case <-ctx.Done():
	}
	n.mu.Lock()
	n.edge.Abandon(name)
	n.mu.Unlock()
	select {
	case r := <-outcome: // at the last moment
		return s.outcome(r)
	default:
		return nil, 0, &edge.Unresumed{Condition: stanza.ResourceConstraint}
	}
}

// resumed takes over what the session was. The caller holds the lock.
func (s *session) resumed(r router.Resumption) {
	full := jid.MustParse(r.JID)
	s.sid, s.jid, s.addr, s.bare = r.SID, full, r.JID, full.Bare().String()
	s.sent, s.bound, s.managed = r.Last, true, true
}

func (s *session) outcome(r router.Resumption) (edge.Session, uint32, error) {
	switch {
	case r.OK:
		return s, r.H, nil
	case r.TooHigh:
		return nil, 0, edge.TooHigh(r.H, r.Sent)
	}
	return nil, 0, &edge.Unresumed{Condition: stanza.Condition(r.Reason), H: r.H, Known: r.Known}
}

func (n *Node) newSession(k router.Kind, address jid.JID, out edge.Sink) *session {
	return &session{node: n, kind: k, jid: address, addr: address.String(), bare: address.Bare().String(), out: out}
}

// known reports whether the account of a session is there still, as far as this
// node's copy of the store tells.
func (n *Node) known(address string) bool {
	if n.store == nil {
		return true
	}
	bare, _, _ := strings.Cut(address, "/")
	st := n.store.State()
	return st.Domain == "" || st.Account(bare)
}

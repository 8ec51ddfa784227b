package router

import "quorate.org/daemon/im"

// bind grants an address, after the barrier when another session has it. A
// newer stream replaces the older one: RFC 6120 §7.7.2.2 for clients, and a
// Call Bridge that comes back must not wait for its dead stream.
func (l *Leader) bind(now int64, p *peer, m Msg) {
	if l.phase != serving {
		return
	}
	if s := l.sessions[m.SID]; s != nil {
		if s.edge == p && !s.Closing {
			l.send(p, Msg{Type: MsgBound, SID: s.SID, Stamp: s.Stamp})
		}
		return
	}
	w := bindRequest{edge: p, msg: m}
	if o := l.full[m.JID]; o != nil {
		l.retire(o)
		o.waiters = append(o.waiters, w)
		if o.edge.synced {
			l.send(o.edge, Msg{Type: MsgClose, SID: o.SID, Reason: "conflict"})
		}
		return
	}
	if o := l.closingAt(m.JID); o != nil {
		o.waiters = append(o.waiters, w)
		return
	}
	l.grant(w)
}

func (l *Leader) grant(w bindRequest) {
	if l.full[w.msg.JID] != nil { // two waited; the first has it now and makes way in turn
		l.bind(0, w.edge, w.msg)
		return
	}
	if bare := bareString(w.msg.JID); w.msg.Kind == Client && len(l.bare[bare]) >= l.limits().Sessions {
		l.reach(im.LimitSessions)
		l.send(w.edge, Msg{Type: MsgBound, SID: w.msg.SID, Reason: string(ResourceConstraint)})
		return
	}
	l.counter++
	s := &session{edge: w.edge, Claim: Claim{
		SID: w.msg.SID, Kind: w.msg.Kind, JID: w.msg.JID, Stamp: Stamp{l.epoch.Term, l.counter},
		Carbons: w.msg.Carbons,
	}}
	l.add(s)
	if c := w.msg.Claim; c != nil && c.Token != "" && c.Record != nil {
		l.keepCopy(s, c)
	}
	l.send(w.edge, Msg{Type: MsgBound, SID: s.SID, Stamp: s.Stamp})
}

func (l *Leader) unbind(p *peer, sid SID) {
	s := l.sessions[sid]
	if s == nil {
		l.send(p, Msg{Type: MsgClose, SID: sid})
		return
	}
	if s.edge != p || s.Closing {
		return
	}
	l.retire(s)
	l.send(p, Msg{Type: MsgClose, SID: sid})
}

// closingAt returns a session that still has to give up the address.
func (l *Leader) closingAt(jid string) *session {
	if h := l.holds[string(bareOf([]byte(jid)))]; h == nil || h.closing == 0 {
		return nil
	}
	for _, s := range l.closings() {
		if s.JID == jid {
			return s
		}
	}
	return nil
}

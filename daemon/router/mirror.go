package router

// mirror is how a leader has another voter keep what its own node's resumable
// sessions hold (rule 11). What may be seen outside, a stanza on the way to such a
// session or one of it on the way to somebody, waits at the gate until the holder
// has confirmed it.
type mirror struct {
	holder    *peer
	sent      uint64 // changes, numbered from 1 in each epoch
	last      uint64 // the last that anything waits for
	confirmed uint64
	gate      []gated
	voided    bool // the others were told that they need not keep anything
}

// gated is a message to the leader's own edge, or a frame of a session of it.
type gated struct {
	behind uint64
	m      Msg
	f      *Frame
}

// elect chooses the holder at GO, and gives it all there is.
func (l *Leader) elect() {
	l.mirror = mirror{}
	for _, p := range l.ordered() {
		if p.voter && p.synced && p.node != l.self {
			l.mirror.holder = p
			break
		}
	}
	if l.mirror.holder == nil {
		return
	}
	own := l.peers[l.self]
	h := &Held{Node: l.self, Inc: own.inc}
	for _, s := range l.sessionsOf(own) {
		if s.Record != nil && !s.Closing {
			h.Claims = append(h.Claims, s.copied())
		}
	}
	l.tellHolder(Mirror{Kind: MirrorReset, Held: h})
}

// mirrored reports whether a session has its second copy at the holder.
func (l *Leader) mirrored(s *session) bool {
	return s.Record != nil && s.edge.node == l.self && l.mirror.holder != nil
}

// reflect has the holder follow what happens to a session, if it keeps it.
func (l *Leader) reflect(s *session, x Mirror) {
	if l.mirrored(s) {
		x.SID = s.SID
		l.tellHolder(x)
	}
}

func (l *Leader) tellHolder(x Mirror) {
	l.mirror.sent++
	if x.Kind.waited() {
		l.mirror.last = l.mirror.sent
	}
	l.send(l.mirror.holder, Msg{Type: MsgMirror, N: l.mirror.sent, Mirror: &x})
}

// gates reports whether a message has to wait for the holder: it is for a
// resumable session of the leader's own edge.
func (l *Leader) gates(p *peer, m Msg) bool {
	if p.node != l.self || l.mirror.last <= l.mirror.confirmed {
		return false
	}
	sid := m.SID
	switch m.Type {
	case MsgAdopt:
		sid = m.Claim.SID
	case MsgResumed:
		sid = m.For
	case MsgDeliver, MsgBound, MsgClose, MsgManaged, MsgHalt, MsgYield, MsgDrop, MsgSettle:
	default:
		return false
	}
	s := l.sessions[sid]
	return s != nil && s.Record != nil
}

// confirm opens the gate for what the holder has.
func (l *Leader) confirm(now int64, p *peer, n uint64) {
	if p != l.mirror.holder {
		return
	}
	l.mirror.confirmed = n
	for len(l.mirror.gate) > 0 && l.mirror.gate[0].behind <= n {
		g := l.mirror.gate[0]
		l.mirror.gate = l.mirror.gate[1:]
		if g.f != nil {
			l.admit(now, g.f)
		} else {
			l.out.Send(l.self, g.m)
		}
	}
	if !l.mirror.voided {
		l.mirror.voided = true
		for _, o := range l.ordered() {
			if o.synced && o != p {
				l.send(o, Msg{Type: MsgMirror, Mirror: &Mirror{Kind: MirrorVoid}})
			}
		}
	}
}

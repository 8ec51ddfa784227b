package router

import (
	"bytes"
	"slices"
	"sort"
)

// subReply marks the server's own answer to a frame among its derived parts.
const subReply = 1

// accept takes a frame from its source (rule 6: in the order of its link).
func (l *Leader) accept(now int64, f *Frame) {
	if l.phase != serving {
		return
	}
	if f.Requeue != (SID{}) {
		if s := l.sessions[f.Requeue]; s != nil && s.Closing {
			h := l.holdOf(holdKey(s))
			h.front = append(h.front, returned{s.Stamp, f})
			return
		}
	}
	l.busy = now
	if len(l.inbox) > 0 || !l.Fresh(now) {
		l.inbox = append(l.inbox, f)
		l.ping(now)
		return
	}
	l.dispatch(now, f)
}

// catchUp goes on with what waited for a majority's answer.
func (l *Leader) catchUp(now int64) {
	l.release(now)
	if len(l.inbox) == 0 || l.phase != serving || !l.Fresh(now) {
		return
	}
	in := l.inbox
	l.inbox = nil
	for _, f := range in {
		l.dispatch(now, f)
	}
}

// dispatch routes a frame unless its recipient's traffic is held.
func (l *Leader) dispatch(now int64, f *Frame) {
	if len(l.holds) > 0 && len(f.To) > 0 {
		if h := l.holds[string(l.keyOf(f.To))]; h != nil {
			h.frames = append(h.frames, f)
			return
		}
	}
	l.route(now, f)
}

// keyOf is the hold key of a recipient: a component answers for its whole domain.
func (l *Leader) keyOf(to []byte) []byte {
	if d := domainOf(to); string(d) != l.rules.Domain() {
		return d
	}
	return bareOf(to)
}

// release lets held traffic go where nothing holds it any more. It is a
// dispatch like any other: not without a majority (rule 15).
func (l *Leader) release(now int64) {
	if len(l.holds) == 0 || l.phase != serving || !l.Fresh(now) {
		return
	}
	unsure := l.unsure()
	var keys []string
	for k, h := range l.holds {
		if h.closing == 0 && (now >= h.until || unsure == 0) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	for _, k := range keys {
		h := l.holds[k]
		delete(l.holds, k)
		for _, f := range h.all() {
			l.dispatch(now, f)
		}
	}
}

// wait holds a frame while its recipient may turn up at an absent edge.
func (l *Leader) wait(f *Frame, until int64) {
	h := l.holdOf(string(l.keyOf(f.To)))
	h.until = max(h.until, until)
	h.frames = append(h.frames, f)
}

// route applies the delivery rules of RFC 6120 §10 and RFC 6121 §8.
func (l *Leader) route(now int64, f *Frame) {
	if len(l.reported) > 0 && !fansOut(f) {
		if _, ok := l.reported[f.ID]; ok {
			l.resolve(f.ID) // some edge has it, or its answer
			return
		}
	}
	switch d := domainOf(f.To); {
	case len(f.To) == 0:
		l.forServer(f)
	case string(d) != l.rules.Domain():
		l.forDomain(now, f, d)
	case bytes.IndexByte(bareOf(f.To), '@') < 0:
		l.forServer(f)
	case len(bareOf(f.To)) == len(f.To):
		l.forBare(now, f)
	default:
		l.forFull(now, f)
	}
}

// fansOut reports whether every available resource gets the stanza.
func fansOut(f *Frame) bool {
	if bytes.IndexByte(f.To, '/') >= 0 {
		return false
	}
	return f.Class == MessageHeadline || f.Class.IsPresence()
}

// forServer: no recipient, or the server itself (RFC 6120 §10.3, §10.5.1, §10.5.2).
func (l *Leader) forServer(f *Frame) {
	if f.Class == PresenceAvailable || f.Class == PresenceUnavailable {
		if s := l.sessions[f.Lane]; s != nil && len(f.To) == 0 {
			s.Available, s.Priority = f.Class == PresenceAvailable, f.Present
		}
	}
	l.answer(f)
}

// answer replies on the server's or a user's behalf (RFC 6121 §8.5.2.1.3).
func (l *Leader) answer(f *Frame) {
	if f.Class == IQGet || f.Class == IQSet {
		if raw := l.rules.Answer(f); raw != nil {
			l.reply(f, raw, nil)
			return
		}
	}
	l.refuse(f, ServiceUnavailable)
}

// forDomain: a Call Bridge's domain, or one that is not served here.
func (l *Leader) forDomain(now int64, f *Frame, domain []byte) {
	if s := l.full[string(domain)]; s != nil {
		l.deliver(f, s)
		return
	}
	if !l.rules.Component(domain) {
		l.refuse(f, RemoteServerNotFound) // no federation: RFC 6120 §10.4
		return
	}
	l.miss(now, f, RecipientUnavailable)
}

// forFull: RFC 6121 §8.5.3.
func (l *Leader) forFull(now int64, f *Frame) {
	if s := l.full[string(f.To)]; s != nil {
		l.deliver(f, s)
		return
	}
	if f.Class == MessageChat && f.Requeue == (SID{}) { // §8.5.3.2.1: as if to the bare JID
		if s := mostAvailable(l.bare[string(bareOf(f.To))]); s != nil {
			l.deliver(f, s)
			return
		}
	}
	l.miss(now, f, ServiceUnavailable)
}

// forBare: RFC 6121 §8.5.2.
func (l *Leader) forBare(now int64, f *Frame) {
	list := l.bare[string(f.To)]
	switch f.Class {
	case MessageNormal, MessageChat:
		if s := mostAvailable(list); s != nil {
			l.deliver(f, s)
			return
		}
		l.miss(now, f, ServiceUnavailable)
	case MessageHeadline:
		l.fan(now, f, list, func(s *session) bool { return s.Available && s.Priority >= 0 })
	case PresenceAvailable, PresenceUnavailable, PresenceSubscription:
		l.fan(now, f, list, func(s *session) bool { return s.Available })
	default:
		l.answer(f)
	}
}

// miss answers for a recipient that is not there, or waits while it may still
// turn up (rule 12: no negative answer while an edge is absent).
func (l *Leader) miss(now int64, f *Frame, c Condition) {
	if until := l.unsure(); until > now {
		l.wait(f, until)
		return
	}
	l.refuse(f, c)
}

// deliver sends a frame to one session; its answer resolves it.
func (l *Leader) deliver(f *Frame, s *session) {
	if !s.edge.synced {
		l.wait(f, s.edge.absent)
		return
	}
	l.pending[f.ID] = &pending{f: f, left: 1}
	l.send(s.edge, Msg{Type: MsgDeliver, Frame: f, SID: s.SID})
}

// fan sends a frame to every session that wants it, each part once. It waits
// while one of them, or anyone at all, may turn up at an absent edge: nobody
// could be told that a part was lost.
func (l *Leader) fan(now int64, f *Frame, list []*session, want func(*session) bool) {
	subs := l.reported[f.ID]
	var to []*session
	for _, s := range list {
		if !want(s) || slices.Contains(subs, subOf(s.SID)) {
			continue
		}
		if !s.edge.synced {
			l.wait(f, s.edge.absent)
			return
		}
		to = append(to, s)
	}
	if len(to) == 0 {
		if until := l.unsure(); until > now && len(subs) == 0 {
			l.wait(f, until)
			return
		}
		l.resolve(f.ID)
		return
	}
	l.pending[f.ID] = &pending{f: f, left: len(to)}
	for _, s := range to {
		l.send(s.edge, Msg{Type: MsgDeliver, Frame: f, SID: s.SID, Sub: subOf(s.SID)})
	}
}

// subOf names the part of a fanned-out stanza that is for one session (FNV-1a).
func subOf(s SID) uint64 {
	h := uint64(14695981039346656037)
	step := func(b byte) { h = (h ^ uint64(b)) * 1099511628211 }
	for _, b := range s.Inc {
		step(b)
	}
	for n := s.N; n > 0; n >>= 8 {
		step(byte(n))
	}
	if h <= subReply {
		return subReply + 1
	}
	return h
}

// refuse answers with a stanza error, or drops what must not be answered
// (RFC 6120 §8.3.1, RFC 6121 §8.5).
func (l *Leader) refuse(f *Frame, c Condition) {
	silent := f.Class == MessageHeadline && !bytes.Contains(f.To, []byte{'/'}) // §8.5.2.2.1
	if !f.Class.Answerable() || silent {
		l.resolve(f.ID)
		return
	}
	raw, to := l.rules.Error(f, c)
	l.reply(f, raw, to)
}

// reply delivers a server-made answer to whoever sent f.
func (l *Leader) reply(f *Frame, raw, to []byte) {
	s := l.sessions[f.Lane]
	if s == nil {
		if s = l.full[string(to)]; s == nil {
			s = l.full[string(domainOf(to))]
		}
	}
	if s == nil || !s.edge.synced || raw == nil {
		l.resolve(f.ID)
		return
	}
	p := l.pending[f.ID]
	if p == nil {
		p = &pending{f: f}
		l.pending[f.ID] = p
	}
	p.left++
	r := &Frame{ID: f.ID, Low: f.Low, Time: f.Time, Raw: raw}
	l.send(s.edge, Msg{Type: MsgDeliver, Frame: r, SID: s.SID, Sub: subReply})
}

// answered counts one part of a frame as done (rules 7 and 8).
func (l *Leader) answered(m Msg) {
	p := l.pending[m.ID]
	if p == nil {
		return
	}
	p.left--
	switch {
	case m.Verdict == Accepted || m.Sub != 0:
	case m.Verdict == Full:
		l.refuse(p.f, ResourceConstraint)
		if l.pending[m.ID] != p || p.left > 0 {
			return
		}
	default: // gone without notice: the owner is right
		if s := l.sessions[m.SID]; s != nil && !s.Closing {
			l.free(s)
		}
		l.refuse(p.f, ServiceUnavailable)
		if l.pending[m.ID] != p || p.left > 0 {
			return
		}
	}
	if p.left == 0 && l.pending[m.ID] == p {
		l.resolve(m.ID)
	}
}

func (l *Leader) resolve(id FrameID) {
	delete(l.pending, id)
	if p := l.incs[id.Inc]; p != nil && p.synced {
		l.send(p, Msg{Type: MsgResolve, ID: id})
	}
}

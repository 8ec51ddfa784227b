package router

import (
	"bytes"
	"slices"
	"sort"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// What names a part of a frame beside a hash.
const (
	subReply = 1       // the server's own answer
	mainBit  = 1 << 63 // set in the message itself where others get copies of it
)

// accept takes a frame from its source (rule 6: in the order of its link).
func (l *Leader) accept(now int64, f *Frame) {
	if l.phase != serving {
		return
	}
	if p := l.incs[f.ID.Inc]; p != nil && p.inc == f.ID.Inc {
		p.newest = max(p.newest, f.ID.Seq)
	}
	if f.Requeue != (SID{}) {
		if s := l.sessions[f.Requeue]; s != nil && s.Closing {
			h := l.holdOf(holdKey(s))
			h.front = append(h.front, returned{s.Stamp, f})
			return
		}
	}
	if s := l.sessions[f.Lane]; s != nil && s.Record != nil {
		if !l.track(s, f) {
			l.resolve(f.ID)
			return
		}
		if l.mirrored(s) { // nobody gets it before the holder has it
			l.mirror.gate = append(l.mirror.gate, gated{behind: l.mirror.last, f: f})
			return
		}
	}
	l.admit(now, f)
}

// admit routes a frame, or has it wait for a majority (rule 15).
func (l *Leader) admit(now int64, f *Frame) {
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

// dispatch routes a frame unless its lane waits or its recipient's traffic is
// held.
func (l *Leader) dispatch(now int64, f *Frame) {
	if len(l.lanes) > 0 {
		if ln := l.lanes[laneOf(f)]; ln != nil {
			ln.add(f)
			l.ahead(ln, f)
			return
		}
	}
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
	if d := domainOf(to); !l.rules.Serves(d) {
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
		if h.closing == 0 && len(h.storing) == 0 && (now >= h.until || unsure == 0) {
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
	if len(l.asked) > 0 {
		if _, on := l.asked[f.ID]; on { // asked for before this epoch: its fate decides
			l.block(f, theStore)
			l.lanes[laneOf(f)].filing = f.Class.IsMessage() && f.Requeue == (SID{})
			return
		}
	}
	if len(l.reported) > 0 && l.settled(f) {
		l.resolve(f.ID)
		return
	}
	if l.barred(f) {
		return
	}
	if l.doubt[f.ID] && l.patient(now, f) {
		return
	}
	f, ok := l.filed(f)
	if !ok {
		return
	}
	f = l.pictured(f)
	if f.Mark&MarkLeave != 0 && l.subscribed(f) {
		l.resolve(f.ID)
		return
	}
	switch d := domainOf(f.To); {
	case len(f.To) == 0:
		l.forServer(now, f)
	case !l.rules.Serves(d):
		l.forDomain(now, f, d)
	case bytes.IndexByte(bareOf(f.To), '@') < 0:
		l.forServer(now, f)
	case f.Class.IsMessage():
		l.message(now, f)
	case f.Class == PresenceSubscription: // to the user, whatever resource it names (RFC 6121 §3.1.3)
		l.subscribe(now, f)
	case f.Class == PresenceProbe:
		l.probe(now, f)
	case len(bareOf(f.To)) == len(f.To):
		l.forBare(now, f)
	default:
		l.forFull(now, f)
	}
}

// settled reports whether some edge has a frame, or its answer, and there is
// nothing else to it.
func (l *Leader) settled(f *Frame) bool {
	subs, ok := l.reported[f.ID]
	if ok && f.Class.IsMessage() && f.Class != MessageHeadline {
		return slices.Contains(subs, 0) || slices.Contains(subs, subReply)
	}
	return ok && !derives(f)
}

// derives reports whether a stanza may have several parts, each accepted by
// itself.
func derives(f *Frame) bool {
	switch f.Class {
	case PresenceSubscription, PresenceProbe:
		return true
	case PresenceAvailable, PresenceUnavailable, MessageHeadline:
		return bytes.IndexByte(f.To, '/') < 0
	}
	return f.Mark&(MarkRoster|MarkService) != 0
}

// forServer: no recipient, or the server itself (RFC 6120 §10.3, §10.5.1, §10.5.2).
func (l *Leader) forServer(now int64, f *Frame) {
	switch {
	case len(f.To) > 0 && f.Class == IQError:
		l.unregister(f)
	case len(f.To) > 0:
		l.answer(f)
	case f.Class == PresenceAvailable || f.Class == PresenceUnavailable:
		l.broadcast(now, f)
	case f.Mark&MarkRoster != 0 && f.Class.isRequest():
		l.roster(now, f)
	case f.Mark&MarkService != 0 && f.Class.isRequest():
		l.service(now, f)
	default:
		l.answer(f)
	}
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
	if f.Class == PresenceSubscription && l.rules.Component(domain) && l.ofClient(f) {
		l.subscribe(now, f)
		return
	}
	if s := l.full[string(domain)]; s != nil {
		l.deliver(f, s)
		return
	}
	if !l.rules.Component(domain) {
		if f.Class == PresenceSubscription && im.Attr(f.Raw, "type") == im.Subscribe.String() { // RFC 6121 §3.1.2
			l.reject(f, RemoteServerNotFound)
			return
		}
		l.refuse(f, RemoteServerNotFound) // no federation: RFC 6120 §10.4
		return
	}
	l.miss(now, f, RecipientUnavailable)
}

// ofClient reports whether a frame comes from a local user, not a component.
func (l *Leader) ofClient(f *Frame) bool {
	return l.local(im.Sender(f.Raw).String())
}

// forFull: RFC 6121 §8.5.3, of presence and IQ.
func (l *Leader) forFull(now int64, f *Frame) {
	s := l.full[string(f.To)]
	strange := f.Class.isRequest() && l.stranger(f)
	switch {
	case s != nil && strange:
		l.deliverShy(f, s)
	case s != nil:
		l.deliver(f, s)
	case strange:
		l.miss(now, f, hidden(f))
	default:
		l.miss(now, f, ServiceUnavailable)
	}
}

// stranger reports whether the recipient of a request does not share presence with
// its sender by a subscription (RFC 6121 §8.5.3.1). A Call Bridge is none: it is of
// the house, and asks clients that have never heard of it.
func (l *Leader) stranger(f *Frame) bool {
	from, owner := im.Sender(f.Raw).Bare(), string(bareOf(f.To))
	if from.String() == owner || !l.rules.Serves([]byte(from.Domain())) {
		return false
	}
	return l.state().User(owner).Contact(from.String()).State&im.From == 0
}

// hidden is what a stranger is told: the same whether the resource is there or not.
func hidden(f *Frame) Condition {
	if f.Mark&MarkService != 0 && im.Namespace(f.Raw) == im.NSLast { // XEP-0012 §4
		return Condition(stanza.Forbidden)
	}
	return ServiceUnavailable
}

// forBare: RFC 6121 §8.5.2, of presence and IQ.
func (l *Leader) forBare(now int64, f *Frame) {
	switch {
	case f.Class == PresenceAvailable || f.Class == PresenceUnavailable:
		l.fan(now, f, l.bare[string(f.To)], available)
	case f.Mark&MarkRoster != 0 && f.Class.isRequest():
		l.roster(now, f)
	case f.Mark&MarkService != 0 && f.Class.isRequest():
		l.service(now, f)
	case f.Mark&MarkService != 0 && f.Class == IQResult:
		l.learn(now, f)
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
	l.pend(f, 1)
	l.hand(s, Msg{Frame: f})
}

// deliverShy is deliver for a stranger's request: whether the resource sent presence
// to the sender, which serves as well, its edge knows.
func (l *Leader) deliverShy(f *Frame, s *session) {
	if !s.edge.synced {
		l.wait(f, s.edge.absent)
		return
	}
	shy := *f
	shy.Mark |= MarkShy
	l.pend(&shy, 1)
	l.hand(s, Msg{Frame: &shy})
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
	l.pend(f, len(to))
	shared := *f
	shared.Raw, shared.Copied = bytes.Clone(f.Raw), true
	for _, s := range to {
		l.hand(s, Msg{Frame: &shared, Sub: subOf(s.SID)})
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
	return subFrom(h)
}

// refuse answers with a stanza error, or drops what must not be answered
// (RFC 6120 §8.3.1, RFC 6121 §8.5).
func (l *Leader) refuse(f *Frame, c Condition) {
	silent := f.Class == MessageHeadline && !bytes.Contains(f.To, []byte{'/'}) // §8.5.2.2.1
	if !f.Class.Answerable() || silent {
		l.resolve(f.ID)
		return
	}
	l.reject(f, c)
}

// reject answers with a stanza error.
func (l *Leader) reject(f *Frame, c Condition) {
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
	if s == nil || !s.edge.synced || raw == nil || slices.Contains(l.reported[f.ID], subReply) {
		l.resolve(f.ID)
		return
	}
	p := l.pending[f.ID]
	if p == nil {
		p = l.pend(f, 0)
	}
	p.left++
	r := &Frame{ID: f.ID, Low: f.Low, Time: f.Time, Raw: raw}
	if f.Class == PresenceAvailable && f.Mark&MarkTurn != 0 { // its edge took it for shown: Record.see
		r.Class = PresenceError
	}
	l.hand(s, Msg{Frame: r, Sub: subReply})
}

// answered counts one part of a frame as done (rules 7 and 8).
func (l *Leader) answered(m Msg) {
	if m.ID.Inc == StoreInc {
		l.stored(m)
		return
	}
	p := l.pending[m.ID]
	if p == nil {
		return
	}
	p.left--
	l.cameBack(p, m)
	if s := l.sessions[m.SID]; s != nil && s.Record != nil && m.Verdict != Accepted {
		s.refused(m.ID, m.Sub)
	}
	switch {
	case m.Sub == 0 && p.f.isAsked():
		if s := l.sessions[m.SID]; s != nil && m.Verdict == Gone && !s.Closing {
			l.free(s)
		}
		l.probedStranger(p.f, m.Verdict == Accepted)
		return
	case m.Verdict == Accepted || m.Sub != 0 && m.Sub&mainBit == 0:
	case m.Verdict == Hidden:
		l.refuse(p.f, hidden(p.f))
		if l.pending[m.ID] != p || p.left > 0 {
			return
		}
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
	if p.left == 0 && len(p.rest) == 0 && l.pending[m.ID] == p {
		l.resolve(m.ID)
	}
}

func (l *Leader) resolve(id FrameID) {
	l.unpend(id)
	l.settle(id)
	if p := l.incs[id.Inc]; p != nil && p.synced {
		l.send(p, Msg{Type: MsgResolve, ID: id})
	}
}

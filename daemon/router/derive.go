package router

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"quorate.org/daemon/im"
)

// part is one stanza derived from a frame, for one session.
type part struct {
	to    *session
	sub   uint64
	class Class
	lane  SID // with presence: the session that it tells of
	raw   []byte
	make  func() []byte // of a paced part, instead of raw: what it is now, nil when it is no more
	spare bool          // left out where there is no room
	size  int           // of a paced part, when it was last made and had to wait
}

// What a part is, for its hash (cluster-protocol: sub = hash64(kind, sid)).
const (
	kindShow    = iota + 1 // presence of one session for another
	kindHide               // its end
	kindPush               // a roster push
	kindStanza             // a subscription stanza
	kindReply              // one said on behalf of a contact
	kindRequest            // one that waited
	kindProbe
	kindCarbon // a copy of a message (XEP-0280)
	kindEvent  // what somebody published (XEP-0163)
	kindResult // an entry of an archive (XEP-0313)
	kindCaps   // the question what a client wants to hear of (XEP-0115)
	kindNotice // for an app server (XEP-0357)
)

// partOf names a part: what it is, for which session, and about what.
func partOf(kind int, to SID, about SID, n int, text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte{byte(kind), byte(n)})
	for _, s := range []SID{to, about} {
		h.Write(s.Inc[:])
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], s.N)
		h.Write(b[:])
	}
	h.Write([]byte(text))
	return subFrom(h.Sum64())
}

// subFrom makes the name of a part from a hash.
func subFrom(h uint64) uint64 { return max(h&^mainBit, subReply+1) }

// emit sends the parts of a frame, the reply to its sender first, and skips what
// the edges reported accepted (rule 3).
func (l *Leader) emit(f *Frame, reply []byte, parts []part) {
	p := l.pend(f, 0)
	subs := l.reported[f.ID]
	if s := l.sessions[f.Lane]; s != nil && reply != nil {
		parts = append([]part{{to: s, sub: subReply, class: IQResult, raw: reply}}, parts...)
	}
	c := &scale{l: l}
	for _, q := range parts {
		if !q.to.edge.synced || slices.Contains(subs, q.sub) {
			continue
		}
		switch {
		case q.make != nil:
			p.rest = append(p.rest, q)
		case !q.spare:
			l.handPart(p, q, 0)
		case q.to.Record == nil:
			l.handPart(p, q, MarkSpare)
		case c.room(q.to, len(q.raw), spareShare):
			l.handPart(p, q, 0)
		}
	}
	l.succeed(p)
	l.pace(c, 0, p)
	switch {
	case len(p.rest)+len(p.away) > 0:
		l.paced[paceKeyOf(f)] = p
	case p.left == 0:
		l.resolve(f.ID)
	}
}

// patient has a frame wait whose parts concern sessions that an absent edge may
// still have: nobody could be told that a part was lost.
func (l *Leader) patient(now int64, f *Frame) (waits bool) {
	until := l.unsure()
	if until <= now {
		return false
	}
	l.block(f, until)
	return true
}

// resources lists whom a stanza for a roster contact goes to: the sessions of a
// local user that pass, or the component that answers for the address.
func (l *Leader) resources(contact string, pass func(*session) bool) []*session {
	if d := domainOf([]byte(contact)); !l.rules.Serves(d) {
		if s := l.full[string(d)]; s != nil {
			return []*session{s}
		}
		return nil
	}
	var list []*session
	for _, s := range l.bare[string(bareOf([]byte(contact)))] {
		if pass(s) {
			list = append(list, s)
		}
	}
	return list
}

func available(s *session) bool  { return s.Available }
func interested(s *session) bool { return s.Interested }

// showing is the presence of every available resource of one address, for each
// of another's.
func (l *Leader) showing(of, to string, n int) (parts []part) {
	for _, s := range l.bare[of] {
		if !s.Available || len(s.Presence) == 0 {
			continue
		}
		raw := im.AppendTo(nil, l.shown(s.Presence, of), to)
		for _, t := range l.audience(s.JID, to, available) {
			parts = append(parts, part{to: t, sub: partOf(kindShow, t.SID, s.SID, n, ""), class: PresenceAvailable, lane: s.SID, raw: raw})
		}
	}
	return parts
}

// hiding is the end of that.
func (l *Leader) hiding(of, to string, n int) (parts []part) {
	for _, s := range l.bare[of] {
		if !s.Available {
			continue
		}
		raw := im.AppendPresence(nil, "unavailable", s.JID, to, "")
		for _, t := range l.audience(s.JID, to, available) {
			parts = append(parts, part{to: t, sub: partOf(kindHide, t.SID, s.SID, n, ""), class: PresenceUnavailable, lane: s.SID, raw: raw})
		}
	}
	return parts
}

// pushing is the push of a contact's item to the interested resources of an
// account (RFC 6121 §2.1.6).
func (l *Leader) pushing(f *Frame, owner, contact string, n int) (parts []part) {
	st := l.state()
	push := im.PushOf(st.User(owner), contact, st.Lineage())
	for _, t := range l.resources(owner, interested) {
		parts = append(parts, pushTo(f, t, push, n))
	}
	return parts
}

func pushTo(f *Frame, t *session, push im.Push, n int) part {
	sub := partOf(kindPush, t.SID, SID{}, n, push.Contact)
	return part{to: t, sub: sub, class: IQSet, raw: im.AppendPush(nil, push, t.JID, generatedID(f.ID, sub))}
}

// generatedID is the id of a stanza that the server makes: a hash of its name
// (rule 9), so that a new leader makes the same one.
func generatedID(id FrameID, sub uint64) string {
	h := fnv.New64a()
	h.Write(id.Inc[:])
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], id.Seq)
	binary.LittleEndian.PutUint64(b[8:], sub)
	h.Write(b[:])
	const digits = "0123456789abcdef"
	text := []byte("q")
	for sum := h.Sum64(); sum > 0; sum >>= 4 {
		text = append(text, digits[sum&15])
	}
	return string(text)
}

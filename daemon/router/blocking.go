package router

import (
	"bytes"
	"slices"
	"strings"

	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// blocking answers a request about the block list (XEP-0191 §3).
func (l *Leader) blocking(now int64, f *Frame, owner string, own bool) {
	if !own {
		l.refuse(f, Condition(stanza.Forbidden))
		return
	}
	q, refused := l.limits().ReadBlocking(f.Raw)
	switch {
	case refused != "":
		if refused == stanza.ResourceConstraint {
			l.reach(im.LimitBlocked)
		}
		l.refuse(f, Condition(refused))
	case q.Get:
		if s := l.own(f); s != nil {
			s.Blocklist = true
		}
		l.fulfil(f, owner, im.AppendBlocking(nil, q, l.blockedBy(owner)), nil)
	default:
		l.setBlocked(now, f, q, owner)
	}
}

func (l *Leader) blockedBy(owner string) []string {
	if u := l.state().User(owner); u != nil {
		return u.Blocked
	}
	return nil
}

// setBlocked changes the list, and shows or hides what changed with it.
func (l *Leader) setBlocked(now int64, f *Frame, q im.Blocking, owner string) {
	if l.patient(now, f) {
		return
	}
	c := replica.Block(f.effect(), owner, q.Items)
	if q.Unblock {
		c = replica.Unblock(f.effect(), owner, q.Items)
	}
	out, ok := l.enter(f, c)
	if !ok {
		return
	}
	var parts []part
	if q.Unblock {
		parts = l.unblocked(owner, out.Addresses)
	} else {
		parts = l.blocked(owner, out.Addresses)
	}
	l.fulfil(f, owner, nil, append(l.blockPushes(f, q, owner), parts...))
}

// blockPushes tells the resources that asked for the list (§3.3, §3.4).
func (l *Leader) blockPushes(f *Frame, q im.Blocking, owner string) (parts []part) {
	change := im.AppendBlocking(nil, q, q.Items)
	for _, t := range l.bare[owner] {
		if t.Blocklist {
			sub := partOf(kindPush, t.SID, SID{}, 0, "block")
			parts = append(parts, part{to: t, sub: sub, class: IQSet, raw: im.AppendSet(nil, change, t.JID, generatedID(f.ID, sub))})
		}
	}
	return parts
}

// blocked is the end of an account's presence for the subscribers whom it blocks
// from now on (§3.3).
func (l *Leader) blocked(owner string, added []string) (parts []part) {
	before := l.withoutBlocks(owner, added)
	for _, contact := range l.state().User(owner).Contacts(im.From) {
		for _, t := range l.resources(contact, available) {
			if to := addressOf(t, contact); !im.Matches(added, to) || im.Matches(before, to) {
				continue
			}
			for _, s := range l.bare[owner] {
				if s.Available && !l.state().User(contact).Blocks(s.JID) {
					parts = append(parts, part{to: t, sub: partOf(kindHide, t.SID, s.SID, 0, contact), class: PresenceUnavailable, lane: s.SID,
						raw: im.AppendPresence(nil, "unavailable", s.JID, contact, "")})
				}
			}
		}
	}
	return parts
}

// withoutBlocks is the block list as it was before addresses were added.
func (l *Leader) withoutBlocks(owner string, added []string) (list []string) {
	for _, each := range l.blockedBy(owner) {
		if !slices.Contains(added, each) {
			list = append(list, each)
		}
	}
	return list
}

// unblocked is the presence of an account for the subscribers whom it blocks no
// longer (§3.4), and theirs for it: what they said meanwhile was not delivered.
func (l *Leader) unblocked(owner string, removed []string) (parts []part) {
	u := l.state().User(owner)
	for _, contact := range u.Contacts(im.From) {
		for _, q := range l.showing(owner, contact, 0) {
			if im.Matches(removed, addressOf(q.to, contact)) {
				q.sub = partOf(kindShow, q.to.SID, q.lane, 0, contact)
				parts = append(parts, q)
			}
		}
	}
	for _, contact := range u.Contacts(im.To) {
		if !im.Matches(removed, contact) || !l.local(contact) {
			continue
		}
		list := l.showing(contact, owner, 0)
		if len(list) == 0 {
			for _, t := range l.resources(owner, available) {
				list = append(list, part{to: t, sub: partOf(kindHide, t.SID, SID{}, 0, contact), class: PresenceUnavailable, lane: SID{},
					raw: im.AppendPresence(nil, "unavailable", contact, owner, "")})
			}
		}
		parts = append(parts, list...)
	}
	return parts
}

// addressOf is the address under which a session is a contact: a component answers for
// many.
func addressOf(t *session, contact string) string {
	if t.Kind == Component {
		return contact
	}
	return t.JID
}

// audience is resources without those of whom nothing of an address is to be seen,
// since one of the two blocks the other.
func (l *Leader) audience(from, contact string, pass func(*session) bool) (list []*session) {
	for _, t := range l.resources(contact, pass) {
		if !l.apart(from, addressOf(t, contact)) {
			list = append(list, t)
		}
	}
	return list
}

// apart reports whether one of two addresses blocks the other. An account never
// blocks itself (XEP-0191 §5).
func (l *Leader) apart(a, b string) bool {
	st := l.state()
	return bareString(a) != bareString(b) && (st.User(bareString(a)).Blocks(b) || st.User(bareString(b)).Blocks(a))
}

func bareString(addr string) string {
	bare, _, _ := strings.Cut(addr, "/")
	return bare
}

// barred deals with a stanza to whom its sender blocks, or who blocks its sender
// (XEP-0191 §3.3). What was begun before the block is not stopped half-way.
func (l *Leader) barred(f *Frame) bool {
	if len(f.To) == 0 {
		return false
	}
	st, s, to := l.state(), l.own(f), string(f.To)
	user := st.User(bareString(to))
	outbound := s != nil && st.User(holdKey(s)).Blocks(to)
	if !outbound && (user == nil || len(user.Blocked) == 0) || l.begun(f) {
		return false
	}
	from := im.Sender(f.Raw).String()
	switch {
	case bareString(from) == bareString(to), l.server(f.To):
		return false
	case outbound:
		return l.barOutbound(f)
	case user.Blocks(from):
		return l.barInbound(f)
	}
	return false
}

// server reports whether an address is the server's own.
func (l *Leader) server(to []byte) bool {
	return l.rules.Serves(domainOf(to)) && bytes.IndexByte(bareOf(to), '@') < 0
}

// begun reports whether parts or effects of a frame are out already.
func (l *Leader) begun(f *Frame) bool {
	if _, done := l.state().Outcome(f.effect()); done {
		return true
	}
	return slices.ContainsFunc(l.reported[f.ID], func(sub uint64) bool { return sub != subReply })
}

// barOutbound refuses a stanza of the user who blocks. The end of presence that was
// sent before the block goes through: who was shown it is left no ghost. Of any other
// nothing is to be seen (§3.3).
func (l *Leader) barOutbound(f *Frame) bool {
	if f.Class == PresenceUnavailable && f.Mark&MarkTurn != 0 {
		return false
	}
	raw, to := l.rules.Error(f, Condition(stanza.NotAcceptable))
	if raw == nil { // itself an answer
		l.resolve(f.ID)
		return true
	}
	l.reply(f, im.BlockedError(raw), to)
	return true
}

// barInbound treats the sender as if the user were not there. Of presence nothing
// is said; a request for a subscription changes the sender's own roster.
func (l *Leader) barInbound(f *Frame) bool {
	switch {
	case f.Class == PresenceSubscription:
		return false
	case f.Class.IsPresence():
		l.resolve(f.ID)
	default:
		l.refuse(f, ServiceUnavailable)
	}
	return true
}

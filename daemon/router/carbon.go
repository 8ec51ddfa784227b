package router

import (
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
)

// carbons turns copies on or off for a resource (XEP-0280 §4, §5).
func (l *Leader) carbons(f *Frame, owner string, own bool) {
	s := l.own(f)
	switch {
	case s == nil && l.sessions[f.Lane] != nil, !own: // §4.1: a client that is not hosted here
		l.refuse(f, Condition(stanza.NotAllowed))
	case f.Class != IQSet || !im.CarbonsRequest(f.Raw):
		l.refuse(f, Condition(stanza.BadRequest))
	case s == nil:
		l.resolve(f.ID)
	default:
		s.Carbons = im.Carbons(f.Raw, s.Carbons)
		l.fulfil(f, owner, nil, nil)
	}
}

// copies are those of a message for the resources that asked for them: of its
// recipient's, but for the one that has it, and of its sender's, but for the one
// that sent it (XEP-0280 §7, §8).
func (l *Leader) copies(f *Frame, has *session) (parts []part) {
	if f.Requeue != (SID{}) { // they were made when it came first
		return nil
	}
	from := l.own(f)
	to := wanting(l.bare[string(bareOf(f.To))], has, from)
	var others []*session
	if from != nil {
		others = wanting(l.bare[holdKey(from)], has, from)
	}
	if len(to)+len(others) == 0 {
		return nil
	}
	sent, received := im.Copied(im.Kind(f.Class-MessageNormal), f.Raw)
	for _, s := range to {
		if received {
			parts = append(parts, l.copyFor(f, s, false))
		}
	}
	for _, s := range others {
		if sent && !slices.Contains(to, s) { // of a message to oneself one copy is enough
			parts = append(parts, l.copyFor(f, s, true))
		}
	}
	return parts
}

// copiesSent are the copies of a message that is kept for an account. None goes to
// the account itself: whatever resource takes the message later would have it twice
// (XEP-0280 §7: a copy is for one that did not receive it).
func (l *Leader) copiesSent(f *Frame, bare string) []part {
	return slices.DeleteFunc(l.copies(f, nil), func(q part) bool { return holdKey(q.to) == bare })
}

// wanting lists the sessions of an account that copies go to.
func wanting(list []*session, but ...*session) (want []*session) {
	for _, s := range list {
		if s.Carbons && !slices.Contains(but, s) {
			want = append(want, s)
		}
	}
	return want
}

func (l *Leader) copyFor(f *Frame, s *session, sent bool) part {
	raw := f.Raw
	if sent { // with the name that the sender has it by (XEP-0313 §3.5)
		raw = l.namedFor(f, holdKey(s))
	}
	return part{to: s, sub: copyTo(s), class: f.Class, lane: SID{}, raw: im.AppendCopy(nil, raw, sent, holdKey(s), s.JID)}
}

// copyTo names the copy for a session.
func copyTo(s *session) uint64 { return partOf(kindCarbon, s.SID, SID{}, 0, "") }

// mainOf names the part of a message that is for the session that gets the message
// itself.
func mainOf(s *session) uint64 { return subOf(s.SID) | mainBit }

// direct delivers a message to one session, with the copies and notices of it.
// Without any it is a frame of one part.
func (l *Leader) direct(f *Frame, s *session) {
	copies := l.copies(f, s)
	derived := slices.Concat(copies, l.unread(f, s, copies))
	switch {
	case len(l.reported) > 0 && slices.Contains(l.reported[f.ID], copyTo(s)): // when the message was another's to have, who is gone
		l.standIn(l.copyFor(f, s, false).raw, f)
		l.emit(f, nil, derived)
		return
	case len(derived) == 0:
		l.deliver(f, s)
		return
	}
	for _, q := range append(copies, part{to: s}) {
		if !q.to.edge.synced {
			l.wait(f, q.to.edge.absent)
			return
		}
	}
	l.emit(f, nil, append([]part{{to: s, sub: mainOf(s), class: f.Class, lane: f.Lane, raw: f.Raw}}, derived...))
}

// maxStandIns bounds the bytes of messages that copies stand in for.
const maxStandIns = 4 << 20

// standIn notes that nobody has a message but who has this copy of it: its recipient
// died with the former leader. If that session returns the copy, the message goes on.
func (l *Leader) standIn(copied []byte, f *Frame) {
	if l.standing += len(copied) + len(f.Raw); l.standing > maxStandIns { // they are of long ago
		l.standIns, l.standing = make(map[string][]byte), len(copied)+len(f.Raw)
	}
	l.standIns[string(copied)] = f.Raw
}

// original is what a session returned or, if that is a copy which stands in for its
// message, the message: that one went to nobody else.
func (l *Leader) original(f *Frame) *Frame {
	raw, ok := l.standIns[string(f.Raw)]
	if !ok {
		return f
	}
	n := *f
	n.Raw = raw
	return &n
}

// resumed goes on with a message that its recipient has, as an edge reported, and
// that is owed copies or notices.
func (l *Leader) resumed(f *Frame) bool {
	subs := l.reported[f.ID]
	if !slices.ContainsFunc(subs, func(sub uint64) bool { return sub&mainBit != 0 }) {
		return false
	}
	var has *session
	for _, s := range l.bare[string(bareOf(f.To))] {
		if slices.Contains(subs, mainOf(s)) {
			has = s
		}
	}
	copies := l.copies(f, has)
	l.emit(f, nil, append(copies, l.unread(f, has, copies)...))
	return true
}

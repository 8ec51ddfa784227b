package router

import (
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/replica"
)

// capabilities reads what a session's presence says of its client (XEP-0115).
func (s *session) capabilities() pep.Caps {
	if s.caps == nil {
		c := pep.CapsOf(s.Presence)
		s.caps = &c
	}
	return *s.caps
}

// wanted lists the nodes that a session's client wants to hear of.
func (l *Leader) wanted(s *session) (nodes []string, known bool) {
	nodes, known = l.state().Wants(s.capabilities().Key())
	if known {
		s.asked = false
	}
	return nodes, known
}

func (l *Leader) wants(s *session, node string) bool {
	nodes, _ := l.wanted(s)
	return slices.Contains(nodes, node)
}

// heard lists the nodes whose last items a session has got already: none, when
// the presence f is its first.
func (l *Leader) heard(f *Frame, s *session) []string {
	if s == nil || f.Mark&MarkTurn != 0 {
		return nil
	}
	nodes, _ := l.wanted(s)
	return nodes
}

// interest is the last items of the nodes that a client wants to hear of, when its
// presence says so at first (XEP-0163 §4.3.3), or says that it has changed. A client
// of a kind that is not known is asked.
func (l *Leader) interest(f *Frame, s *session, bare string, heard []string) []part {
	c := s.capabilities()
	if c.Key() == "" {
		return nil
	}
	if _, known := l.wanted(s); known {
		s.told = c.Key()
		return l.latest(f, s, bare, heard)
	}
	return []part{l.question(f, s)}
}

// question asks a client what its capabilities are.
func (l *Leader) question(f *Frame, s *session) part {
	c := s.capabilities()
	s.told = ""
	sub := partOf(kindCaps, s.SID, SID{}, 0, c.Key())
	s.asked = true
	return part{to: s, sub: sub, class: IQGet, raw: c.Ask(nil, holdKey(s), s.JID, generatedID(f.ID, sub))}
}

// forgotten asks a client anew, once, whose kind was known: behind so many others it
// is forgotten, and nobody would tell it anything until its next presence. With its
// answer it gets what it has missed.
func (l *Leader) forgotten(f *Frame, s *session) (parts []part) {
	if _, known := l.wanted(s); known || s.asked || s.capabilities().Key() == "" {
		return nil
	}
	return []part{l.question(f, s)}
}

// learn takes a client's word for what its capabilities are (XEP-0115 §5.4), and
// sends what it wants to hear of, once: who says again what it said gets nothing.
func (l *Leader) learn(now int64, f *Frame) {
	s := l.own(f)
	if s == nil || !s.Available || string(f.To) != holdKey(s) {
		l.resolve(f.ID)
		return
	}
	c := s.capabilities()
	wants, ok := c.Wants(f.Raw)
	if !ok {
		l.resolve(f.ID)
		return
	}
	if l.patient(now, f) {
		return
	}
	if _, known := l.wanted(s); !known {
		if _, ok := l.commit(f, replica.LearnCaps(f.effect(), holdKey(s), c.Key(), wants)); !ok {
			return
		}
	}
	if s.told == c.Key() {
		l.resolve(f.ID)
		return
	}
	s.told = c.Key()
	l.emit(f, nil, l.latest(f, s, holdKey(s), nil))
}

// latest is the last items for a session, of its own account and of the contacts
// with whom it shares presence, but for the nodes that it has heard of.
func (l *Leader) latest(f *Frame, s *session, bare string, heard []string) (parts []part) {
	parts = l.latestOf(f, bare, s, heard)
	for _, contact := range sharers(l.state().User(bare)) {
		if contact != bare {
			parts = append(parts, l.latestOf(f, contact, s, heard)...)
		}
	}
	return parts
}

// lastItem is the last item of a node as it is now, as far as a session may see it.
func (l *Leader) lastItem(f *Frame, owner, name string, s *session) (q part, ok bool) {
	bare, node := holdKey(s), l.state().Service(owner).Node(name)
	shares := owner == bare || l.state().User(bare).Contact(owner).State&im.Both == im.Both
	if !shares || l.apart(owner, s.JID) || node.Refuses(l.state().Viewer(owner, bare)) != nil {
		return part{}, false
	}
	e, ok := node.LastEvent(name, owner, true)
	if !ok {
		return part{}, false
	}
	return l.eventFor(f, e, s), true
}

func (l *Leader) latestOf(f *Frame, owner string, s *session, heard []string) (parts []part) {
	service := l.state().Service(owner)
	if service.Empty() || l.apart(owner, s.JID) {
		return nil
	}
	v := l.state().Viewer(owner, holdKey(s))
	for _, name := range service.Names() {
		node := service.Node(name)
		if slices.Contains(heard, name) || !l.wants(s, name) || node.Refuses(v) != nil {
			continue
		}
		if _, ok := node.LastEvent(name, owner, true); ok {
			if q := l.lastPart(f, owner, name, s); q.make != nil || q.raw != nil {
				parts = append(parts, q)
			}
		}
	}
	return parts
}

// lastPart is the last item of a node for a session: paced for who asks for it with f.
func (l *Leader) lastPart(f *Frame, owner, name string, s *session) part {
	if s.SID != f.Lane {
		q, _ := l.lastItem(f, owner, name, s)
		return q
	}
	sub := partOf(kindEvent, s.SID, SID{}, 0, owner+"\x00"+name)
	return part{to: s, sub: sub, class: MessageHeadline, make: func() []byte {
		q, _ := l.lastItem(f, owner, name, s)
		return q.raw
	}}
}

// meeting is the last items of two users for each other, who share presence from
// now on.
func (l *Leader) meeting(f *Frame, a, b string) (parts []part) {
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		if l.state().User(pair[0]).Contact(pair[1]).State&im.Both != im.Both {
			continue
		}
		for _, s := range l.resources(pair[1], available) {
			parts = append(parts, l.latestOf(f, pair[0], s, nil)...)
		}
	}
	return parts
}

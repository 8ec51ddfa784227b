package router

import (
	"bytes"
	"slices"

	"quorate.org/daemon/im"
)

// broadcast handles presence without a recipient: RFC 6121 §4.2, §4.4, §4.5.
func (l *Leader) broadcast(now int64, f *Frame) {
	s := l.sessions[f.Lane]
	heard := l.heard(f, s)
	if s != nil && !s.Closing {
		s.Available, s.Priority, s.Presence, s.caps = f.Class == PresenceAvailable, f.Present, nil, nil
		if s.Available {
			s.Presence = bytes.Clone(f.Raw) // which is part of what a link read
		}
	}
	if l.superseded(f, s) {
		l.resolve(f.ID)
		return
	}
	if l.patient(now, f) {
		return
	}
	bare := im.Sender(f.Raw).Bare().String()
	if f.Class == PresenceUnavailable && !l.left(f, bare) {
		return
	}
	parts := l.telling(f, s, bare)
	if f.Class == PresenceAvailable && f.Mark&MarkTurn != 0 {
		parts = append(parts, l.greeting(s, bare)...)
	}
	if f.Class == PresenceAvailable {
		parts = append(parts, l.interest(f, s, bare, heard)...)
	}
	l.emit(f, nil, parts)
	if f.Class == PresenceAvailable && f.Present >= 0 {
		l.flush(bare)
	}
}

// superseded reports whether broadcast presence has nothing to tell: of a
// session that has ended since, or was not available, or whose address another
// one has by now.
func (l *Leader) superseded(f *Frame, s *session) bool {
	if f.Class == PresenceAvailable {
		return s == nil || s.Closing
	}
	other := l.full[im.Sender(f.Raw).String()]
	return f.Mark&MarkTurn == 0 || other != nil && other != s && other.Available
}

// telling is presence for everyone who is subscribed to it, and for the user's
// own resources.
func (l *Leader) telling(f *Frame, s *session, bare string) (parts []part) {
	from := im.Sender(f.Raw).String()
	said := f.Raw
	if f.Class == PresenceAvailable {
		said = l.shown(said, bare)
	}
	tell := func(contact string) {
		raw := im.AppendTo(nil, said, contact)
		for _, t := range l.audience(from, contact, func(t *session) bool { return t.Available || t == s }) {
			parts = append(parts, part{to: t, sub: partOf(kindShow, t.SID, f.Lane, 0, contact), class: f.Class, lane: f.Lane, raw: raw})
		}
	}
	tell(bare)
	seen := l.state().User(bare).Contacts(im.From)
	if f.Class == PresenceUnavailable {
		seen = append(seen, l.state().Parted[bare]...)
	}
	for _, contact := range seen {
		if contact != bare {
			tell(contact)
		}
	}
	return parts
}

// greeting is what a resource gets that has become available: the presence of
// the contacts (RFC 6121 §4.2.2, §4.3; a component is probed for it) and of the
// user's other resources, and the requests that wait for an answer (§3.1.3).
func (l *Leader) greeting(s *session, bare string) (parts []part) {
	u := l.state().User(bare)
	show := func(of string) {
		for _, o := range l.bare[of] {
			if o != s && o.Available && len(o.Presence) > 0 && !l.apart(o.JID, s.JID) {
				parts = append(parts, part{to: s, sub: partOf(kindShow, s.SID, o.SID, 0, ""), class: PresenceAvailable, lane: o.SID,
					make: func() []byte { return l.shownTo(s, o, bare, of) }})
			}
		}
	}
	show(bare)
	for _, contact := range u.Contacts(im.To) {
		if u.Blocks(contact) {
			continue
		}
		if d := domainOf([]byte(contact)); !l.rules.Serves(d) {
			if c := l.full[string(d)]; c != nil {
				parts = append(parts, part{to: c, sub: partOf(kindProbe, c.SID, s.SID, 0, contact), class: PresenceProbe,
					raw: im.AppendPresence(nil, "probe", bare, contact, "")})
			}
			continue
		}
		show(contact)
	}
	for _, contact := range u.Contacts(im.PendingIn) {
		if u.Blocks(contact) || l.requesting(contact, bare) {
			continue
		}
		parts = append(parts, part{to: s, sub: partOf(kindRequest, s.SID, SID{}, 0, contact), class: PresenceSubscription,
			make: func() []byte { return l.requestOf(contact, bare) }})
	}
	return parts
}

// requestOf is the request of a contact that waits still.
func (l *Leader) requestOf(contact, bare string) []byte {
	if c := l.state().User(bare).Contact(contact); c.State&im.PendingIn != 0 {
		return c.Request
	}
	return nil
}

// requesting reports whether a request is in the store whose stanza still waits to
// be told so: it goes to every available resource when it is.
func (l *Leader) requesting(contact, bare string) bool {
	delivers := func(e im.Effects) bool { return e.Type == im.Subscribe && e.Deliver }
	for _, ln := range l.lanes {
		f := ln.queue[0]
		if f.Class != PresenceSubscription || string(bareOf(f.To)) != bare || im.Sender(f.Raw).Bare().String() != contact {
			continue
		}
		if out, _ := l.state().Outcome(f.effect()); slices.ContainsFunc(out.Effects, delivers) {
			return true
		}
	}
	return false
}

// subscribed reports whether the recipient of presence gets its sender's
// broadcast presence, too: of a subscribed account its available resources do, and
// no other address of a component (RFC 6121 §4.6.3 rule 2).
func (l *Leader) subscribed(f *Frame) bool {
	u, bare := l.state().User(im.Sender(f.Raw).Bare().String()), bareOf(f.To)
	if u.Contact(string(bare)).State&im.From == 0 {
		return false
	}
	s := l.full[string(f.To)]
	return len(bare) == len(f.To) || s != nil && s.Available
}

// probe answers a probe for a local user (RFC 6121 §4.3.2).
func (l *Leader) probe(now int64, f *Frame) {
	asker, contact := im.Sender(f.Raw).Bare().String(), string(bareOf(f.To))
	id := im.Attr(f.Raw, "id")
	if asker == "" {
		l.resolve(f.ID)
		return
	}
	if asker != contact && l.state().User(contact).Contact(asker).State&im.From == 0 {
		if s := l.full[string(f.To)]; s != nil {
			l.deliverShy(f, s) // §4.6.6
			return
		}
		l.unsubscribed(f)
		return
	}
	if l.patient(now, f) {
		return
	}
	parts := l.probed(f, asker)
	if len(parts) == 0 && string(f.To) == contact {
		l.emit(f, l.state().User(contact).Absence(contact, string(domainOf(f.To)), asker, id), nil)
		return
	}
	if len(parts) == 0 { // §4.3.2.1: the id of the probe
		l.emit(f, im.AppendPresence(nil, "unavailable", string(f.To), asker, id), nil)
		return
	}
	l.emit(f, nil, parts)
}

// unsubscribed tells who probes an account that it shows itself to others.
func (l *Leader) unsubscribed(f *Frame) {
	asker := im.Sender(f.Raw).Bare().String()
	l.emit(f, im.AppendPresence(nil, "unsubscribed", string(bareOf(f.To)), asker, im.Attr(f.Raw, "id")), nil)
}

// probedStranger answers the probe of a stranger, of the one resource that it is for: with no
// more than that it is there, if it sent them presence (§4.6.6).
func (l *Leader) probedStranger(f *Frame, shown bool) {
	l.unpend(f.ID)
	to, s := l.sessions[f.Lane], l.full[string(f.To)]
	if !shown || to == nil || s == nil {
		l.unsubscribed(f)
		return
	}
	l.emit(f, nil, []part{{to: to, sub: partOf(kindShow, to.SID, s.SID, 0, ""), class: PresenceAvailable, lane: s.SID,
		raw: im.AppendPresence(nil, "", s.JID, im.Sender(f.Raw).String(), "")}})
}

// probed is the presence that a probe asks for: of one resource only that it is
// there.
func (l *Leader) probed(f *Frame, asker string) (parts []part) {
	to := l.sessions[f.Lane]
	if to == nil {
		return nil
	}
	for _, s := range l.bare[string(bareOf(f.To))] {
		if !s.Available || len(s.Presence) == 0 || slices.Contains(f.To, '/') && s.JID != string(f.To) {
			continue
		}
		raw := im.AppendTo(nil, l.shown(s.Presence, holdKey(s)), asker)
		if slices.Contains(f.To, '/') {
			raw = im.AppendPresence(nil, "", s.JID, asker, "")
		}
		parts = append(parts, part{to: to, sub: partOf(kindShow, to.SID, s.SID, 0, ""), class: PresenceAvailable, lane: s.SID, raw: raw})
	}
	return parts
}

// living tells which edges are there or may still return, and whether that is
// all of them: of an edge that is absent since before this reign the leader does
// not know the incarnation.
func (l *Leader) living() (live []Inc, sure bool) {
	sure = true
	for _, p := range l.ordered() {
		switch {
		case p.synced || p.absent != 0 && p.known:
			live = append(live, p.inc)
		case p.absent != 0:
			sure = false
		}
	}
	return live, sure
}

// tellLiving says so, when it has changed since GO.
func (l *Leader) tellLiving() {
	live, sure := l.living()
	if !sure || slices.Equal(live, l.told.live) {
		return
	}
	l.told.live = live
	kept := l.kept(live)
	for _, p := range l.ordered() {
		if p.synced {
			l.send(p, Msg{Type: MsgAlive, Go: &Go{Live: live, Sure: true, Kept: kept}})
		}
	}
	l.haunt(&Go{Live: live, Sure: true, Kept: kept})
}

package router

import (
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// roster answers a roster request (RFC 6121 §2). Only the account's own
// resources are told or obeyed.
func (l *Leader) roster(now int64, f *Frame) {
	sender := im.Sender(f.Raw)
	owner := sender.Bare().String()
	if len(f.To) != 0 && string(f.To) != owner {
		l.refuse(f, Condition(stanza.Forbidden)) // §2.1.5
		return
	}
	q, ok, refused := l.limits().ReadQuery(f.Raw)
	switch {
	case !ok:
		l.refuse(f, ServiceUnavailable)
	case refused != "":
		if len(q.Groups) > l.limits().Groups {
			l.reach(im.LimitGroups)
		}
		l.refuse(f, Condition(refused))
	case q.Get:
		l.rosterGet(f, q, owner)
	default:
		l.rosterSet(now, f, q, owner)
	}
}

func (l *Leader) rosterGet(f *Frame, q im.Query, owner string) {
	s := l.sessions[f.Lane]
	if s == nil {
		l.resolve(f.ID)
		return
	}
	s.Interested = true
	st := l.state()
	a := im.Get(st.User(owner), q, st.Lineage())
	var parts []part
	for _, p := range a.Pushes {
		parts = append(parts, pushTo(f, s, p, 0))
	}
	l.emit(f, stanza.AppendIQResult(nil, f.Raw, nil, owner, "", a.Payload), parts)
}

func (l *Leader) rosterSet(now int64, f *Frame, q im.Query, owner string) {
	if l.patient(now, f) {
		return
	}
	c := replica.SetRosterItem(f.effect(), owner, q.Contact, q.Name, q.Groups)
	if q.Remove {
		c = replica.RemoveRosterItem(f.effect(), owner, q.Contact)
	}
	out, ok := l.enter(f, c)
	if !ok {
		return
	}
	var parts []part
	for i, e := range out.Effects {
		raw := im.AppendPresence(nil, e.Type.String(), owner, q.Contact, "")
		parts = append(parts, l.exchanged(f, im.Request{From: owner, To: q.Contact, Raw: raw}, e, i+1)...)
	}
	parts = append(parts, l.pushing(f, owner, q.Contact, 0)...)
	l.emit(f, stanza.AppendIQResult(nil, f.Raw, nil, owner, "", nil), parts)
}

// subscribe handles a subscription stanza between two bare addresses, one of
// which is a local user's (RFC 6121 §3, appendix A).
func (l *Leader) subscribe(now int64, f *Frame) {
	q := im.Request{From: im.Sender(f.Raw).Bare().String(), To: string(bareOf(f.To)), Type: im.TypeOf(im.Attr(f.Raw, "type"))}
	q.Raw = im.AppendTo(nil, f.Raw, q.To) // §3.1.2 rule 1
	if q.From == "" || q.Type == 0 || q.From == q.To {
		l.resolve(f.ID)
		return
	}
	if len(q.Raw) > l.limits().Request {
		l.reach(im.LimitRequest)
		q.Raw = im.AppendPresence(nil, q.Type.String(), q.From, q.To, im.Attr(f.Raw, "id"))
	}
	if l.patient(now, f) {
		return
	}
	out, ok := l.commit(f, replica.ApplySubscription(f.effect(), q))
	if !ok {
		return
	}
	var parts []part
	for i, e := range out.Effects {
		parts = append(parts, l.exchanged(f, q, e, i)...)
	}
	l.emit(f, nil, parts)
}

// exchanged is what follows from a subscription stanza, in the order that §3.1.5
// to §3.3.3 ask for: presence ends before the word that ends it, a stanza comes
// before the push that it causes, presence begins last.
func (l *Leader) exchanged(f *Frame, q im.Request, e im.Effects, n int) (parts []part) {
	say := func(kind int, from, to string, pass func(*session) bool, raw []byte) {
		for _, t := range l.audience(from, to, pass) {
			parts = append(parts, part{to: t, sub: partOf(kind, t.SID, SID{}, n, ""), class: PresenceSubscription, lane: SID{}, raw: raw})
		}
	}
	if e.HideUser {
		parts = append(parts, l.hiding(q.From, q.To, n)...)
	}
	if e.Deliver || e.Route && !l.local(q.To) {
		pass := interested
		if e.Type == im.Subscribe {
			pass = available
		}
		say(kindStanza, q.From, q.To, pass, q.Raw)
	}
	if e.ContactPush {
		parts = append(parts, l.pushing(f, q.To, q.From, n)...)
	}
	if e.HideContact {
		parts = append(parts, l.hiding(q.To, q.From, n)...)
	}
	if e.Reply != 0 && (e.ReplyShown || !l.local(q.From)) {
		say(kindReply, q.To, q.From, interested, im.AppendPresence(nil, e.Reply.String(), q.To, q.From, im.Attr(q.Raw, "id")))
	}
	if e.UserPush {
		parts = append(parts, l.pushing(f, q.From, q.To, n)...)
	}
	if e.ShowUser {
		parts = append(parts, l.showing(q.From, q.To, n)...)
	}
	if e.ShowContact {
		parts = append(parts, l.showing(q.To, q.From, n)...)
	}
	if e.ShowUser || e.ShowContact {
		parts = append(parts, l.meeting(f, q.From, q.To)...)
	}
	return parts
}

// local reports whether an address is of a domain served, not a
// component's.
func (l *Leader) local(addr string) bool { return l.rules.Serves(domainOf([]byte(addr))) }

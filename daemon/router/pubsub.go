package router

import (
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// pubsub answers a request to what an account publishes (XEP-0163, XEP-0060).
func (l *Leader) pubsub(now int64, f *Frame, owner, asker string) {
	q, refused := pep.Read(f.Raw, pep.Context{Sender: asker, ID: generatedID(f.ID, subReply), Time: f.Time, Limits: l.limits()})
	if refused != nil {
		if refused.Limit != "" {
			l.reach(refused.Limit)
		}
		l.decline(f, *refused)
		return
	}
	if q.Look != "" {
		st := l.state()
		payload, refused := st.Service(owner).Answer(q, st.Viewer(owner, asker), asker)
		if refused != nil {
			l.decline(f, *refused)
			return
		}
		l.fulfil(f, owner, payload, nil)
		return
	}
	l.change(now, f, q, owner, asker)
}

// change has the store change what an account publishes, and tells whom it
// concerns.
func (l *Leader) change(now int64, f *Frame, q pep.Request, owner, asker string) {
	if owner != asker && q.Act != pep.Subscribe && q.Act != pep.Unsubscribe { // XEP-0163 §2.2
		l.decline(f, pep.Refusal{Condition: stanza.Forbidden})
		return
	}
	if l.patient(now, f) {
		return
	}
	if r := l.state().Service(owner).Node(q.Node).Refuses(l.state().Viewer(owner, asker)); q.Act == pep.Subscribe && r != nil {
		l.decline(f, *r) // also where there is no such account
		return
	}
	if _, done := l.state().Outcome(f.effect()); q.Act == pep.Unsubscribe && !done && !l.state().Service(owner).Follows(q.Node, q.Subscriber) {
		l.decline(f, pep.NotSubscribed) // the same, as soon
		return
	}
	out, ok := l.commit(f, replica.ChangeService(f.effect(), owner, asker, q.Change))
	switch {
	case !ok:
		return
	case out.Refused != "":
		l.decline(f, pep.Refusal{Condition: out.Refused, Detail: out.Detail})
		return
	}
	node := l.state().Service(owner).Node(q.Node)
	if q.Act == pep.Delete {
		node = pep.Kept(out.Kept)
	}
	var parts []part
	if e, ok := pep.EventOf(q, node, owner); ok {
		parts = l.announcing(f, e, node)
	}
	if q.Node == pep.AvatarMetadata {
		parts = append(parts, l.repictured(f, owner)...)
	}
	if q.Act == pep.Subscribe {
		parts = append(parts, l.welcome(f, q, node, owner)...)
	}
	l.fulfil(f, owner, pep.Done(q), parts)
}

// decline answers with an error of XEP-0060.
func (l *Leader) decline(f *Frame, r pep.Refusal) {
	raw, to := l.rules.Error(f, Condition(r.Condition))
	l.reply(f, pep.Detailed(raw, r.Detail, r.Feature), to)
}

// announcing is an event for everyone whom it concerns: the owner's own resources,
// those of the contacts with whom the owner shares presence (XEP-0163 §2.3), as far
// as their clients want to hear of the node (XEP-0060 §9.2), and who subscribed to it.
func (l *Leader) announcing(f *Frame, e pep.Event, node *pep.Node) (parts []part) {
	var told []*session
	tell := func(addr string, pass func(*session) bool) {
		if node.Refuses(l.state().Viewer(e.Owner, string(bareOf([]byte(addr))))) != nil {
			return
		}
		for _, t := range l.audience(e.Owner, addr, pass) { // XEP-0163 §4.3.3
			if !slices.Contains(told, t) {
				told = append(told, t)
				parts = append(parts, l.eventFor(f, e, t))
			}
		}
	}
	wants := func(s *session) bool {
		if s.Available {
			parts = append(parts, l.forgotten(f, s)...)
		}
		return s.Available && l.wants(s, e.Node)
	}
	tell(e.Owner, wants)
	for _, contact := range sharers(l.state().User(e.Owner)) {
		tell(contact, wants)
	}
	for _, addr := range sortedKeys(node.Subscribers) {
		tell(addr, subscribed(addr))
	}
	return parts
}

// subscribed passes the sessions that a subscription by request is for (XEP-0163
// §4.3.2).
func subscribed(addr string) func(*session) bool {
	return func(s *session) bool { return s.JID == addr || s.Available && s.Priority >= 0 && holdKey(s) == addr }
}

func sortedKeys(m map[string]uint64) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// sharers lists the contacts who see a user's presence and show theirs.
func sharers(u *im.User) []string {
	return slices.DeleteFunc(u.Contacts(im.From), func(c string) bool { return u.Contact(c).State&im.To == 0 })
}

func (l *Leader) eventFor(f *Frame, e pep.Event, t *session) part {
	sub := partOf(kindEvent, t.SID, SID{}, 0, e.Owner+"\x00"+e.Node)
	return part{to: t, sub: sub, class: MessageHeadline, spare: true, raw: e.Append(nil, t.JID, generatedID(f.ID, sub))}
}

// welcome is the last item of a node for who has just subscribed to it (XEP-0060
// §6.1.7).
func (l *Leader) welcome(f *Frame, q pep.Request, node *pep.Node, owner string) (parts []part) {
	e, ok := node.LastEvent(q.Node, owner, false)
	if !ok {
		return nil
	}
	for _, t := range l.audience(owner, q.Subscriber, subscribed(q.Subscriber)) {
		parts = append(parts, l.eventFor(f, e, t))
	}
	return parts
}

// discoItems lists what an account publishes, as far as the asker may see it
// (XEP-0163 §6.2).
func (l *Leader) discoItems(f *Frame, owner, asker string) {
	st, node := l.state(), stanza.DiscoNode(f.Raw, nil)
	v, service := st.Viewer(owner, asker), st.Service(owner)
	switch {
	case f.Class != IQGet:
		l.answer(f)
	case node != "" && service.Node(node).Refuses(v) != nil:
		l.decline(f, *service.Node(node).Refuses(v))
	case node == "" && !service.Visible(v):
		l.answer(f)
	default:
		l.fulfil(f, owner, service.Listed(node, owner, v), nil)
	}
}

// discoInfo tells of an account, or of a node that it publishes, whoever may see
// something of it. A stranger is answered as if there was no such account.
func (l *Leader) discoInfo(f *Frame, owner, asker string) {
	st, node := l.state(), stanza.DiscoNode(f.Raw, nil)
	v, service := st.Viewer(owner, asker), st.Service(owner)
	switch {
	case f.Class != IQGet:
		l.answer(f)
	case node != "" && service.Node(node).Refuses(v) != nil:
		l.decline(f, *service.Node(node).Refuses(v))
	case node != "":
		l.fulfil(f, owner, service.Node(node).Info(node), nil)
	case !v.Owner && service.Visible(v):
		if raw := l.rules.About(f); raw != nil {
			l.reply(f, raw, nil)
			return
		}
		l.answer(f)
	default:
		l.answer(f)
	}
}

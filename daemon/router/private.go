package router

import (
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// private answers a request to an account's private XML (XEP-0049 §3): its own
// resources alone are told or obeyed (§5).
func (l *Leader) private(f *Frame, owner string, own bool) {
	if !own {
		l.refuse(f, Condition(stanza.Forbidden))
		return
	}
	q, refused := l.limits().ReadPrivate(f.Raw)
	switch {
	case refused != "":
		if refused == stanza.ResourceConstraint {
			l.reach(im.LimitPrivate)
		}
		l.refuse(f, Condition(refused))
	case q.Get:
		l.fulfil(f, owner, l.state().User(owner).PrivateXML(q), nil)
	default:
		l.obey(f, owner, replica.SetPrivate(f.effect(), owner, q.Items))
	}
}

// vCard answers a request to a vCard, which everybody may see and its owner set
// (XEP-0054 §3). Whether another's account is there does not show.
func (l *Leader) vCard(f *Frame, owner, asker string) {
	card := l.card(owner, asker)
	switch {
	case f.Class == IQSet && owner != asker:
		l.refuse(f, Condition(stanza.Forbidden))
	case f.Class == IQSet:
		card, refused := im.ReadVCard(f.Raw)
		if refused != "" {
			l.refuse(f, Condition(refused))
			return
		}
		l.obey(f, owner, replica.SetVCard(f.effect(), owner, card))
	case len(card) > 0:
		l.fulfil(f, owner, card, nil)
	case owner == asker: // §3.1
		l.refuse(f, Condition(stanza.ItemNotFound))
	default: // §3.3
		l.refuse(f, ServiceUnavailable)
	}
}

// card is an account's vCard as somebody sees it: with the image that the account
// publishes, if they may see that (XEP-0398 §5.2).
func (l *Leader) card(owner, asker string) (card []byte) {
	st := l.state()
	if u := st.User(owner); u != nil {
		card = u.VCard
	}
	if a, ok := st.Service(owner).Avatar(st.Viewer(owner, asker)); ok {
		return a.VCard(card)
	}
	return card
}

// obey has the store change what is the sender's, and answers.
func (l *Leader) obey(f *Frame, owner string, c replica.Command) {
	if _, ok := l.enter(f, c); ok {
		l.fulfil(f, owner, nil, nil)
	}
}

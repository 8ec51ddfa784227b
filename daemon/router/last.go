package router

import (
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// last answers when an account was last there (XEP-0012 §3): those who may see its
// presence. Others are told the same of an account that is not there.
func (l *Leader) last(now int64, f *Frame, owner, asker string) {
	u := l.state().User(owner)
	switch {
	case f.Class != IQGet:
		l.refuse(f, Condition(stanza.BadRequest))
	case owner != asker && u.Contact(asker).State&im.From == 0:
		l.refuse(f, Condition(stanza.Forbidden))
	case len(l.bare[owner]) > 0:
		l.fulfil(f, owner, im.AppendLast(nil, 0, ""), nil)
	case l.patient(now, f):
	default:
		payload, refused := u.Activity(f.Time)
		if refused != "" {
			l.refuse(f, Condition(refused))
			return
		}
		l.fulfil(f, owner, payload, nil)
	}
}

// left has the store note that an account's last available resource has gone. It
// is false while that is on its way.
func (l *Leader) left(f *Frame, bare string) bool {
	if !l.state().Account(bare) || slices.ContainsFunc(l.bare[bare], available) {
		return true
	}
	_, ok := l.commit(f, replica.Leave(f.effect(), bare, f.Time, f.Raw))
	return ok
}

// missed has the store note the same of those who are gone with their edge. Nobody
// waits for that, and no frame stands for it: who is lost with the leader's own
// edge keeps an earlier time.
func (l *Leader) missed(now int64, p *peer) {
	if l.phase == idle {
		return
	}
	for _, s := range l.sessionsOf(p) {
		there := func(o *session) bool { return o.Available && o.edge != p }
		bare := holdKey(s)
		if s.Available && l.state().Account(bare) && !slices.ContainsFunc(l.bare[bare], there) {
			l.rules.Propose(replica.Miss(bare, now))
		}
	}
}

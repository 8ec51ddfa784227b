package router

import (
	"bytes"
	"slices"

	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/stanza"
)

// register has an account's messages noticed at an app server, or no longer
// (XEP-0357 §5, §6). An app server is a component of ours: there is no federation,
// and accounts here are no push services.
func (l *Leader) register(f *Frame, owner string, own bool) {
	q, refused := im.ReadRegister(f.Raw)
	switch {
	case !own:
		l.refuse(f, Condition(stanza.Forbidden))
	case refused != "":
		l.refuse(f, Condition(refused))
	case q.Disable:
		l.obey(f, owner, replica.DisablePush(f.effect(), owner, q.JID, q.Node))
	case !l.rules.Component(domainOf([]byte(q.JID))):
		l.refuse(f, Condition(stanza.ItemNotFound))
	default:
		q.Name = generatedID(f.ID, subReply)
		l.obey(f, owner, replica.EnablePush(f.effect(), owner, q.Target))
	}
}

// notices are those of a message for the app servers of an account (XEP-0357 §7).
// One that is not there hears nothing of it: nobody waits for it.
func (l *Leader) notices(id FrameID, bare string) (parts []part) {
	for _, t := range l.state().User(bare).Noticed() {
		s := l.full[string(domainOf([]byte(t.JID)))]
		if s == nil || s.Kind != Component || !s.edge.synced {
			continue
		}
		sub := partOf(kindNotice, SID{}, SID{}, 0, t.Name)
		raw := t.AppendNotice(nil, string(domainOf([]byte(bare))), generatedID(id, sub))
		parts = append(parts, part{to: s, sub: sub, class: IQSet, raw: raw})
	}
	return parts
}

// unread is the notices of a message that a session gets, or a copy of it, whose
// client is not there but may resume it. What would not be stored for somebody
// absent is not worth waking them.
func (l *Leader) unread(f *Frame, has *session, copies []part) []part {
	bare := string(bareOf(f.To))
	waits := func(q part) bool { return q.to.Waits && holdKey(q.to) == bare }
	switch {
	case f.Requeue != (SID{}), f.Class != MessageNormal && f.Class != MessageChat:
		return nil
	case (has == nil || !has.Waits) && !slices.ContainsFunc(copies, waits), !im.Storable(f.Raw):
		return nil
	}
	return l.notices(f.ID, bare)
}

// remind gives notice for a session whose client has gone and may have missed
// something that can not wait. It is said once and not asked after.
func (l *Leader) remind(s *session) {
	missed := func(e Entry) bool { return bytes.HasPrefix(e.Raw, []byte("<message")) && !im.Deferrable(e.Raw) }
	if s.Record == nil || !s.Waits || !slices.ContainsFunc(s.Queue, missed) {
		return
	}
	for _, q := range l.notices(s.Queue[len(s.Queue)-1].ID, holdKey(s)) {
		l.hand(q.to, Msg{Sub: q.sub, Frame: &Frame{ID: FrameID{Inc: LeaderInc}, Class: q.class, Raw: q.raw}})
	}
}

// unregister ends a registration whose notice an app server answers with an error
// (XEP-0357 §7.1).
func (l *Leader) unregister(f *Frame) {
	name := im.NoticeRefused(f.Raw)
	if bare, t, ok := l.state().Registration(name); ok && name != "" && t.JID == im.Sender(f.Raw).String() {
		if _, done := l.commit(f, replica.DisablePush(f.effect(), bare, t.JID, t.Node)); !done {
			return
		}
	}
	l.resolve(f.ID)
}

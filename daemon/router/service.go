package router

import (
	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
	"quorate.org/daemon/stanza"
)

// service answers a request to a service of an account: of the sender's own,
// unless the service is for others, too.
func (l *Leader) service(now int64, f *Frame) {
	owner := im.Sender(f.Raw).Bare().String()
	own := len(f.To) == 0 || string(f.To) == owner
	switch im.Namespace(f.Raw) {
	case im.NSCarbons:
		l.carbons(f, owner, own)
	case im.NSBlocking:
		l.blocking(now, f, owner, own)
	case im.NSPrivate:
		l.private(f, owner, own)
	case im.NSVCard:
		l.vCard(f, l.addressee(f, owner), owner)
	case im.NSPush:
		l.register(f, owner, own)
	case im.NSLast:
		l.last(now, f, l.addressee(f, owner), owner)
	case archive.NS:
		l.archive(now, f, owner, own)
	case pep.NS, pep.NSOwner:
		l.pubsub(now, f, l.addressee(f, owner), owner)
	case stanza.NSDiscoInfo:
		l.discoInfo(f, l.addressee(f, owner), owner)
	case stanza.NSDiscoItems:
		l.discoItems(f, l.addressee(f, owner), owner)
	default:
		l.answer(f)
	}
}

// addressee is the account that a request is for: its sender's, unless it names
// another one (RFC 6120 §10.3.3).
func (l *Leader) addressee(f *Frame, sender string) string {
	if len(f.To) == 0 {
		return sender
	}
	return string(f.To)
}

// own is the session that sent a frame, if it is a client's.
func (l *Leader) own(f *Frame) *session {
	if s := l.sessions[f.Lane]; s != nil && s.Kind == Client {
		return s
	}
	return nil
}

// fulfil answers a request of an account's own resource with a payload, which may
// be nil.
func (l *Leader) fulfil(f *Frame, owner string, payload []byte, parts []part) {
	l.emit(f, stanza.AppendIQResult(nil, f.Raw, nil, owner, "", payload), parts)
}

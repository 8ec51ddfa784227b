package router

import (
	"bytes"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
)

// message delivers a message to a local user: RFC 6121 §8.5, where im.FateOf has
// the rules.
func (l *Leader) message(now int64, f *Frame) {
	if len(l.reported) > 0 && l.resumed(f) {
		return
	}
	if f.Requeue != (SID{}) {
		f = l.original(f)
	}
	bare := string(bareOf(f.To))
	if _, kept := l.state().Outcome(f.effect()); kept {
		l.keep(f, bare)
		return
	}
	best := mostAvailable(l.bare[bare])
	match := l.full[string(f.To)]
	if len(bare) == len(f.To) {
		match = nil
	}
	fate := im.FateOf(im.Kind(f.Class-MessageNormal), im.Place{Account: l.state().Account(bare),
		Full: l.names(f), Match: match != nil, Positive: best != nil})
	if f.Requeue != (SID{}) {
		switch {
		case im.IsCopy(f.Raw): // a session that binds anew gets copies of its own
			fate = im.Ignore
		case match != nil: // bound anew
			fate = im.Direct
		case fate == im.Most:
			f, fate = l.passOn(f, best)
		}
	}
	switch fate {
	case im.Direct:
		l.direct(f, match)
	case im.Most:
		l.direct(f, best)
	case im.Every:
		l.fan(now, f, l.bare[bare], func(s *session) bool { return s.Available && s.Priority >= 0 })
	case im.Ignore:
		if f.Class == MessageHeadline { // unless somebody may still turn up
			l.fan(now, f, nil, available)
			return
		}
		l.resolve(f.ID)
	default:
		l.absentee(now, f, fate, bare)
	}
}

// passOn is a message that a session of the account returned, as another one gets it.
// That may have later ones of the sender: so the message tells when it came. One that
// has copies is not told twice; what it may have missed is in the archive, or else
// the sender hears of it.
func (l *Leader) passOn(f *Frame, to *session) (*Frame, im.Fate) {
	bare, domain := holdKey(to), string(domainOf([]byte(to.JID)))
	_, copied := im.Copied(im.Kind(f.Class-MessageNormal), f.Raw)
	switch {
	case to.Carbons && copied && archive.Named(f.Raw, bare):
		return f, im.Ignore
	case to.Carbons && copied:
		return f, im.Bounce
	case im.HasDelay(f.Raw, domain):
		return f, im.Most
	}
	n := *f
	n.Raw = im.Delayed(f.Raw, domain, f.Time)
	return &n, im.Most
}

// names reports whether the sender addressed a resource. A frame that a closed
// session returned goes to that resource, but its sender may have meant the user.
func (l *Leader) names(f *Frame) bool {
	if f.Requeue == (SID{}) {
		return bytes.IndexByte(f.To, '/') >= 0
	}
	return bytes.IndexByte([]byte(im.Attr(f.Raw, "to")), '/') >= 0
}

// absentee keeps or answers a message for somebody who is not there, unless they
// may still turn up at an absent edge (rule 12).
func (l *Leader) absentee(now int64, f *Frame, fate im.Fate, bare string) {
	if until := l.unsure(); until > now {
		l.wait(f, until)
		return
	}
	switch {
	case fate == im.Bounce:
		l.refuse(f, ServiceUnavailable)
	case !im.Storable(f.Raw): // XEP-0160 §3
		l.emit(f, nil, l.copies(f, nil))
	default:
		l.keep(f, bare)
	}
}

// keep puts a message in the offline store (XEP-0160 §2). When its recipient has
// become available meanwhile it goes on from there at once.
func (l *Leader) keep(f *Frame, bare string) {
	raw, domain := f.Raw, string(domainOf([]byte(bare)))
	if f.Requeue == (SID{}) || !im.HasDelay(raw, domain) { // what comes back may have been kept before
		raw = im.Delayed(raw, domain, f.Time)
	}
	out, ok := l.commit(f, replica.AddOffline(f.effect(), bare, raw))
	switch {
	case !ok:
	case out.Refused != "" && !l.archived(f, bare):
		l.refuse(f, ServiceUnavailable)
	default:
		l.emit(f, nil, append(l.copiesSent(f, bare), l.notices(f.ID, bare)...))
		l.flush(bare)
	}
}

// delayed is a frame as a session gets it whose client comes back later, or not: a
// message that somebody sent tells when (XEP-0198 §4, XEP-0203).
func delayed(f *Frame, domain []byte) *Frame {
	if !f.Class.IsMessage() || f.Lane == (SID{}) {
		return f
	}
	n := *f
	n.Raw = im.Delayed(f.Raw, string(domain), f.Time)
	return &n
}

// archived reports whether a message is in an account's archive. Then it has come,
// whatever room the offline store has: an error would have its sender write again
// what its recipient finds there (XEP-0313 §6.1.1).
func (l *Leader) archived(f *Frame, bare string) bool {
	done, _ := l.state().Filed(f.effect())
	return done.Has(bare)
}

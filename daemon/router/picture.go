package router

import "quorate.org/daemon/pep"

// shown is presence of an account as others get it: with the hash of the image that
// the account publishes (XEP-0398 §4, XEP-0153).
func (l *Leader) shown(presence []byte, bare string) []byte {
	a, _ := l.state().Service(bare).Avatar(pep.Viewer{Owner: true})
	return pep.Shown(presence, a.Hash)
}

// pictured is directed presence as its recipient gets it.
func (l *Leader) pictured(f *Frame) *Frame {
	s := l.own(f)
	if f.Class != PresenceAvailable || len(f.To) == 0 || s == nil {
		return f
	}
	raw := l.shown(f.Raw, holdKey(s))
	if len(raw) == len(f.Raw) {
		return f
	}
	n := *f
	n.Raw = raw
	return &n
}

// repictured is the presence of an account's resources once more, when its image
// has changed: who knows vCards only hears of it that way.
func (l *Leader) repictured(f *Frame, owner string) (parts []part) {
	for _, s := range l.bare[owner] {
		if s.Available && len(s.Presence) > 0 {
			again := &Frame{ID: f.ID, Low: f.Low, Time: f.Time, Class: PresenceAvailable, Lane: s.SID, Raw: s.Presence}
			parts = append(parts, l.telling(again, s, owner)...)
		}
	}
	return parts
}

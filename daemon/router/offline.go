package router

import (
	"maps"
	"slices"

	"quorate.org/daemon/replica"
)

// flight is what the offline store of one account has on its way to a session.
type flight struct {
	to   *session
	last uint64
	left int
}

// told is what the leader has told the edges and the store.
type told struct {
	live    []Inc             // of the last GO or ALIVE
	offline map[string]uint64 // by bare address: the last message of the store that a session has
	tidied  int64
	swept   int64
}

// flush delivers what waits for an account, in order, to its most available
// resource (XEP-0160 §2). What is on its way already is not sent again; a
// session knows which it has.
func (l *Leader) flush(bare string) {
	u := l.state().User(bare)
	if u == nil || len(u.Offline) == 0 {
		return
	}
	fl := l.flights[bare]
	if fl == nil {
		s := mostAvailable(l.bare[bare])
		if s == nil || !s.edge.synced {
			return
		}
		fl = &flight{to: s, last: l.told.offline[bare]}
	}
	for _, m := range u.Offline {
		if m.Index <= fl.last {
			continue
		}
		fl.last = m.Index
		fl.left++
		l.hand(fl.to, Msg{Frame: &Frame{ID: FrameID{StoreInc, m.Index}, Class: MessageNormal, To: []byte(bare), Raw: m.Raw}})
	}
	if fl.left > 0 {
		l.flights[bare] = fl
	}
}

// stored counts one message of the offline store as delivered or not. When all
// are answered the store forgets them (rule 9: delete after ok).
func (l *Leader) stored(m Msg) {
	s := l.sessions[m.SID]
	if s == nil {
		return
	}
	bare := holdKey(s)
	if m.Verdict == Accepted {
		s.Offline = max(s.Offline, m.ID.Seq)
		l.told.offline[bare] = max(l.told.offline[bare], s.Offline)
	}
	fl := l.flights[bare]
	if fl == nil || fl.to != s {
		return
	}
	if fl.left--; fl.left == 0 {
		delete(l.flights, bare)
		l.unstore(bare)
	}
}

// unstore has the store forget what was accepted.
func (l *Leader) unstore(bare string) {
	if n := l.told.offline[bare]; n > 0 {
		l.rules.Propose(replica.DeleteOffline(bare, n))
	}
}

// closed ends the barrier of a session (rule 10), behind the deletion of what it
// took from the store: what it had not written comes back as frames, and the
// next session must not get both.
func (l *Leader) closed(now int64, s *session) {
	bare := holdKey(s)
	if l.owes(bare) {
		if !slices.Contains(l.parting[bare], s) {
			l.parting[bare] = append(l.parting[bare], s)
		}
		l.unstore(bare)
		return
	}
	l.free(s)
	if s.Offline > 0 {
		l.send(s.edge, Msg{Type: MsgForget, SID: s.SID})
	}
	l.release(now)
}

// owes reports whether the store still has what a session took.
func (l *Leader) owes(bare string) bool {
	u := l.state().User(bare)
	return u != nil && len(u.Offline) > 0 && u.Offline[0].Index <= l.told.offline[bare]
}

// part goes on with closed sessions once the store has forgotten.
func (l *Leader) part(now int64, bare string) {
	if l.phase != serving || l.owes(bare) {
		return
	}
	list := l.parting[bare]
	delete(l.parting, bare)
	for _, s := range list {
		if l.sessions[s.SID] == s && s.edge.synced {
			l.closed(now, s)
		}
	}
}

// tidy repeats what the store has not heard: that messages were delivered.
func (l *Leader) tidy(now int64) {
	if now-l.told.tidied < tidyEvery {
		return
	}
	l.told.tidied = now
	l.forgetParted(now)
	for _, bare := range slices.Sorted(maps.Keys(l.told.offline)) {
		switch {
		case !l.owes(bare):
			l.part(now, bare)
			delete(l.told.offline, bare)
		case l.flights[bare] == nil:
			l.unstore(bare)
		}
	}
}

// flushAll begins deliveries after GO, to whoever became available before it.
func (l *Leader) flushAll() {
	if l.state().Users.Len() == 0 {
		return
	}
	for _, bare := range slices.Sorted(maps.Keys(l.bare)) {
		l.flush(bare)
	}
}

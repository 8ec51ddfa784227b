package router

import (
	"fmt"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/replica"
)

// simCommand is a command that a leader proposed.
type simCommand struct {
	by *simNode
	c  replica.Command
}

// simStore is a store with the accounts whose clients come and go.
func simStore() *replica.State {
	keys := func(size int) replica.Keys {
		return replica.Keys{Iterations: 1, Salt: []byte("s"), StoredKey: make([]byte, size), ServerKey: make([]byte, size)}
	}
	s := replica.New()
	for _, c := range []replica.Command{
		replica.SetDomain("d"),
		replica.SetAccount(replica.Account{Name: "u", SHA1: keys(20), SHA256: keys(32)}),
		replica.SetAccount(replica.Account{Name: "v", SHA1: keys(20), SHA256: keys(32)}),
	} {
		s, _ = s.Apply(1, c)
	}
	return s
}

// commit decides about the oldest proposals: those of the leader are applied,
// and it hears of that or not; those of who only believes to lead never are. Of what
// it does not hear of, some first part made it into the log: forward gives back all
// that is proposed behind what failed.
func (s *sim) commit(heard bool) {
	batch := s.asked
	if n := len(batch); n > 0 && heard {
		batch = batch[:1+s.r.IntN(n)]
	}
	s.asked = s.asked[len(batch):]
	logged := s.r.IntN(len(batch) + 1)
	for i, p := range batch {
		real := p.by.i == s.lead && p.by.alive
		if real && (heard || i < logged) {
			s.apply(p.c)
		}
		switch {
		case !p.by.alive || !p.by.reigning:
		case real && heard:
			p.by.leader.Committed(s.now, []replica.Command{p.c})
		default:
			p.by.leader.Uncommitted([]replica.Command{p.c})
		}
	}
}

func (s *sim) apply(c replica.Command) {
	if ft := s.fate[simKey(c.Raw)]; ft != nil {
		ft.stored = true
		ft.returned = ft.returned || len(ft.owners) > 0
	}
	if next, err := s.store.Apply(s.store.Version+1, c); err == nil && next != s.store {
		s.store = next
		for _, w := range next.Writes {
			s.filed[w.Owner] = append(s.filed[w.Owner], w.Entry)
		}
	}
}

// policy has every other run keep archives: where all messages wait for the store,
// little else overtakes.
func (s *sim) policy() archive.Policy {
	return archive.Policy{Default: []string{im.Always, im.Never}[s.seed%2], Messages: 1000}
}

// checkFiled: an archive has each message once, those of a lane to one address in
// its order (RFC 6120 §10.1), and all that a resource of its account was given.
func (s *sim) checkFiled() {
	for owner, list := range s.filed {
		seen, last := make(map[string]bool), make(map[string]uint64)
		for _, e := range list {
			f := simFields(e.Raw)
			var n uint64
			fmt.Sscan(f[4], &n)
			if key := simKey(e.Raw); seen[key] {
				s.fail("doubled", "stanza %s is in the archive of %s twice", key, owner)
			} else if seen[key] = true; n <= last[f[3]+bareString(e.With)] {
				s.fail("reordered", "stanza %s is in the archive of %s behind number %d of its lane", key, owner, last[f[3]+bareString(e.With)])
			}
			last[f[3]+bareString(e.With)] = n
		}
		for _, d := range s.log {
			if ft := s.fate[d.stanza]; ft.class == MessageChat && bareString(d.jid) == owner && !seen[d.stanza] {
				s.fail("lost", "stanza %s was given to %s and is not in the archive", d.stanza, d.jid)
			}
		}
	}
}

// barrier decides about all that a former leader proposed before the next one
// begins: some first part of it made it into the log.
func (s *sim) barrier() {
	if len(s.asked) == 0 {
		return
	}
	for _, p := range s.asked[:s.r.IntN(len(s.asked)+1)] {
		if p.by.i == s.lead {
			s.apply(p.c)
		}
	}
	s.asked = nil
}

// kept reports whether a stanza is in the store.
func (s *sim) kept(stanza string) bool {
	for _, u := range s.store.Users.All() {
		for _, m := range u.Offline {
			if simKey(m.Raw) == stanza {
				return true
			}
		}
	}
	return false
}

package router

import (
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/archive"
)

// deliver checks the first two invariants at the owner.
func (s *sim) deliver(n *simNode, from NodeID, m Msg) {
	set := n.edge.Owner.seen[m.Frame.ID.Inc]
	had := set != nil && set.has(m.Frame.ID.Seq, m.Sub)
	o := n.edge.Owner.sessions[m.SID]
	size := func() int {
		if o == nil {
			return 0
		}
		if o.counts {
			return int(o.out()) + len(o.box)
		}
		return len(o.sink.(*simSession).out) + len(o.box)
	}
	before := size()
	epoch := n.edge.epoch
	s.edgeReceive(n, from, m)
	took := size() > before
	switch {
	case took && had:
		s.fail("doubled", "node %s accepted %v sub %d again", s.id(n.i), m.Frame.ID, m.Sub)
	case took && m.Epoch != epoch:
		s.fail("fence", "node %s accepted %v from epoch %v, its own is %v", s.id(n.i), m.Frame.ID, m.Epoch, epoch)
	}
	if took && s.bad != nil && s.bad.accepted != nil {
		s.bad.accepted(n, m)
	}
	if ft := s.fate[simKey(m.Frame.Raw)]; took && ft != nil && !simCopy(m.Frame.Raw) {
		ft.returned = ft.returned || m.Frame.Requeue != SID{}
		if len(ft.owners) == 0 {
			ft.first = o.JID
		}
		ft.owners = append(ft.owners, n.inc)
	}
}

// note records which living edges a serving leader goes on without.
func (s *sim) note(n *simNode) {
	if n.leader.phase != serving {
		return
	}
	for id, p := range n.leader.peers {
		if o := s.node[id[0]-'a']; o.alive && !p.synced {
			s.absent[o.inc] = true
		}
	}
}

// write moves what a session's outbox holds to its application.
func (s *sim) write(x *simSession) {
	for _, raw := range x.out {
		f := simFields(raw)
		if f == nil {
			continue
		}
		var c Class
		var d uint64
		fmt.Sscan(f[0], &c)
		fmt.Sscan(f[4], &d)
		if c.IsPresence() {
			continue
		}
		if simCopy(raw) {
			s.copies = append(s.copies, delivery{simKey(raw), x.jid, f[3], d, x.n.inc, x.sid})
			continue
		}
		if c == MessageError {
			if ft := s.fate[simKey(raw)]; ft != nil {
				ft.errors++
			}
			continue
		}
		s.log = append(s.log, delivery{simKey(raw), x.jid, f[3], d, x.n.inc, x.sid})
	}
	x.out = nil
}

// simFault is a broken invariant.
type simFault struct {
	kind string // doubled, reordered, lost, contradicted, fence, stuck
	text string
}

func (f *simFault) Error() string { return f.kind + ": " + f.text }

func (s *sim) fail(kind, format string, a ...any) {
	panic(&simFault{kind, fmt.Sprintf("seed %d at %d ms: ", s.seed, s.now) + fmt.Sprintf(format, a...)})
}

// ownerLost reports whether a stanza was ever with an edge that an epoch went
// on without, or that died: the claim is for owners that survive, also for those
// that only had it in between.
func (s *sim) ownerLost(stanza string) bool {
	for _, o := range s.fate[stanza].owners {
		if s.absent[o] || s.died[o] {
			return true
		}
	}
	return false
}

func (s *sim) check() {
	seen := make(map[string]delivery) // by stanza, and by recipient where every resource gets it
	got := make(map[string]bool)
	last := make(map[string]uint64)
	for _, d := range s.log {
		if s.died[d.inc] {
			continue // the recipient's node did not survive
		}
		one := d.stanza
		key := d.lane + ">" + d.jid
		if ft := s.fate[one]; ft.class == MessageHeadline {
			if ft.returned {
				continue
			}
			part := fmt.Sprint(" ", d.sid) // a fresh bind is a resource of its own
			one, key = one+part, key+part
		}
		if s.fate[d.stanza].stored {
			key = "stored " + key
		}
		if p, ok := seen[one]; ok && !s.ownerLost(d.stanza) {
			s.fail("doubled", "stanza %s delivered to %s on %v and to %s on %v", d.stanza, p.jid, p.inc, d.jid, d.inc)
		}
		seen[one], got[d.stanza] = d, true
		if s.ownerLost(d.stanza) {
			continue
		}
		if ft := s.fate[d.stanza]; ft.stored && ft.returned {
			continue // it has its second place in the store
		} else if ft.returned && ft.first != d.jid {
			continue // it tells when it came
		}
		if d.n <= last[key] {
			s.fail("reordered", "stanza %s reached %s after number %d of its lane", d.stanza, d.jid, last[key])
		}
		last[key] = d.n
	}
	for k, ft := range s.fate {
		if ft.class == MessageHeadline {
			continue // RFC 6121 §8.5.2: to nobody or to many, and not always answered
		}
		got := got[k]
		excused := s.died[ft.lane.n.inc] || ft.lane.over && !got
		for _, o := range ft.owners {
			// A session that ended returned it, and its error finds no sender while
			// the sender's edge is cut off.
			excused = excused || s.died[o] || s.absent[ft.lane.n.inc]
		}
		if s.kept(k) {
			if got && !s.ownerLost(k) {
				s.fail("doubled", "stanza %s was delivered and is still in the store", k)
			}
			continue
		}
		if !got && ft.errors == 0 && ft.bounced == 0 && !excused && !s.copied(k) && !s.leftInArchive(k) {
			s.fail("lost", "stanza %s to %s is lost (owners %v)", k, ft.to, ft.owners)
		}
		excused = excused || s.ownerLost(k)
		if got && ft.errors > 0 && ft.bounced == 0 && !excused {
			s.fail("contradicted", "stanza %s was delivered and answered with an error", k)
		}
	}
	s.checkCopies()
	s.checkFiled()
	s.checkRest()
}

// simCopy reports whether a stanza is a copy of another (XEP-0280).
func simCopy(raw []byte) bool { return strings.Contains(string(raw), "<forwarded") }

// copied reports whether the recipient of a stanza has it as a copy, made when
// another of its sessions was to have it.
func (s *sim) copied(stanza string) bool {
	return slices.ContainsFunc(s.copies, func(d delivery) bool {
		return d.stanza == stanza && bareString(d.jid) == bareString(s.fate[stanza].to)
	})
}

// leftInArchive reports whether a stanza that a session took, and may have returned, is
// in the archive of its account: of sessions that have copies none gets it then.
func (s *sim) leftInArchive(stanza string) bool {
	ft := s.fate[stanza]
	return len(ft.owners) > 0 && slices.ContainsFunc(s.filed[bareString(ft.to)], func(e archive.Entry) bool { return simKey(e.Raw) == stanza })
}

// checkCopies finds copies that came twice, that reached who sent the message or
// got it, or that came out of order.
func (s *sim) checkCopies() {
	type pair struct {
		stanza string
		sid    SID
	}
	got := make(map[pair]bool)
	for _, d := range s.log {
		got[pair{d.stanza, d.sid}] = true
	}
	last := make(map[string]uint64)
	for _, d := range s.copies {
		if s.died[d.inc] || s.ownerLost(d.stanza) || s.fate[d.stanza].stored || s.fate[d.stanza].returned {
			continue
		}
		if p := (pair{d.stanza, d.sid}); got[p] {
			s.fail("doubled", "a copy of %s came to %s on %v, which has it", d.stanza, d.jid, d.inc)
		} else {
			got[p] = true
		}
		key := fmt.Sprint(d.lane, s.fate[d.stanza].to, d.sid)
		if d.n <= last[key] {
			s.fail("reordered", "a copy of %s reached %s after number %d of its lane", d.stanza, d.jid, last[key])
		}
		last[key] = d.n
	}
}

// checkRest finds what is left over when everything has healed.
func (s *sim) checkRest() {
	for i, n := range s.node {
		if f, b, _ := n.edge.Source.Kept(); f > 0 {
			s.fail("stuck", "node %s still keeps %d frames, %d bytes, after everything healed", s.id(i), f, b)
		}
		for sid, o := range n.edge.Owner.sessions {
			if o.state != live {
				s.fail("stuck", "session %v of node %s is stuck in state %d", sid, s.id(i), o.state)
			}
		}
	}
}

package router

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"quorate.org/daemon/im"
)

// What a client is told of others, because it signs in or because they say something,
// must not end its session: a part for whoever asked is paced by what it confirms, any
// other is left out where there is no room.
const (
	pacedShare = 4 // eighths of a queue, of an outbox and of a node's total that paced parts fill
	spareShare = 6 // … that others may fill; the rest is for stanzas that somebody sent

	// paceWait is how long, in milliseconds, a client is waited for with all the parts of
	// a frame until what does not fit is left out.
	paceWait = 10_000
	// paceAgain is how long a client waits, in milliseconds, whose owner had no room.
	paceAgain = 200
	// paceFlight is how many bytes are on their way to a session whose owner decides.
	paceFlight = 128 << 10

	paceLater = math.MaxInt64 // until the clock says how long that is
)

// pacing is the paced parts of a frame that were not sent yet, or may come back.
type pacing struct {
	rest   []part
	away   map[uint64]part // given to an owner that may have no room
	flight int             // bytes of those
	since  int64           // it waits; 0 when the clock has not seen it
	again  int64           // nothing is tried before
}

// paceKey is what has paced parts: the latest frame of a kind that a session sent has
// those of the others before it, so that a session has few frames that wait.
type paceKey struct {
	of    SID
	class Class
	turn  bool
}

func paceKeyOf(f *Frame) paceKey { return paceKey{f.Lane, f.Class, f.Mark&MarkTurn != 0} }

// fits reports whether n bytes more leave enough of a bound, or are all there is.
func fits(has, n, bound, share int) bool {
	return has+n <= bound/8*share || has == 0 && n <= bound
}

// room reports whether a part of n bytes may be added to the queue of a session that
// has a copy here, which is never behind what its owner holds.
func (c *scale) room(s *session, n, share int) bool {
	if !c.has(s, n, share) {
		return false
	}
	c.held[s.edge] += n + nameWeight
	return true
}

// has is room for a part that is not added yet.
func (c *scale) has(s *session, n, share int) bool {
	n += nameWeight
	return fits(s.size, n, s.Bound, share) && c.of(s.edge)+n <= c.l.total/8*share
}

// scale knows, for one round, what the clients of each edge that can resume have not
// confirmed.
type scale struct {
	l    *Leader
	held map[*peer]int
}

func (c *scale) of(p *peer) int {
	if c.held == nil {
		c.held = make(map[*peer]int)
		for _, s := range c.l.tokens {
			c.held[s.edge] += s.size
		}
	}
	return c.held[p]
}

// pace sends what there is room for of the paced parts of a frame, in their order.
func (l *Leader) pace(c *scale, now int64, p *pending) {
	late := l.late(now, p)
	if now < p.again && !late {
		return
	}
	for len(p.rest) > 0 && l.paceOne(c, p, &p.rest[0], late) {
		p.rest = p.rest[1:]
	}
}

// late reports whether a frame has waited as long as it may. That is less than
// paceWait where half of its source's window is behind it: what others send must not
// wait for it.
func (l *Leader) late(now int64, p *pending) bool {
	id := p.f.ID
	src := l.incs[id.Inc]
	held := src != nil && src.inc == id.Inc && src.newest >= id.Seq+uint64(l.window/2)
	return held || p.since != 0 && now-p.since >= paceWait
}

// paceOne sends a part, or leaves it out; false says that it has to wait.
func (l *Leader) paceOne(c *scale, p *pending, first *part, late bool) (done bool) {
	q := *first
	s := q.to
	if l.sessions[s.SID] != s || s.Closing || !s.edge.synced || slices.Contains(l.reported[p.f.ID], q.sub) {
		return true
	}
	if q.size > 0 && !late && s.Record != nil && s.move == nil && !c.has(s, q.size, pacedShare) {
		return false // making it takes time
	}
	raw := q.make()
	switch {
	case raw == nil: // it is so no more
		return true
	case s.Record == nil && late:
		return true
	case s.Record == nil && p.flight > 0 && p.flight+len(raw) > paceFlight:
		return false
	case s.Record == nil:
		if p.away == nil {
			p.away = make(map[uint64]part)
		}
		q.raw = raw
		p.away[q.sub] = q
		p.flight += len(raw)
		l.handPart(p, q, MarkPaced)
		return true
	case s.move != nil || late: // what does not fit now never does
		if s.move != nil && s.move.given || !c.room(s, len(raw), spareShare) {
			return true
		}
	case len(raw)+nameWeight > s.Bound:
		return true
	case !c.room(s, len(raw), pacedShare):
		first.size = len(raw)
		return false
	}
	q.raw = raw
	l.handPart(p, q, 0)
	return true
}

// names reports whether a part waits, or is on its way.
func (p *pacing) names(sub uint64) bool {
	_, away := p.away[sub]
	return away || slices.ContainsFunc(p.rest, func(q part) bool { return q.sub == sub })
}

// succeed has a frame take what an earlier one of its kind has not sent: so a session
// that repeats itself has no more that waits.
func (l *Leader) succeed(p *pending) {
	key := paceKeyOf(p.f)
	old := l.paced[key]
	if len(p.rest) == 0 || old == nil || l.pending[old.f.ID] != old {
		return
	}
	p.rest = append(slices.DeleteFunc(old.rest, func(q part) bool { return p.names(q.sub) }), p.rest...)
	old.rest = nil
	delete(l.paced, key)
	if old.left == 0 {
		l.resolve(old.f.ID)
	}
}

func (l *Leader) handPart(p *pending, q part, mark Mark) {
	f := p.f
	p.left++
	l.hand(q.to, Msg{Sub: q.sub, Frame: &Frame{ID: f.ID, Low: f.Low, Time: f.Time, Lane: q.lane, Class: q.class, Mark: mark, Raw: q.raw}})
}

// cameBack takes a paced part whose owner has answered.
func (l *Leader) cameBack(p *pending, m Msg) {
	q, ok := p.away[m.Sub]
	if !ok {
		return
	}
	delete(p.away, m.Sub)
	p.flight -= len(q.raw)
	if m.Verdict != Busy {
		return
	}
	key := paceKeyOf(p.f)
	heir := l.paced[key]
	if heir == nil {
		heir, l.paced[key] = p, p
	}
	if !heir.names(q.sub) {
		q.raw = nil
		heir.rest = append([]part{q}, heir.rest...)
	}
	heir.again = paceLater
}

// paceAll goes on with the frames that have paced parts.
func (l *Leader) paceAll(now int64) {
	c := &scale{l: l}
	for _, key := range sortedPaced(l.paced) {
		p := l.paced[key]
		id := p.f.ID
		if l.pending[id] != p {
			delete(l.paced, key)
			continue
		}
		if p.since == 0 {
			p.since = now
		}
		if p.again == paceLater {
			p.again = now + paceAgain
		}
		l.pace(c, now, p)
		if len(p.rest)+len(p.away) > 0 {
			continue
		}
		delete(l.paced, key)
		if p.left == 0 {
			l.resolve(id)
		}
	}
}

func sortedPaced(m map[paceKey]*pending) []paceKey {
	list := make([]paceKey, 0, len(m))
	for key := range m {
		list = append(list, key)
	}
	slices.SortFunc(list, func(x, y paceKey) int {
		a, b := m[x].f.ID, m[y].f.ID
		return cmp.Or(bytes.Compare(a.Inc[:], b.Inc[:]), cmp.Compare(a.Seq, b.Seq))
	})
	return list
}

// refuses reports whether the owner has no room for a part that it may leave out or
// send back.
func (o *Owner) refuses(s *owned, f *Frame) bool {
	share := pacedShare
	if f.Mark&MarkSpare != 0 {
		share = spareShare
	}
	switch {
	case f.Mark&(MarkPaced|MarkSpare) == 0, s == nil, s.state != live, s.counts && s.Token != "": // of which the leader decides
		return false
	case s.counts:
		n := len(f.Raw) + nameWeight
		return !fits(s.size, n, s.Bound, share) || o.queued+n > o.bound/8*share
	}
	return s.sink != nil && !s.sink.Room(len(f.Raw), share)
}

// shownTo is the presence of a session for another one, as long as it is to see that.
func (l *Leader) shownTo(s, o *session, bare, of string) []byte {
	if l.sessions[o.SID] != o || o.Closing || !o.Available || len(o.Presence) == 0 || l.apart(o.JID, s.JID) {
		return nil
	}
	if of != bare && l.state().User(bare).Contact(of).State&im.To == 0 {
		return nil
	}
	return im.AppendTo(nil, l.shown(o.Presence, of), bare)
}

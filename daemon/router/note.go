package router

import (
	"maps"
	"slices"

	"quorate.org/daemon/im"
)

// maxDirected is to how many addresses a session may have sent presence: past it
// the end of its presence is not told to more.
const maxDirected = 256

// maxDirectedBytes is how long these addresses are together: a report has those of each session that can resume.
const maxDirectedBytes = 16 << 10

// note keeps what a session's own stanza says of it, so that SYNC reports it.
func (s *owned) note(f *Frame) {
	before, now := s.Available, f.Class == PresenceAvailable
	if len(f.To) != 0 {
		before = s.Directed[string(f.To)]
	}
	if before != now && (now || f.Class == PresenceUnavailable) {
		f.Mark |= MarkTurn
	}
	s.Claim.note(f)
	s.Record.note(f)
}

// farewell says on a session's behalf that it is not available any more, when
// its stream ends without a word (RFC 6121 §4.5.2). It goes before UNBIND and
// CLOSED on the same link, so no session after this one is overtaken.
func (e *Edge) farewell(s *owned) {
	if s.Presence != nil {
		e.Submit(&Frame{Class: PresenceUnavailable, Lane: s.SID, LaneSeq: s.Sent, Time: e.wall(),
			Raw: im.AppendPresence(nil, "unavailable", s.JID, "", "")})
	}
	e.leaveDirected(s, 0) // it may have sent no other presence
}

// leaveDirected tells those whom a session sent presence to (RFC 6121 §4.6.3):
// whoever is subscribed only when there was no broadcast, which turn tells.
func (e *Edge) leaveDirected(s *owned, turn Mark) {
	mark := MarkTurn
	if turn != 0 {
		mark |= MarkLeave
	}
	list := slices.Sorted(maps.Keys(s.Directed))
	s.Directed = nil
	for _, to := range list {
		e.Submit(&Frame{Class: PresenceUnavailable, Mark: mark, Lane: s.SID, LaneSeq: s.Sent, Time: e.wall(), To: []byte(to),
			Raw: im.AppendPresence(nil, "unavailable", s.JID, to, "")})
	}
}

// announce says again who is available here. This edge was without a leader for
// so long that others may have taken it for gone (rule 12).
func (e *Edge) announce() {
	for _, s := range e.in(live) {
		if s.Presence != nil {
			e.Source.Submit(&Frame{Class: PresenceAvailable, Mark: MarkTurn, Present: s.Priority, Lane: s.SID,
				LaneSeq: s.Sent, Time: e.wall(), Raw: s.Presence}, e.sendFrame)
		}
	}
}

// see notes whose presence a client is shown, and to whom its own is not: what the
// server refuses of it comes without a lane.
func (r *Record) see(f *Frame) {
	if f.Class == PresenceError && f.Lane == (SID{}) && f.Requeue == (SID{}) {
		delete(r.Directed, im.Sender(f.Raw).String())
		return
	}
	if f.Lane == (SID{}) || !f.Class.IsPresence() {
		return
	}
	switch from := im.Attr(f.Raw, "from"); f.Class {
	case PresenceAvailable:
		if r.Shown == nil {
			r.Shown = make(map[string]SID)
		}
		r.Shown[from] = f.Lane
	case PresenceUnavailable:
		delete(r.Shown, from)
	}
}

// ghost is somebody that a client was shown and that is not there any more.
type ghost struct {
	from string
	of   SID
}

// vanished takes those out of what a client was shown that are gone with their
// edge (rule 12): their start of a node is not there any more, nor does another
// edge have their session.
func (r *Record) vanished(g *Go) (gone []ghost) {
	for _, from := range slices.Sorted(maps.Keys(r.Shown)) {
		if s := r.Shown[from]; !slices.Contains(g.Live, s.Inc) && !slices.Contains(g.Kept, s) {
			delete(r.Shown, from)
			gone = append(gone, ghost{from, s})
		}
	}
	return gone
}

// ghosts tells every client that those it was shown are gone with their edge
// (rule 12). To a resumable session the leader tells it.
func (e *Edge) ghosts(g *Go) {
	if !g.Sure {
		return
	}
	for _, s := range sorted(e.Owner.sessions) {
		if s.state != live || s.Token != "" {
			continue
		}
		for _, x := range s.vanished(g) {
			e.say(s, im.AppendPresence(nil, "unavailable", x.from, s.JID, ""))
		}
	}
}

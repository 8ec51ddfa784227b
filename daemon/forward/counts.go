package forward

import (
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/router"
)

// The bounds of this room, by the settings that have them.
const (
	boundTime   = "cluster.queue_time"
	boundBytes  = "cluster.queue_bytes"
	boundFrames = "cluster.queue_frames"
	boundQueue  = "xmpp.resume_queue"
	boundTotal  = "xmpp.resume_total"
	boundWait   = "xmpp.resume_time"

	boundAccount = "xmpp.max_" // and the name of a limit of an account
	boundPage    = "xmpp.archive_page"
)

// counts is what the node has met with since it was made; guarded by its mutex.
// Numbers only grow.
type counts struct {
	bounced     uint64 // frames that waited longer than queue_time
	many, large uint64 // stanzas that waited for room: frames, bytes
	opened      uint64 // epochs in which traffic flowed
	epoch       router.Epoch
	committed   uint64 // entries
	uncommitted uint64
	committing  time.Duration
	reached     map[string]uint64 // by the limit of an account, or archive.LimitPage
}

// countLimit notes that an account has as much as it may. The caller holds the lock.
func (n *Node) countLimit(limit string) {
	if n.counts.reached == nil {
		n.counts.reached = map[string]uint64{}
	}
	n.counts.reached[limit]++
}

// countFull notes a stanza that has to wait, and for what. The caller holds the
// lock.
func (n *Node) countFull(account string) {
	if n.edge.Source.Many(account) {
		n.counts.many++
		return
	}
	n.counts.large++
}

// countOpen notes that traffic flows in a new epoch. The caller holds the lock.
func (n *Node) countOpen() {
	if _, e, open := n.edge.Leader(); open && e != n.counts.epoch {
		n.counts.epoch = e
		n.counts.opened++
	}
}

// Seen is what forwarding holds, and has met with since it was made.
type Seen struct {
	Frames, Bytes int           // not answered for
	Oldest        time.Duration // how long the first of them waits
	Open          bool          // traffic flows
	Opened        uint64        // how often that began
	Bounced       uint64
	Leads         bool
	Load          router.Load
	Proposed      int         // commands for the store
	Kept          router.Kept // of sessions with stream management
	Committed     uint64
	Uncommitted   uint64
	Committing    time.Duration
	Reached       map[string]uint64 // by the setting of the bound, every one of the room
}

// Seen returns the counts.
func (n *Node) Seen() Seen {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, r := n.counts, n.edge.Owner.Kept()
	s := Seen{Kept: r, Opened: c.opened, Bounced: c.bounced, Load: n.leader.Load(), Proposed: len(n.proposed),
		Committed: c.committed, Uncommitted: c.uncommitted, Committing: c.committing,
		Reached: map[string]uint64{boundTime: c.bounced, boundBytes: c.large, boundFrames: c.many,
			boundQueue: r.Reached.Queue, boundTotal: r.Reached.Total, boundWait: r.Reached.Time, boundPage: c.reached[archive.LimitPage]}}
	for _, limit := range im.LimitNames {
		s.Reached[boundAccount+limit] = c.reached[limit]
	}
	var since int64
	s.Frames, s.Bytes, since = n.edge.Source.Kept()
	if s.Frames > 0 && since > 0 {
		s.Oldest = time.Duration(n.now()-since) * time.Millisecond
	}
	_, _, s.Open = n.edge.Leader()
	_, s.Leads = n.leader.Serving()
	return s
}

package node

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/gossip"
	"quorate.org/daemon/journal"
)

// sight is the cluster as it was last looked at, for the journal to tell what
// has changed. The follow loop owns it.
type sight struct {
	looked   bool
	cluster  string // ID; empty in none
	leader   string // name
	leaderID string
	inquorum bool // fewer than a majority can be reached
	quorum   quorum
	members  map[string]seenMember
}

// quorum is what is known of a cluster's quorum. A node that starts reaches
// nobody at first: that is no loss.
type quorum struct {
	had   bool      // a majority could be reached before
	since time.Time // when it could be no more; zero while it can
	told  bool      // the journal has that
}

type seenMember struct {
	name                string
	self, voter, failed bool
}

// event is one record for the journal.
type event struct {
	id    journal.MessageID
	level slog.Level
	text  string
	attrs []any
}

func sightOf(v cluster.View) sight {
	s := sight{looked: true, cluster: v.ClusterID, members: map[string]seenMember{}}
	if v.ClusterID == "" {
		return s // a node that stands alone leads itself: no news
	}
	s.leaderID, s.leader = v.LeaderID, nameOf(v, v.LeaderID)
	s.inquorum = v.Voters > 0 && v.Reachable < v.Needed
	for _, p := range v.Peers {
		s.members[p.ID] = seenMember{p.Name, p.Self, p.Voter, p.Gossip == string(gossip.Failed)}
	}
	return s
}

// settling is how long the links of a node that was started may take, before it
// is told that there is no quorum. A quorum that was there is missed at once.
const settling = 5 * time.Second

// look takes in a new view and returns what to tell of it. The first look tells
// nothing of members: they were there before.
func (s *sight) look(v cluster.View, at time.Time) []event {
	was, now := *s, sightOf(v)
	now.quorum = was.quorum.next(now, v.Voters > 0, was.cluster == now.cluster, at)
	*s = now
	return append(append(changesOfLeader(was, now, v), changesOfQuorum(was, now, v)...), changesOfMembers(was, now)...)
}

// next is what is known of the quorum behind another look. Before the log has
// told the voters, nothing is.
func (q quorum) next(now sight, known, same bool, at time.Time) quorum {
	if !same {
		q = quorum{}
	}
	switch {
	case !known || now.cluster == "":
		return q
	case !now.inquorum:
		return quorum{had: true}
	case q.since.IsZero():
		q.since = at
	}
	q.told = q.told || q.had || at.Sub(q.since) >= settling
	return q
}

func changesOfLeader(was, now sight, v cluster.View) []event {
	switch {
	case now.leaderID != "" && now.leaderID != was.leaderID:
		return []event{{journal.LeaderElected, slog.LevelInfo, now.leader + " leads", []any{"leader", now.leader, "term", v.Term, "state", v.State}}}
	case now.leaderID == "" && was.leaderID != "" && now.cluster == was.cluster:
		return []event{{journal.LeaderLost, slog.LevelWarn, "the leader is lost", []any{"leader", was.leader, "state", v.State}}}
	}
	return nil
}

func changesOfQuorum(was, now sight, v cluster.View) []event {
	counts := []any{"reachable", v.Reachable, "needed", v.Needed}
	switch {
	case now.quorum.told && !was.quorum.told:
		text := fmt.Sprintf("no quorum: %d of %d voters reachable, %d needed", v.Reachable, v.Voters, v.Needed)
		return []event{{journal.QuorumLost, slog.LevelWarn, text, counts}}
	case was.quorum.told && now.quorum.had && !now.quorum.told:
		return []event{{journal.QuorumRegained, slog.LevelInfo, "quorum regained", counts}}
	}
	return nil
}

func changesOfMembers(was, now sight) (out []event) {
	same := was.cluster == now.cluster
	for id, m := range now.members {
		old := was.members[id]
		attrs := []any{"node_id", id, "name", m.name}
		switch {
		case m.voter && !old.voter && was.looked && (same || m.self && was.cluster == ""):
			out = append(out, event{journal.NodeJoined, slog.LevelInfo, m.name + " has joined the cluster", attrs})
		case m.failed && !old.failed:
			out = append(out, event{journal.NodeFailed, slog.LevelWarn, m.name + " does not answer", attrs})
		case same && old.failed && !m.failed:
			out = append(out, event{journal.NodeReturned, slog.LevelInfo, m.name + " answers again", attrs})
		}
	}
	for id, m := range was.members {
		if _, still := now.members[id]; !still && (same || m.self && now.cluster == "") {
			out = append(out, event{journal.NodeLeft, slog.LevelInfo, m.name + " has left the cluster", []any{"node_id", id, "name", m.name}})
		}
	}
	return out
}

// tell journals events.
func (n *Node) tell(events []event) {
	for _, e := range events {
		n.log.Log(context.Background(), e.level, e.text, append(e.attrs, journal.ID(e.id))...)
	}
}

package node

import (
	"context"
	"fmt"
	"log/slog"

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
	members  map[string]seenMember
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

// look takes in a new view and returns what to tell of it. The first look tells
// nothing of members: they were there before.
func (s *sight) look(v cluster.View) []event {
	was, now := *s, sightOf(v)
	*s = now
	return append(changesOfLeader(was, now, v), changesOfMembers(was, now)...)
}

func changesOfLeader(was, now sight, v cluster.View) (out []event) {
	switch {
	case now.leaderID != "" && now.leaderID != was.leaderID:
		out = append(out, event{journal.LeaderElected, slog.LevelInfo, now.leader + " leads", []any{"leader", now.leader, "term", v.Term, "state", v.State}})
	case now.leaderID == "" && was.leaderID != "" && now.cluster == was.cluster:
		out = append(out, event{journal.LeaderLost, slog.LevelWarn, "the leader is lost", []any{"leader", was.leader, "state", v.State}})
	}
	counts := []any{"reachable", v.Reachable, "needed", v.Needed}
	switch {
	case now.inquorum && !was.inquorum:
		text := fmt.Sprintf("no quorum: %d of %d voters reachable, %d needed", v.Reachable, v.Voters, v.Needed)
		out = append(out, event{journal.QuorumLost, slog.LevelWarn, text, counts})
	case was.inquorum && !now.inquorum && now.cluster != "":
		out = append(out, event{journal.QuorumRegained, slog.LevelInfo, "quorum regained", counts})
	}
	return out
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

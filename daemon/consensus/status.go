package consensus

import (
	"slices"
	"time"

	"github.com/hashicorp/raft"
)

// Role is what raft makes of this node at the moment.
type Role string

// The roles.
const (
	Leader    Role = "leader"
	Follower  Role = "follower"
	Candidate Role = "candidate"
	Stopped   Role = "stopped"
)

// Status is a consistent look at the consensus from this node.
type Status struct {
	Role        Role
	Term        uint64
	LeaderID    string    // "" when no leader is known
	LeaderSince time.Time // when this node first saw this leader in this term; zero without a leader

	LastIndex    uint64 // of the log
	CommitIndex  uint64
	AppliedIndex uint64

	Voters    []string // node IDs of the newest configuration, committed or not, sorted
	Nonvoters []string

	LastContact time.Time // when a follower last heard the leader; zero if never, and on the leader
	Peers       []Peer    // the other nodes of the configuration, sorted by ID; only on the leader
}

// Peer is what the leader knows of another node.
type Peer struct {
	ID          string
	Voter       bool
	LastContact time.Time // of its last answer in this term; zero if it never answered
	LastIndex   uint64    // of its log, as it last said
	Lag         uint64    // log entries it is behind
}

// Status returns the present state of affairs. Role, Term and LeaderID belong
// together.
func (n *Node) Status() Status {
	s := Status{}
	for {
		s.Term = n.raft.CurrentTerm()
		_, leader := n.raft.LeaderWithID()
		s.LeaderID = string(leader)
		s.Role = role(n.raft.State())
		_, again := n.raft.LeaderWithID()
		if s.Term == n.raft.CurrentTerm() && leader == again {
			break
		}
	}
	if s.Role == Leader {
		s.LeaderID = n.id // raft takes the role a moment before it tells the name
	}
	s.LeaderSince = n.watch.leaderSince(s.LeaderID, s.Term)
	s.LastIndex, s.CommitIndex, s.AppliedIndex = n.raft.LastIndex(), n.raft.CommitIndex(), n.raft.AppliedIndex()
	if s.Role != Leader {
		s.LastContact = n.raft.LastContact()
	}
	n.describeServers(&s)
	return s
}

func (n *Node) describeServers(s *Status) {
	for _, server := range n.servers() {
		id, votes := string(server.ID), server.Suffrage == raft.Voter
		if votes {
			s.Voters = append(s.Voters, id)
		} else {
			s.Nonvoters = append(s.Nonvoters, id)
		}
		if s.Role == Leader && id != n.id {
			s.Peers = append(s.Peers, n.peer(id, votes, s))
		}
	}
	slices.Sort(s.Voters)
	slices.Sort(s.Nonvoters)
	slices.SortFunc(s.Peers, func(a, b Peer) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
}

func (n *Node) peer(id string, votes bool, s *Status) Peer {
	note, _ := n.trans.progress.of(id, s.Term)
	p := Peer{ID: id, Voter: votes, LastContact: note.at, LastIndex: min(note.last, s.LastIndex)}
	p.Lag = s.LastIndex - p.LastIndex
	return p
}

func (n *Node) servers() []raft.Server { return n.raft.GetConfiguration().Configuration().Servers }

// suffrage is a node's place in the newest configuration.
type suffrage int

const (
	none suffrage = iota
	nonvoter
	voter
)

func (n *Node) suffrage(id string) suffrage {
	for _, s := range n.servers() {
		switch {
		case string(s.ID) != id:
		case s.Suffrage == raft.Voter:
			return voter
		default:
			return nonvoter
		}
	}
	return none
}

func role(s raft.RaftState) Role {
	switch s {
	case raft.Leader:
		return Leader
	case raft.Candidate:
		return Candidate
	case raft.Shutdown:
		return Stopped
	}
	return Follower
}

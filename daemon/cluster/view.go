package cluster

import (
	"fmt"
	"maps"
	"net"
	"strconv"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/gossip"
)

// The states of a node, as `xmpp cluster status` prints them.
const (
	StateLeader     = "LEADER"
	StateFollower   = "FOLLOWER"
	StateCandidate  = "CANDIDATE"
	StateStandalone = "STANDALONE"
	StateNotJoined  = "NOT JOINED"
	StateNoLeader   = "NO LEADER"
)

// View is the cluster as this node sees it at one moment.
type View struct {
	State       string
	Reason      string // why there is no leader, or why it is not joined
	ClusterID   string
	NodeID      string
	LeaderID    string
	Term        uint64
	LeaderSince time.Time
	Voters      int
	Reachable   int
	Needed      int
	Tolerates   int
	Peers       []PeerView
}

// PeerView is one member as this node sees it.
type PeerView struct {
	ID, Name, Address string
	Leader, Self      bool
	Voter             bool
	Linked            bool          // this node has a link to it
	Gossip            string        // alive, failed, left, unknown
	LastContact       time.Duration // since it was last heard; negative when never since this instance began
	Lag               uint64        // log entries it is behind; only the leader knows, 0 elsewhere and until it has answered
	Version           string
}

func (v View) quorumText() string {
	return fmt.Sprintf("no quorum: %d of %d voters reachable, %d needed", v.Reachable, v.Voters, v.Needed)
}

// View returns the cluster as this node sees it. The quorum is computed from
// the voters, never from gossip.
func (c *Cluster) View() View {
	s, state := c.node.Status(), c.roster()
	v := View{NodeID: c.id.ID, ClusterID: state.ClusterID, Term: s.Term, LeaderID: s.LeaderID, LeaderSince: s.LeaderSince}
	for _, id := range s.Voters {
		v.Voters++
		if id == c.id.ID || c.mesh.Linked(id) {
			v.Reachable++
		}
	}
	v.Needed = v.Voters/2 + 1
	v.Tolerates = max(0, v.Reachable-v.Needed)
	v.Peers = c.peerViews(s)
	switch {
	case c.node.Halted() != nil: // told below
	case c.record.Mode == Standalone:
		v.State = StateStandalone
	case c.Returns():
		v.State, v.Reason = StateNotJoined, "restored from a backup; it asks the members of its cluster to take it back, until they do or xmpp cluster disable ends it"
		if why := c.why.Load(); why != nil && *why != "" {
			v.Reason += "; the last answer: " + *why
		}
	case c.record.Mode == Enabled:
		v.State, v.Reason = StateNotJoined, "neither initialized nor joined; next is xmpp cluster initialize on the first node, xmpp cluster join on the others"
	case c.removed():
		v.State, v.Reason = StateNotJoined, "this node was removed from the cluster; next is xmpp cluster remove, and xmpp cluster join"
	case s.Role == consensus.Leader:
		v.State = StateLeader
	case s.Role == consensus.Candidate:
		v.State = StateCandidate
	case s.LeaderID != "":
		v.State = StateFollower
	}
	if (v.State == StateCandidate || v.State == StateLeader) && v.Reachable < v.Needed {
		v.State = ""
	}
	if v.State == "" {
		v.State, v.LeaderID, v.Reason = StateNoLeader, "", v.quorumText()
		if v.Reachable >= v.Needed {
			v.Reason = "an election is under way"
		}
		if v.Voters == 0 {
			v.Reason = "waiting for the leader's log"
		}
		if why := c.why.Load(); why != nil && *why != "" {
			v.Reason += "; " + *why
		}
	}
	if err := c.node.Halted(); err != nil {
		v.Reason = err.Error()
	}
	return v
}

// Progress returns the last entry of this node's log, the last that is committed
// as far as it knows, and the last that is applied here.
func (c *Cluster) Progress() (last, committed, applied uint64) {
	s := c.node.Status()
	return s.LastIndex, s.CommitIndex, s.AppliedIndex
}

func (c *Cluster) peerViews(s consensus.Status) []PeerView {
	seen := map[string]gossip.Member{}
	c.mu.Lock()
	pool, lost, dead := c.pool, maps.Clone(c.lost), maps.Clone(c.dead)
	c.mu.Unlock()
	if pool != nil {
		for _, m := range pool.Members() {
			seen[m.ID] = m
		}
	}
	progress := map[string]consensus.Peer{}
	for _, p := range s.Peers {
		progress[p.ID] = p
	}
	var list []PeerView
	for _, m := range c.roster().SortedMembers() {
		p := PeerView{ID: m.ID, Name: m.Name, Address: net.JoinHostPort(m.Addr, strconv.Itoa(m.ClientPort)), Leader: m.ID == s.LeaderID,
			Self: m.ID == c.id.ID, Voter: m.Voter, Linked: c.mesh.Linked(m.ID), Gossip: "unknown", LastContact: -1, Version: m.Version}
		if g, ok := seen[m.ID]; ok {
			p.Gossip = string(g.Status)
			if g.Status == gossip.Left && c.mesh.Linked(m.ID) {
				p.Gossip = string(gossip.Alive)
			}
		}
		if dead[m.ID] { // proved, and sooner than gossip says so
			p.Gossip = string(gossip.Failed)
		}
		switch x, ok := progress[m.ID]; {
		case p.Self:
			p.LastContact, p.Gossip = 0, string(gossip.Alive)
		case ok:
			p.LastContact = c.lastHeard(m.ID, lost[m.ID])
			if !x.LastContact.IsZero() { // else it has not answered this leader yet: its lag is not known
				p.LastContact, p.Lag = time.Since(x.LastContact), x.Lag
			}
		case p.Leader && !s.LastContact.IsZero():
			p.LastContact = time.Since(s.LastContact)
		default:
			p.LastContact = c.lastHeard(m.ID, lost[m.ID])
		}
		list = append(list, p)
	}
	return list
}

// lastHeard is for peers that exchange no raft messages with this node: what
// their link tells, or when it was lost.
func (c *Cluster) lastHeard(id string, lost time.Time) time.Duration {
	if ago, ok := c.mesh.Heard(id); ok {
		return ago
	}
	if lost.IsZero() {
		return -1
	}
	return time.Since(lost)
}

package layout

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"quorate.org/daemon/bus"
)

// Cluster is the cluster as this node sees it: the lines of the original first,
// then quorum, term and a table of the peers.
func Cluster(s bus.ClusterStatus) string {
	var b strings.Builder
	fmt.Fprintf(&b, "State: %s\nList of peers\n", s.State)
	peers := leaderLast(s.Peers)
	for _, p := range peers {
		b.WriteString(p.Address)
		if p.Leader {
			b.WriteString(" (Leader)")
		}
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	b.WriteString(Block(narrow, clusterFields(s)))
	if len(peers) > 0 {
		b.WriteByte('\n')
		b.WriteString(peerTable(peers))
	}
	return b.String()
}

func clusterFields(s bus.ClusterStatus) []Field {
	var fields []Field
	if s.Reason != "" {
		fields = append(fields, Field{"Reason", s.Reason})
	}
	// The store of a node in no cluster has a quorum too, of no interest.
	if s.Voters > 0 && s.State != "STANDALONE" && s.State != "NOT JOINED" {
		fields = append(fields, Field{"Quorum", quorum(s)}, Field{"Term", term(s)})
	}
	if s.ClusterID != "" {
		fields = append(fields, Field{"Cluster ID", s.ClusterID})
	}
	return append(fields, Field{"This node", s.NodeID})
}

func quorum(s bus.ClusterStatus) string {
	text := fmt.Sprintf("%d of %s reachable, %d needed, ", s.Reachable, plural(s.Voters, "voter"), s.Needed)
	switch {
	case s.Reachable < s.Needed:
		return text + "no quorum"
	case s.Tolerates == 0:
		return text + "no failure can be tolerated"
	}
	return text + "tolerates " + plural(s.Tolerates, "failure")
}

func term(s bus.ClusterStatus) string {
	text := strconv.FormatUint(s.Term, 10)
	since := moment(s.LeaderSince)
	switch {
	case s.Leader == "":
		return text + ", no leader"
	case since != "":
		return text + ", leader since " + since
	}
	return text
}

// moment shortens an RFC 3339 time to the original's form.
func moment(rfc3339 string) string {
	t, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		return rfc3339
	}
	return t.Format(time.DateTime)
}

// leaderLast orders peers by address, the leader last as the original has it.
func leaderLast(peers []bus.Peer) []bus.Peer {
	sorted := slices.Clone(peers)
	slices.SortFunc(sorted, func(a, b bus.Peer) int {
		return cmp.Or(order(a.Leader)-order(b.Leader), cmp.Compare(a.Address, b.Address), cmp.Compare(a.ID, b.ID))
	})
	return sorted
}

func order(leader bool) int {
	if leader {
		return 1
	}
	return 0
}

func peerTable(peers []bus.Peer) string {
	rows := make([][]string, len(peers))
	for i, p := range peers {
		name := p.Name
		if p.Self {
			name += " (me)"
		}
		rows[i] = []string{name, p.ID, gossip(p), lastContact(p), strconv.FormatUint(p.Lag, 10), p.Version}
	}
	return Table([]string{"NAME", "NODE ID", "STATE", "LAST CONTACT", "LAG", "VERSION"}, rows)
}

func gossip(p bus.Peer) string {
	if !p.Voter {
		return p.Gossip + ", no vote yet"
	}
	return p.Gossip
}

func lastContact(p bus.Peer) string {
	switch {
	case p.Self:
		return "-"
	case p.LastContactMs < 0:
		return "never"
	}
	return (time.Duration(p.LastContactMs) * time.Millisecond).String() + " ago"
}

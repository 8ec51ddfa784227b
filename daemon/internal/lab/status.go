package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"quorate.org/daemon/bus"
)

// ClusterStatus asks the node over SSH.
func (n *Node) ClusterStatus(ctx context.Context) (bus.ClusterStatus, error) {
	out, err := n.Exec(ctx, "xmpp cluster status --json")
	return parseStatus(n, out, err)
}

// ConsoleStatus is ClusterStatus asked at the console of a node that is cut off.
func (n *Node) ConsoleStatus(ctx context.Context) (bus.ClusterStatus, error) {
	out, err := n.Console(ctx, "xmpp cluster status --json")
	return parseStatus(n, out, err)
}

func parseStatus(n *Node, out string, err error) (bus.ClusterStatus, error) {
	var s bus.ClusterStatus
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("reading the status of %s: %w in %q", n.name, err, out)
	}
	return s, nil
}

// Healthy returns nil when the nodes agree on one leader and one list of
// peers, one LEADER, the rest FOLLOWER, every one of them listed once, alive
// and a voter; and each serves.
func (l *Lab) Healthy(ctx context.Context, nodes ...*Node) error {
	if len(nodes) == 0 {
		nodes = l.Members()
	}
	leaders := map[string]bool{}
	states := map[string]int{}
	for _, n := range nodes {
		s, err := n.ClusterStatus(ctx)
		if err != nil {
			return err
		}
		states[s.State]++
		leaders[s.Leader] = true
		if err := n.listsOnce(s, nodes); err != nil {
			return err
		}
		if err := n.serves(ctx); err != nil {
			return err
		}
	}
	if states["LEADER"] != 1 || states["FOLLOWER"] != len(nodes)-1 || len(leaders) != 1 {
		return fmt.Errorf("states are %v with leaders %v", states, leaders)
	}
	return nil
}

// serves checks that the component port is open.
func (n *Node) serves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := n.lab.Dial(ctx, "tcp", n.addr+":5223")
	if err != nil {
		return fmt.Errorf("%s does not serve: %w", n.name, err)
	}
	return conn.Close()
}

// listsOnce checks one node's peer list against the nodes there are.
func (n *Node) listsOnce(s bus.ClusterStatus, nodes []*Node) error {
	seen := map[string]int{}
	for _, p := range s.Peers {
		seen[p.Address]++
		if p.Gossip != "alive" || !p.Voter {
			return fmt.Errorf("%s lists %s (%s) as %s, voter %v", n.name, p.Name, p.Address, p.Gossip, p.Voter)
		}
	}
	for _, want := range nodes {
		if c := seen[want.addr+":5222"]; c != 1 {
			return fmt.Errorf("%s lists %s %d times: %+v", n.name, want.name, c, s.Peers)
		}
	}
	if len(s.Peers) != len(nodes) {
		return fmt.Errorf("%s lists %d peers, want %d: %+v", n.name, len(s.Peers), len(nodes), s.Peers)
	}
	return nil
}

// WaitHealthy waits until Healthy.
func (l *Lab) WaitHealthy(ctx context.Context, limit time.Duration, nodes ...*Node) error {
	return Wait(ctx, limit, "one leader and its followers", func() error { return l.Healthy(ctx, nodes...) })
}

// Leader returns the node that says it is LEADER, and the others. Nodes that
// do not answer are passed over.
func (l *Lab) Leader(ctx context.Context) (leader *Node, others []*Node, err error) {
	for _, n := range l.Members() {
		s, err := n.ClusterStatus(ctx)
		if err == nil && s.State == "LEADER" && leader == nil {
			leader = n
			continue
		}
		others = append(others, n)
	}
	if leader == nil {
		return nil, others, fmt.Errorf("no node says LEADER")
	}
	return leader, others, nil
}

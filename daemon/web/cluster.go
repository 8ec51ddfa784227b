package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// clusterPage is Configuration > Cluster: membership of this node and its
// peers.
func clusterPage() page {
	return page{path: "/configuration/cluster", title: "Cluster", menu: "Configuration", view: viewCluster, act: deeds{
		"enable":     xmppCall((*bus.Xmpp).ClusterEnable, "clustering enabled; next, initialize a new cluster or join one"),
		"initialize": xmppCall((*bus.Xmpp).ClusterInitialize, "cluster initialized; this node is its first member"),
		"join":       joinCluster,
		"remove":     meant(removeNode),
		"leave":      meant(leaveCluster),
		"disable":    meant(xmppCall((*bus.Xmpp).ClusterDisable, "clustering disabled; this node stands alone")),
		"rotate":     xmppCall((*bus.Xmpp).RotateGossipKey, "the cluster has a new gossip key"),
		"recover":    meant(recoverCluster),
		"reset":      meant(resetNode),
	}.act}
}

// clusterQuestions come before what can not be undone.
var clusterQuestions = map[string]question{
	"remove": {Text: "The node is taken out of the cluster and loses its vote. Do this for a node that is dead or will not come back.",
		Button: "Remove the node", Field: "node"},
	"leave": {Text: "This node leaves the cluster and serves no traffic until it joins one again. Its streams end; Call Bridges move to the other nodes.",
		Button: "Leave the cluster"},
	"disable": {Text: "This node leaves the cluster and stands alone. It keeps a copy of the domain, the call bridges and the accounts.",
		Button: "Disable clustering"},
	"recover": {Text: "The other members are given up for lost and this node becomes a cluster of one. Do this only when they will not come back.",
		Button: "Make this node a cluster of one"},
	"reset": {Text: "Everything under XMPP on this node is cleared: domain, call bridges, accounts and settings. The node leaves its cluster and gets a new node ID. Certificates stay in the store.",
		Button: "Reset this node", Force: "Reset even when the node can not leave its cluster"},
}

// membership is what Configuration > Cluster shows.
type membership struct {
	Cluster answer[bus.ClusterStatus]
	Xmpp    answer[bus.XmppStatus]
	Ask     *question
	Risk    string // what recovery may lose, in the service's words
}

// newMembership puts the cluster in words, for other pages too.
func newMembership(c answer[bus.ClusterStatus]) *membership { return &membership{Cluster: c} }

func viewCluster(ctx context.Context, v *visit) (any, error) {
	m, conn := &membership{Ask: v.asked(clusterQuestions)}, v.session.bus
	var wg sync.WaitGroup
	ask(ctx, &wg, &m.Cluster, conn.Xmpp().ClusterStatus)
	ask(ctx, &wg, &m.Xmpp, conn.Xmpp().Status)
	wg.Wait()
	if m.Ask == nil || m.Ask.Action != "recover" {
		return m, nil
	}
	var err error
	if m.Risk, err = conn.Xmpp().ClusterRecover(ctx, false); err != nil {
		m.Ask = nil
	}
	return m, err
}

// Alone, Waiting and Member are the three states of membership.
func (m *membership) Alone() bool { return m.Cluster.Value.State == "STANDALONE" }

// Waiting is enabled and in no cluster.
func (m *membership) Waiting() bool { return m.Cluster.Value.State == "NOT JOINED" }

// Member has a vote, or is to have one.
func (m *membership) Member() bool { return !m.Alone() && !m.Waiting() && m.Cluster.Fault == nil }

// Peers are the members by name, so that each keeps its place when another leads.
func (m *membership) Peers() []bus.Peer {
	return slices.SortedStableFunc(slices.Values(m.Cluster.Value.Peers), func(a, b bus.Peer) int {
		return strings.Compare(cmp.Or(a.Name, a.ID), cmp.Or(b.Name, b.ID))
	})
}

// Words say what the state means for the administrator.
func (m *membership) Words() string {
	c := m.Cluster.Value
	switch c.State {
	case "STANDALONE":
		return "This node stands alone: it serves its domain by itself"
	case "NOT JOINED":
		return "This node is enabled for a cluster and has joined none; it serves no traffic until it has"
	case "LEADER":
		return "This node is a member of the cluster and leads it"
	case "FOLLOWER":
		return "This node is a member of the cluster and follows " + m.leader()
	case "CANDIDATE":
		return "This node is a member of the cluster; a leader is being elected"
	}
	return "The cluster has no leader: " + c.Reason
}

func (m *membership) leader() string {
	for _, p := range m.Cluster.Value.Peers {
		if p.Leader {
			return p.Name
		}
	}
	return "its leader"
}

// Quorum says how many voters may fail, a pair of them with a warning.
func (m *membership) Quorum() verdict {
	c := m.Cluster.Value
	text := fmt.Sprintf("%d of %d voters reachable, %d needed", c.Reachable, c.Voters, c.Needed)
	switch {
	case c.Reachable < c.Needed:
		return verdict{"bad", text + ": no quorum, changes are refused and traffic waits"}
	case c.Tolerates <= 0:
		return verdict{"warn", text + ": no failure can be tolerated; three nodes survive one"}
	case c.Tolerates == 1:
		return verdict{"ok", text + "; tolerates 1 failure"}
	}
	return verdict{"ok", fmt.Sprintf("%s; tolerates %d failures", text, c.Tolerates)}
}

// Heard says when a peer was last in contact.
func (m *membership) Heard(p bus.Peer) string {
	switch {
	case p.Self:
		return "this node"
	case p.LastContactMs < 0:
		return "never"
	case p.LastContactMs < 1000:
		return fmt.Sprintf("%d ms ago", p.LastContactMs)
	}
	return fmt.Sprintf("%d s ago", p.LastContactMs/1000)
}

// xmppCall is a deed that is one call of the XMPP service.
func xmppCall(call func(*bus.Xmpp, context.Context) error, done string) deed {
	return func(ctx context.Context, v *visit) (string, error) {
		if err := call(v.session.bus.Xmpp(), ctx); err != nil {
			return "", err
		}
		return done, nil
	}
}

func joinCluster(ctx context.Context, v *visit) (string, error) {
	host := v.text("host")
	if host == "" {
		v.blame("host", "give the name or the address of any member of the cluster")
		return "", v.refusal()
	}
	if err := v.session.bus.Xmpp().ClusterJoin(ctx, host); err != nil {
		return "", v.about("host", err)
	}
	return "joined the cluster of " + host + "; this node has its vote", nil
}

// removeNode evicts another node. An empty name would take this one out, which
// is another button.
func removeNode(ctx context.Context, v *visit) (string, error) {
	node := v.text("node")
	if node == "" {
		return "", fault.Mend(fault.InvalidArgument, "the form names no node", "press Remove beside the node")
	}
	if err := v.session.bus.Xmpp().ClusterRemove(ctx, node); err != nil {
		return "", err
	}
	return node + " removed from the cluster", nil
}

func leaveCluster(ctx context.Context, v *visit) (string, error) {
	if err := v.session.bus.Xmpp().ClusterRemove(ctx, ""); err != nil {
		return "", err
	}
	return "this node has left the cluster", nil
}

func recoverCluster(ctx context.Context, v *visit) (string, error) {
	if _, err := v.session.bus.Xmpp().ClusterRecover(ctx, true); err != nil {
		return "", err
	}
	return "this node is a cluster of one; join fresh nodes to it", nil
}

// resetNode clears the settings last: leaving the cluster takes the node's
// certificate.
func resetNode(ctx context.Context, v *visit) (string, error) {
	conn := v.session.bus
	if err := conn.Xmpp().Reset(ctx, v.form.Get("force") != ""); err != nil {
		return "", err
	}
	list, err := conn.Config().Settings(ctx)
	if err != nil {
		return "", halfReset(err)
	}
	var keys []string
	for _, s := range list {
		if section, _, _ := strings.Cut(s.Key, "."); section == "xmpp" || section == "cluster" || section == "gossip" {
			keys = append(keys, s.Key)
		}
	}
	if _, err := conn.Config().Unset(ctx, keys); err != nil {
		return "", halfReset(err)
	}
	return "XMPP configuration cleared; this node has a new node ID", nil
}

// halfReset says what has happened all the same.
func halfReset(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	return fault.Mend(f.Code, "the node has a new node ID, but its settings are still there: "+f.Message, "reset it again")
}

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// joinRequest is a node's wish to become a member, with the entries it brings.
type joinRequest struct {
	Member  replica.Member `json:"member"`
	Entries *replica.State `json:"entries"`
	Cluster string         `json:"cluster,omitempty"` // the one it means, if it has been a member before
	Relayed bool           `json:"relayed,omitempty"`
}

// joinAnswer is what a committed member needs to come in.
type joinAnswer struct {
	Roster *replica.State `json:"roster"`
}

// Join asks the node at host, any member, to take this node in. When it returns
// nil the disk says so: the instance must be closed and opened again, and the
// new one catches up and is promoted.
func (c *Cluster) Join(ctx context.Context, host string) error {
	if err := c.mayForm("join"); err != nil {
		return err
	}
	addrs, err := c.resolve(ctx, host)
	if err != nil {
		return err
	}
	var ans joinAnswer
	req := joinRequest{Member: c.self(), Entries: c.State().Standalone()}
	if r := c.record.Return; r != nil { // its entries are the cluster's already
		req.Entries, req.Cluster = replica.New(), r.ClusterID
	}
	if err := c.askJoin(ctx, addrs, req, &ans); err != nil {
		return advised(err)
	}
	if ans.Roster == nil {
		return fault.New(fault.Version, "the peer's answer to the join is not understood")
	}
	return c.become(record{Mode: Joined, Known: ans.Roster})
}

// advised gives a member that does not answer its remedy.
func advised(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Code != fault.TCP || f.Remedy != "" {
		return err
	}
	return fault.Mend(f.Code, f.Message, "see that the node is on and a member (on it: xmpp cluster status), and that nothing between the nodes blocks the port")
}

// joinAsk is how long a join asks a cluster that is between two leaders, which
// nodes on a busy host may be for longer than one election.
const joinAsk = 20 * time.Second

// askJoin asks the addresses in turn, and again for a while when the cluster is
// between two leaders.
func (c *Cluster) askJoin(ctx context.Context, addrs []string, req joinRequest, ans *joinAnswer) (err error) {
	for end := time.Now().Add(joinAsk); ; {
		for _, a := range addrs {
			if err = c.mesh.CallAddress(ctx, a, callJoin, req, ans); !errors.Is(err, &fault.Error{Code: fault.TCP}) {
				break
			}
		}
		if !errors.Is(err, &fault.Error{Code: fault.NoQuorum}) || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Alone reports whether this node is the only member of its cluster.
func (c *Cluster) Alone() bool {
	return c.record.Mode == Joined && len(c.roster().Members) == 1 && !c.removed()
}

// MemberWith reports whether the node at host is another member of the cluster
// this node is a member of: a join through it has been done.
func (c *Cluster) MemberWith(ctx context.Context, host string) bool {
	if c.record.Mode != Joined || c.removed() || c.node.Status().LeaderID == "" {
		return false
	}
	addrs, err := c.resolve(ctx, host)
	if err != nil {
		return false
	}
	for _, m := range c.roster().Members {
		if m.ID != c.id.ID && slices.Contains(addrs, net.JoinHostPort(m.Addr, strconv.Itoa(m.MeshPort))) {
			return true
		}
	}
	return false
}

// Enter finishes a join on disk once the instance is closed: the node's own
// store is archived, for the leader's log to fill a new one.
func Enter(dir string) error { return setAside(dir) }

// mayForm checks what initialize and join both need.
func (c *Cluster) mayForm(verb string) error {
	switch {
	case c.removed():
		return fault.Mend(fault.WrongState, "this node was removed from its cluster and has not left it", "xmpp cluster remove, then "+verb+" again")
	case c.record.Mode == Joined:
		return fault.Mend(fault.WrongState, "this node is already a member of a cluster", "leave it first: xmpp cluster remove")
	case c.record.Mode == Standalone:
		return fault.Mend(fault.WrongState, "clustering is not enabled", "xmpp cluster enable")
	case c.cfg.Addr == "":
		return fault.Mend(fault.WrongState, "no address to "+verb+" with: listen is not set", "xmpp listen a")
	}
	if _, err := c.cfg.Certificate(); err != nil {
		return err
	}
	return nil
}

// resolve finds the addresses of a member given by name or IP address, with or
// without a port.
func (c *Cluster) resolve(ctx context.Context, host string) ([]string, error) {
	port := strconv.Itoa(c.cfg.MeshPort)
	if h, p, err := net.SplitHostPort(host); err == nil {
		host, port = h, p
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupHost(ctx, host)
	if err != nil || len(ips) == 0 {
		return nil, fault.Mend(fault.DNS, fmt.Sprintf("%s does not resolve", host), "check the name, or join by IP address; dns lookup a "+host)
	}
	var addrs []string
	for _, ip := range ips {
		if ip == c.cfg.Addr && port == strconv.Itoa(c.cfg.MeshPort) {
			continue
		}
		addrs = append(addrs, net.JoinHostPort(ip, port))
	}
	if len(addrs) == 0 {
		return nil, fault.Mend(fault.InvalidArgument, host+" is this node itself", "name another node that is a member")
	}
	return addrs, nil
}

// answerJoin serves a join: a follower relays it, the leader decides.
func (c *Cluster) answerJoin(ctx context.Context, from mesh.Caller, method string, body []byte) ([]byte, error) {
	var req joinRequest
	if err := json.Unmarshal(body, &req); err != nil {
		return nil, fmt.Errorf("decoding join: %w", err)
	}
	if req.Entries == nil {
		req.Entries = replica.New()
	}
	if c.State().ClusterID == "" {
		return nil, fault.Mend(fault.WrongState, c.cfg.Name+" is not a member of a cluster", "on it: xmpp cluster initialize, or join another node")
	}
	if method == callJoin && (req.Member.ID != from.ID || !bytes.Equal(req.Member.Key, from.Key)) {
		return nil, fault.New(fault.Trust, "the node asks to join under another node's key")
	}
	if mesh.IDOf(req.Member.Key) != req.Member.ID {
		return nil, fault.New(fault.Trust, "the node ID is not that of the node's key")
	}
	s := c.node.Status()
	if s.Role != consensus.Leader {
		if req.Relayed || s.LeaderID == "" {
			return nil, c.noQuorum()
		}
		req.Relayed = true
		var ans joinAnswer
		if err := c.mesh.CallMember(ctx, s.LeaderID, callRelay, req, &ans); err != nil {
			return nil, err
		}
		return json.Marshal(ans)
	}
	ans, err := c.admit(ctx, req)
	if err != nil {
		return nil, err
	}
	return json.Marshal(ans)
}

// admit decides a join on the leader.
func (c *Cluster) admit(ctx context.Context, req joinRequest) (joinAnswer, error) {
	s := c.State()
	if req.Cluster != "" && req.Cluster != s.ClusterID {
		return joinAnswer{}, fault.Mend(fault.WrongState, c.cfg.Name+" is in another cluster than the one this node was a member of", "xmpp reset, then join as a new node")
	}
	old, known := s.Members[req.Member.ID]
	if known && c.mesh.Linked(req.Member.ID) {
		return joinAnswer{}, fault.Mend(fault.Cloned, fmt.Sprintf("the node ID %s is in use by %s, which is running", old.ID, old.Name),
			"on the copy: xmpp reset --force")
	}
	replaces := ""
	for _, m := range s.Members {
		if m.ID != req.Member.ID && m.Addr == req.Member.Addr && m.MeshPort == req.Member.MeshPort && !c.mesh.Linked(m.ID) {
			replaces = m.ID
		}
	}
	back := net.JoinHostPort(req.Member.Addr, strconv.Itoa(req.Member.MeshPort))
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, "tcp", back)
	if err != nil {
		return joinAnswer{}, fault.Mend(fault.TCP, fmt.Sprintf("the leader %s can not reach this node at %s", c.cfg.Name, back),
			"open the port between the nodes, and check xmpp listen")
	}
	conn.Close()
	if c.verify(ctx) != nil {
		return joinAnswer{}, c.noQuorum()
	}
	if known {
		if err := c.withdraw(ctx, old.ID); err != nil {
			c.log.Warn("withdrawing the vote of a node that comes back", "node_id", old.ID, "error", err)
			return joinAnswer{}, c.noQuorum()
		}
	}
	if err := c.node.Propose(ctx, replica.Join(req.Member, req.Entries, replaces)); err != nil {
		if err = c.inWords(err); errors.Is(err, errTryAgain) {
			err = c.noQuorum()
		}
		return joinAnswer{}, err
	}
	c.log.Info("a node joins", "node_id", req.Member.ID, "name", req.Member.Name, "replaces", replaces)
	c.poke()
	return joinAnswer{rosterOf(c.State())}, nil
}

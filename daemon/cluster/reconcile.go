package cluster

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/gossip"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// reconcile brings raft's configuration, gossip and this node's own entry to
// what the member table says. Every step can be repeated by the next leader.
func (c *Cluster) reconcile() {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		if c.record.Mode == Joined {
			c.reconcileVoters()
			c.reconcileSelf()
			c.askWhy()
			c.reconcileGossip()
		} else {
			c.seed()
		}
	}
}

// reconcileVoters is the leader's: first out, then in (raft refuses duplicates,
// and a dead node that was replaced must not count when the new one is added).
func (c *Cluster) reconcileVoters() {
	s := c.node.Status()
	state := c.State()
	if s.Role != consensus.Leader || state.ClusterID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	for _, id := range slices.Concat(s.Voters, s.Nonvoters) {
		if _, member := state.Members[id]; !member {
			c.attempt("removing a voter", id, c.node.Remove(ctx, id))
		}
	}
	for _, m := range state.SortedMembers() {
		if slices.Contains(s.Voters, m.ID) {
			if !m.Voter {
				c.attempt("recording a voter", m.ID, c.node.Propose(ctx, replica.SetVoter(m.ID, true)))
			}
			continue
		}
		c.promote(ctx, m, slices.Contains(s.Nonvoters, m.ID))
	}
}

// promote makes a member a voter: non-voter, caught up, reachable, voter.
func (c *Cluster) promote(ctx context.Context, m replica.Member, known bool) {
	if !c.mesh.Linked(m.ID) {
		return // one that can not be reached never becomes a voter
	}
	if !known {
		if err := c.node.AddNonvoter(ctx, m.ID); err != nil {
			c.attempt("adding a non-voter", m.ID, err)
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := c.node.CaughtUp(ctx, m.ID); err != nil {
		c.attempt("waiting for a non-voter's log", m.ID, err)
		return
	}
	if err := c.mesh.CallMember(ctx, m.ID, callPing, struct{}{}, nil); err != nil {
		c.attempt("calling a non-voter back", m.ID, err)
		return
	}
	if err := c.node.Promote(ctx, m.ID); err != nil {
		c.attempt("promoting a non-voter", m.ID, err)
		return
	}
	c.attempt("recording a voter", m.ID, c.node.Propose(ctx, replica.SetVoter(m.ID, true)))
	c.log.Info("a node votes", "node_id", m.ID, "name", m.Name)
}

func (c *Cluster) attempt(doing, id string, err error) {
	if err != nil && c.ctx.Err() == nil {
		c.log.Warn(doing+" failed; it is tried again", "node_id", id, "error", err)
	}
}

// reconcileSelf tells the cluster where this node is now: a node that changes
// its address keeps its place.
func (c *Cluster) reconcileSelf() {
	// The roster and not the state: until the leader finds this node at its new
	// address, no log tells the state anything.
	have, ok := c.roster().Members[c.id.ID]
	if c.cfg.Addr == "" || !ok || sameMember(have, c.self()) || c.removed() {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 3*time.Second)
	defer cancel()
	c.attempt("telling this node's address", c.id.ID, c.Propose(ctx, replica.UpdateMember(c.self())))
}

func (c *Cluster) removed() bool {
	_, gone := c.State().Removed[c.id.ID]
	return gone || c.evicted.Load()
}

// askWhy finds out, without a leader, whether that is because the others refuse
// this node: it was removed while it was off, it is a copy of another, or it is
// not trusted any more.
func (c *Cluster) askWhy() {
	if c.node.Status().LeaderID != "" || c.removed() {
		c.blame("")
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	for _, m := range c.roster().SortedMembers() {
		if m.ID == c.id.ID || c.mesh.Linked(m.ID) {
			continue
		}
		err := c.mesh.CallMember(ctx, m.ID, callPing, struct{}{}, nil)
		if mesh.IsRemoved(err) {
			c.evicted.Store(true)
			c.log.Warn("this node was removed from the cluster", "told_by", m.Name)
			c.poke()
			return
		}
		if refusal(err) {
			c.blame(m.Name + " refuses this node: " + err.Error())
			return
		}
	}
	c.blame("")
}

// refusal tells a peer's no from its silence.
func refusal(err error) bool {
	var f *fault.Error
	return errors.As(err, &f) && f.Code != fault.TCP && f.Code != fault.TLS && f.Code != fault.Timeout && f.Code != fault.NotFound
}

// blame keeps why there is no leader, for the view.
func (c *Cluster) blame(why string) {
	if old := c.why.Swap(&why); old == nil && why != "" || old != nil && *old != why {
		c.poke()
	}
}

// reconcileGossip meets the members, forgets the removed, and wakes dialers.
func (c *Cluster) reconcileGossip() {
	pool := c.gossipPool()
	if pool == nil {
		c.openPorts()
		return
	}
	c.rekey()
	state := c.State()
	alive := map[string]bool{}
	for _, m := range pool.Members() {
		if _, gone := state.Removed[m.ID]; gone && m.Status != gossip.Alive {
			c.attempt("pruning gossip", m.ID, pool.Prune(m.ID))
		}
		if m.Status == gossip.Alive {
			alive[m.ID] = true
			if !c.mesh.Linked(m.ID) {
				c.mesh.Kick(m.ID)
			}
		}
	}
	var meet []string
	for _, m := range state.SortedMembers() {
		if m.ID != c.id.ID && !alive[m.ID] && c.mesh.Linked(m.ID) {
			meet = append(meet, net.JoinHostPort(m.Addr, strconv.Itoa(m.GossipPort)))
		}
	}
	if len(meet) > 0 {
		if _, err := pool.Join(meet); err != nil {
			c.log.Debug("meeting members by gossip", "error", err)
		}
	}
}

// seed brings what a node keeps of its former store into the new one.
func (c *Cluster) seed() {
	from := c.seedLeft()
	if from == nil || c.node.Status().Role != consensus.Leader {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 10*time.Second)
	defer cancel()
	cmds := make([]replica.Command, 0, len(from.Domains)+len(from.CallBridges)+len(from.Accounts)+2)
	if from.Domain != "" {
		cmds = append(cmds, replica.SetDomain(from.Domain))
	}
	for _, d := range from.SortedDomains() {
		cmds = append(cmds, replica.AddDomain(d.Name))
	}
	for _, b := range from.SortedCallBridges() {
		cmds = append(cmds, replica.AddCallBridgeSecret(b.Name, b.Secret))
	}
	for _, a := range from.SortedAccounts() {
		cmds = append(cmds, replica.SetAccount(a))
	}
	if from.Users.Len()+from.Services.Len() > 0 {
		cmds = append(cmds, replica.TakeUsers(from))
	}
	for _, cmd := range cmds {
		if err := c.node.Propose(ctx, cmd); err != nil {
			c.attempt("keeping the configuration", c.id.ID, err)
			return
		}
	}
	if err := c.update(func(r *record) { r.Seed = nil }); err != nil {
		c.log.Error("saving membership", "error", err)
	}
}

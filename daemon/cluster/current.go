package cluster

import (
	"context"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
)

// Current reports whether this node has applied, once since it was opened, all that
// its leader had. Before that it may lack accounts and passwords that the others
// know. A node that votes alone is current from the beginning.
func (c *Cluster) Current() bool { return c.current.Load() }

// catchUp ends when the node is current.
func (c *Cluster) catchUp() {
	for !c.reachedLeader() {
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
	c.current.Store(true)
	c.poke()
}

// reachedLeader reports whether what the leader has applied is applied here.
func (c *Cluster) reachedLeader() bool {
	ctx, cancel := context.WithTimeout(c.ctx, proposeWait)
	defer cancel()
	index, err := c.leaderIndex(ctx)
	return err == nil && c.await(ctx, index) == nil && ctx.Err() == nil
}

// leaderIndex is how much of the log counts, by the leader.
func (c *Cluster) leaderIndex(ctx context.Context) (uint64, error) {
	s := c.node.Status()
	if s.Role == consensus.Leader {
		// What former leaders had committed counts behind an entry of this term.
		err := c.node.Barrier(ctx)
		return c.node.Status().AppliedIndex, err
	}
	if s.LeaderID == "" {
		return 0, fault.New(fault.NoQuorum, "no leader yet")
	}
	var out proposed
	err := c.mesh.CallMember(ctx, s.LeaderID, callCurrent, struct{}{}, &out)
	return out.Index, err
}

// answerCurrent is the leader's answer to a node that has started.
func (c *Cluster) answerCurrent(ctx context.Context) (proposed, error) {
	if c.node.Status().Role != consensus.Leader {
		return proposed{}, fault.New(fault.NoQuorum, "this node does not lead")
	}
	index, err := c.leaderIndex(ctx)
	return proposed{index}, err
}

package cluster

import (
	"bytes"
	"context"

	"quorate.org/daemon/replica"
)

// Suspect makes this node believe that the process of a leader is gone, as a
// link that is reset and refused does.
func (c *Cluster) Suspect(leader string) { c.suspect(leader) }

// Heard reports whether another node's suspicion of a term has arrived.
func (c *Cluster) Heard(from string, term uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, ok := c.suspects[from]
	return ok && s.Term == term
}

// Agreed reports whether this node found a majority against the leader of a term.
func (c *Cluster) Agreed(term uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spared[term]
}

// GossipKeys reports whether gossip encrypts with a key.
func (c *Cluster) GossipKeys(key []byte) bool {
	pool := c.gossipPool()
	return pool != nil && bytes.Equal(pool.Key(), key)
}

// GossipReads reports whether gossip reads what is encrypted with a key.
func (c *Cluster) GossipReads(key []byte) bool { return c.gossipPool().Reads(key) }

// RetireNow forgets the old gossip keys before their time.
func (c *Cluster) RetireNow() { c.gossipPool().Retire(0) }

// WriteUnknown enters in the log what this version has no rule for, past every check.
func (c *Cluster) WriteUnknown(ctx context.Context) error {
	return c.node.Propose(ctx, replica.Command{Op: "future"})
}

// ErrTryAgain is errTryAgain.
var ErrTryAgain = errTryAgain

// Relay has a member propose as if it were the leader.
func (c *Cluster) Relay(ctx context.Context, id string, cmd replica.Command) error {
	return c.relay(ctx, id, proposal{Command: cmd, Relayed: true}, new(proposed))
}

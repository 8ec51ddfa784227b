package cluster

import "bytes"

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

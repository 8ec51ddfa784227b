package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/gossip"
	"quorate.org/daemon/replica"
)

// keyKept is how long a node still reads what others encrypt with the gossip
// key before: all that can be reached have changed within a second or so.
const keyKept = 30 * time.Second

type keyRequest struct {
	Key []byte `json:"key"`
}

// RotateGossipKey gives the cluster a new gossip key, so that nobody is cut off:
// first every member that is linked installs it, which is to read it; then it is
// committed, and each uses it when it has applied that; after keyKept each
// forgets the old one. A member that is off, or breaks off in between, gets the
// key from the log: that comes by the mesh and needs no gossip.
func (c *Cluster) RotateGossipKey(ctx context.Context) error {
	if c.record.Mode != Joined || c.removed() {
		return fault.Mend(fault.WrongState, "this node is not a member of a cluster, so there is no gossip key to change", "xmpp cluster status")
	}
	if c.node.Status().LeaderID == "" {
		return c.noQuorum()
	}
	key := gossipKey()
	if err := c.installKey(key); err != nil {
		return err
	}
	if err := c.installEverywhere(ctx, key); err != nil {
		return err
	}
	return c.Propose(ctx, replica.RotateGossipKey(key))
}

// installEverywhere has the linked members install a key. One that can not keeps
// the key from being used.
func (c *Cluster) installEverywhere(ctx context.Context, key []byte) error {
	ctx, cancel := context.WithTimeout(ctx, proposeWait)
	defer cancel()
	var asking sync.WaitGroup
	var mu sync.Mutex // guards errs
	var errs []error
	for _, m := range c.State().SortedMembers() {
		if m.ID == c.id.ID || !c.mesh.Linked(m.ID) {
			continue
		}
		asking.Go(func() {
			if err := c.mesh.CallMember(ctx, m.ID, callKey, keyRequest{key}, nil); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, fault.Mend(fault.CodeOf(err), fmt.Sprintf("%s did not take the new gossip key, so the old one stays: %s", m.Name, reason(err)),
					"see xmpp cluster status, then try again"))
			}
		})
	}
	asking.Wait()
	if len(errs) == 0 {
		return nil
	}
	return errs[0]
}

func (c *Cluster) answerKey(body []byte) ([]byte, error) {
	var q keyRequest
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, fmt.Errorf("decoding gossip key: %w", err)
	}
	return []byte("{}"), c.installKey(q.Key)
}

// installKey makes this node read a key. Where gossip does not run, the log
// will tell it.
func (c *Cluster) installKey(key []byte) error {
	if len(key) != len(gossipKey()) {
		return fault.New(fault.InvalidArgument, fmt.Sprintf("a gossip key of %d bytes", len(key)))
	}
	if pool := c.gossipPool(); pool != nil {
		return pool.Install(key)
	}
	return nil
}

// rekey has gossip use the cluster's key, and in time forget the ones before.
func (c *Cluster) rekey() {
	pool, key := c.gossipPool(), c.State().GossipKey
	if pool == nil || len(key) == 0 {
		return
	}
	if err := errors.Join(pool.SetKey(key), pool.Retire(keyKept)); err != nil {
		c.log.Warn("setting the gossip key", "error", err)
	}
}

func (c *Cluster) gossipPool() *gossip.Pool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pool
}

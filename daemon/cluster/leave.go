package cluster

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

func randomID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func gossipKey() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// Enable turns clustering on; the node serves no traffic until it is a member.
// Like every transition it takes effect when the instance is opened again.
func (c *Cluster) Enable() error {
	if c.record.Mode != Standalone {
		return nil
	}
	return c.become(record{Mode: Enabled, Seed: c.seedLeft()})
}

// seedLeft is what a former store's entries are still to be brought in.
func (c *Cluster) seedLeft() *replica.State {
	c.saving.Lock()
	defer c.saving.Unlock()
	return c.record.Seed
}

// Initialize makes this node's store the first state of a new cluster.
func (c *Cluster) Initialize(ctx context.Context) error {
	if err := c.mayForm("initialize"); err != nil {
		return err
	}
	if c.State().Domain == "" {
		return fault.Mend(fault.WrongState, "no domain is set", "xmpp domain <domain>")
	}
	cmd := replica.Initialize(randomID(), c.self(), gossipKey(), c.State())
	if err := c.Propose(ctx, cmd); err != nil {
		return err
	}
	return c.become(record{Mode: Joined})
}

// Leave takes this node out of its cluster. then is what it is afterwards,
// Enabled or Standalone; it keeps a copy of the replicated configuration and
// comes back, if ever, under a new ID. The instance must be closed and opened
// again behind a nil error.
func (c *Cluster) Leave(ctx context.Context, then Mode) error {
	if c.record.Mode != Joined {
		return c.become(record{Mode: then, Seed: c.seedLeft()})
	}
	if err := c.depart(ctx); err != nil {
		return err
	}
	return c.become(record{Mode: then, Seed: c.State().Standalone()})
}

// depart has the others take this node out of the member table. The last
// member has nobody to ask. The roster counts, not the state: a node that was
// started and has no leader yet is a member all the same.
func (c *Cluster) depart(ctx context.Context) error {
	s := c.roster()
	if _, member := s.Members[c.id.ID]; !member || len(s.Members) <= 1 || c.removed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if c.node.Status().Role == consensus.Leader {
		if err := c.node.Transfer(ctx); err != nil && !errors.Is(err, consensus.ErrNotLeader) {
			return fault.Mend(fault.NoQuorum, "leadership can not be handed over: "+err.Error(), "bring the other nodes back first")
		}
	}
	// The entry may commit after raft stopped sending to this node, so it is the
	// leader's word that counts, not this node's copy.
	for {
		_, err := c.proposeOnce(ctx, proposal{Command: replica.RemoveMember(c.id.ID)})
		if err == nil || mesh.IsRemoved(err) {
			return nil
		}
		if !retry(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return c.noQuorum()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Forget finishes Leave and Reset on disk once the instance is closed: the
// store is set aside and the identity renewed, so that the next start is a
// different node.
func Forget(dir string) error {
	return errors.Join(setAside(dir), renew(dir))
}

// Evict takes another member out. It must not be running: a running one leaves
// by itself, so that it knows.
func (c *Cluster) Evict(ctx context.Context, node string) error {
	m, err := c.find(node)
	if err != nil {
		return err
	}
	if m.ID == c.id.ID {
		return fault.Mend(fault.InvalidArgument, m.Name+" is this node", "xmpp cluster remove, without a name")
	}
	if c.mesh.Linked(m.ID) {
		return fault.Mend(fault.WrongState, m.Name+" is running", "on it: xmpp cluster remove")
	}
	return c.Propose(ctx, replica.RemoveMember(m.ID))
}

// find returns the member of a name, ID or address.
func (c *Cluster) find(node string) (replica.Member, error) {
	var found []replica.Member
	for _, m := range c.roster().SortedMembers() {
		if m.ID == node || m.Name == node || m.Addr == node {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 0:
		return replica.Member{}, fault.Mend(fault.NotFound, fmt.Sprintf("%q is no member of this cluster", node), "xmpp cluster status lists the members")
	case 1:
		return found[0], nil
	}
	return replica.Member{}, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q names %d members", node, len(found)), "give the node ID or the address")
}

// Reset clears this node: it leaves its cluster first; if it can not and force
// is set, it goes without a word. The instance must be closed, Forget called,
// and the instance opened again behind a nil error.
func (c *Cluster) Reset(ctx context.Context, force bool) error {
	if c.record.Mode == Joined && !force {
		if err := c.depart(ctx); err != nil {
			return fault.Mend(fault.WrongState, "this node can not leave its cluster: "+reason(err), "xmpp reset --force")
		}
	}
	return c.become(record{Mode: Standalone})
}

// reason is a refusal without its remedy, where another one is given.
func reason(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}

// Lost says what recovery may lose, before it is done.
const Lost = "this node becomes a cluster of its own; what only the lost nodes had written is lost, and they must be reset before they join again"

// MayRecover checks that recovery is for a survivor of a lost majority.
func (c *Cluster) MayRecover() error {
	if c.record.Mode != Joined {
		return fault.Mend(fault.WrongState, "this node is not a member of a cluster, so there is none to recover", "xmpp cluster initialize, or xmpp cluster join <member>")
	}
	if v := c.View(); v.Reachable >= v.Needed {
		return fault.Mend(fault.WrongState, fmt.Sprintf("the cluster has its quorum: %d of %d voters reachable", v.Reachable, v.Voters),
			"nothing to recover; take a dead node out with xmpp cluster remove <node>")
	}
	return nil
}

// Recover makes the node of a closed instance the only member of a new cluster
// made of what it holds.
func (c *Cluster) Recover() error {
	return consensus.Recover(c.consensusConfig(), replica.Recover(randomID(), c.id.ID, gossipKey()))
}

// Wipe removes what a reset leaves in the archive.
func Wipe(dir string) error { return os.RemoveAll(filepath.Join(dir, archiveDir)) }

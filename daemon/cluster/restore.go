package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"quorate.org/daemon/atomicfile"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// Saved is who a node is, as a backup has it. It holds the node key and the
// gossip key.
type Saved struct {
	Host      string         `json:"host"`
	Version   string         `json:"version"`
	NodeID    string         `json:"node_id"`
	ClusterID string         `json:"cluster_id"` // empty unless it is a member
	Mode      Mode           `json:"mode"`
	Key       []byte         `json:"key"`
	Roster    *replica.State `json:"roster,omitempty"` // of a member: whom to ask to be taken back
}

// Save returns who this node is.
func (c *Cluster) Save() Saved {
	s := Saved{Host: c.cfg.Name, Version: c.cfg.Version, NodeID: c.id.ID, Mode: c.record.Mode, Key: c.id.Seed()}
	if r := c.record.Return; r != nil {
		s.Mode, s.ClusterID, s.Roster = Joined, r.ClusterID, r
	} else if r := c.roster(); s.Mode == Joined && !c.removed() {
		s.ClusterID, s.Roster = r.ClusterID, rosterOf(r)
	} else if s.Mode == Joined {
		s.Mode = Enabled
	}
	return s
}

// pending is a restore on its way to disk: one file decides whether it happens,
// and the next start finishes what a crash left.
type pending struct {
	Key    []byte `json:"key"`
	Record record `json:"record"`
}

const pendingFile = "restore.json"

// MayRestore checks an identity of a backup, and says whether this node has it
// already. A member keeps the log it votes by: it is never given another
// identity, nor its own once more.
func (c *Cluster) MayRestore(s Saved) (same bool, err error) {
	id, err := mesh.IdentityOf(s.Key)
	if err != nil || id.ID != s.NodeID || (s.Mode == Joined) != (s.Roster != nil) {
		return false, fault.New(fault.Incomplete, "the node key in the backup is not that of the node it names")
	}
	have := c.Save()
	if c.record.Mode != Joined {
		return have.NodeID == s.NodeID && have.ClusterID == s.ClusterID && have.Mode == s.Mode, nil
	}
	if have.NodeID == s.NodeID && have.ClusterID == s.ClusterID {
		return true, nil
	}
	return false, fault.Mend(fault.WrongState, fmt.Sprintf("this node is a member of a cluster under the node ID %s, and the backup is of the node %s", have.NodeID, s.NodeID),
		"leave the cluster first (xmpp cluster remove), or restore the other parts only")
}

// MayReplaceState refuses to put back what a cluster decides on.
func (c *Cluster) MayReplaceState() error {
	if c.record.Mode != Joined {
		return nil
	}
	return fault.Mend(fault.WrongState, "this node is a member of a cluster, and the data are the cluster's", "restore the other parts only; or leave the cluster first: xmpp cluster remove")
}

// Restore writes what the next instance will be: with an identity, or with a
// state, or both; what is nil stays as it is. MayRestore and MayReplaceState come
// before. The instance must be closed and opened again behind a nil error.
//
// The node of a cluster comes back enabled, not joined, with an empty log and no
// links, so that nobody can ask it for a vote that it may have given before; it then
// asks the members to take it back (Return).
func (c *Cluster) Restore(id *Saved, state *replica.State) error {
	p := pending{Key: c.id.Seed(), Record: record{Mode: c.record.Mode, Seed: c.seedLeft(), Return: c.record.Return}}
	if state != nil {
		p.Record.Seed = state
	} else if p.Record.Seed == nil {
		p.Record.Seed = c.State().Standalone()
	}
	if id != nil {
		p.Key, p.Record.Mode, p.Record.Return = id.Key, id.Mode, id.Roster
		if id.Mode == Joined {
			p.Record.Mode = Enabled
		}
	}
	b, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encoding restored membership: %w", err)
	}
	c.saving.Lock()
	defer c.saving.Unlock()
	if err := atomicfile.Replace(filepath.Join(c.cfg.Dir, pendingFile), b, 0o600); err != nil {
		return fmt.Errorf("saving restored membership: %w", err)
	}
	c.left = true
	return nil
}

// finishRestore carries a pending restore out. Each step can be repeated.
func finishRestore(dir, machine string) error {
	path := filepath.Join(dir, pendingFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var p pending
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if err != nil {
		return fmt.Errorf("reading restored membership: %w", err)
	}
	p.Record.Machine = machine // it was asked for on this hardware, so it is no clone
	if _, err := mesh.RestoreIdentity(filepath.Join(dir, keyFile), p.Key); err != nil {
		return err
	}
	if err := errors.Join(setAside(dir), p.Record.write(dir)); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("finishing a restore: %w", err)
	}
	return atomicfile.SyncDir(dir)
}

// Returns reports whether this node was restored as a member and has not been
// taken back yet.
func (c *Cluster) Returns() bool { return c.record.Return != nil }

// Return asks the members of the backup, one after the other, to take this node
// back as itself. It is a join: Enter comes behind a nil error, then the instance
// is opened again.
func (c *Cluster) Return(ctx context.Context) error {
	var why error
	for _, m := range c.record.Return.SortedMembers() {
		if m.ID == c.id.ID {
			continue
		}
		err := c.Join(ctx, net.JoinHostPort(m.Addr, strconv.Itoa(m.MeshPort)))
		if err == nil {
			return nil
		}
		if mesh.IsRemoved(err) {
			err = fault.Mend(fault.WrongState, "this node was removed from the cluster since the backup was made", "xmpp reset, then xmpp cluster join as a new node")
		}
		if why == nil || refusal(err) { // a no tells more than silence
			why = err
		}
	}
	if why == nil {
		why = fault.Mend(fault.NoQuorum, "the backup names no other member", "xmpp cluster initialize makes a new cluster of what was restored")
	}
	c.blame(why.Error())
	return why
}

// withdraw takes the vote of a member that comes back with an empty log: it may
// have forgotten a vote, or entries that were committed because it had them. It
// is asked to forget nothing more before the others agree without it.
func (c *Cluster) withdraw(ctx context.Context, id string) error {
	if err := c.node.Remove(ctx, id); err != nil {
		return err
	}
	return c.node.Propose(ctx, replica.SetVoter(id, false))
}

package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/consensus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
)

// Calls between members.
const (
	callPropose = "propose"
	callJoin    = "join"
	callRelay   = "join-relay" // a member passes a stranger's join to the leader
	callPing    = "ping"
	callBound   = "bound"
	callApplied = "applied"
	callCurrent = "current"
	callHolding = "holding"
	callAccept  = "would-accept"
	callKey     = "gossip-key"
)

// proposeWait is how long a write waits for a leader before it is refused.
const proposeWait = 5 * time.Second

type proposal struct {
	Command replica.Command `json:"command"`
	Relayed bool            `json:"relayed"` // came through a follower: pass it on no further
}

type proposed struct {
	Index uint64 `json:"index"`
}

// Propose has a command committed, through the leader, and returns when this
// node's State shows it. Without a leader it waits a little and then refuses
// with the reason.
func (c *Cluster) Propose(ctx context.Context, cmd replica.Command) error {
	ctx, cancel := context.WithTimeout(ctx, proposeWait)
	defer cancel()
	for {
		index, err := c.proposeOnce(ctx, proposal{Command: cmd})
		if err == nil {
			return c.await(ctx, index)
		}
		if fault.CodeOf(err) == fault.Timeout {
			return unconfirmed()
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

// Commit has a command committed by this node, the leader, and returns when it
// has applied it. It is for the effects of stanzas: it asks no majority first,
// since the router dispatches only with one, and waits for no other member.
func (c *Cluster) Commit(ctx context.Context, cmd replica.Command) error {
	if err := c.State().MayHold(cmd); err != nil {
		return err
	}
	return c.node.Propose(ctx, cmd)
}

// Archive yields the messages in an account's archive from the oldest, as far as
// this node has applied the log.
func (c *Cluster) Archive(bare string) archive.Scan { return c.node.Archive(bare) }

// ArchiveSize is how many messages the archives of this node have, and the bytes of
// their file.
func (c *Cluster) ArchiveSize() (messages uint64, bytes int64) { return c.node.ArchiveSize() }

// ArchiveTrimmed is how many went from them for their age, their number and their bytes.
func (c *Cluster) ArchiveTrimmed() (aged, crowded, heavy uint64) { return c.node.ArchiveTrimmed() }

// errTryAgain marks a failure that another leader may not repeat.
var errTryAgain = errors.New("no leader took it")

func retry(err error) bool {
	var f *fault.Error
	return errors.Is(err, errTryAgain) || errors.Is(err, consensus.ErrNotLeader) ||
		errors.As(err, &f) && (f.Code == fault.TCP || f.Code == fault.TLS || f.Code == fault.NoQuorum)
}

func (c *Cluster) proposeOnce(ctx context.Context, p proposal) (uint64, error) {
	s := c.node.Status()
	if s.Role == consensus.Leader {
		if err := c.verify(ctx); err != nil {
			return 0, err
		}
		if err := c.State().MayHold(p.Command); err != nil {
			return 0, err
		}
		err := c.node.Propose(ctx, p.Command)
		if errors.Is(err, context.DeadlineExceeded) {
			return 0, unconfirmed()
		}
		if err != nil {
			return 0, c.inWords(err)
		}
		index := c.node.Status().AppliedIndex
		c.spread(ctx, index)
		return index, nil
	}
	if p.Relayed {
		return 0, errTryAgain
	}
	var out proposed
	for _, id := range c.askOrder(s.LeaderID) {
		p.Relayed = id == s.LeaderID
		err := c.relay(ctx, id, p, &out)
		if err == nil || !retry(err) {
			return out.Index, err
		}
	}
	return 0, errTryAgain
}

// relay has a member propose. The leader is waited for only while no other leads:
// one that lost its power says nothing, and the time is needed to ask the next.
func (c *Cluster) relay(ctx context.Context, id string, p proposal, out *proposed) error {
	asking, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer stop()
	if p.Relayed {
		watching.Go(func() { c.awaitOther(asking, id, stop) })
	}
	err := c.mesh.CallMember(asking, id, callPropose, p, out)
	if err != nil && asking.Err() != nil && ctx.Err() == nil {
		return errTryAgain
	}
	return err
}

// awaitOther calls elected when another node than id leads.
func (c *Cluster) awaitOther(ctx context.Context, id string, elected func()) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if l := c.node.Status().LeaderID; l != "" && l != id {
				elected()
			}
		}
	}
}

// spreadWait is how long a write waits for the slowest member it can reach.
const spreadWait = time.Second

// spread returns when every member that can be reached has applied an index,
// so that an account just made can sign in at any node. The barrier's entry
// carries the commit index out at once, not with the next heartbeat.
func (c *Cluster) spread(ctx context.Context, index uint64) {
	ctx, cancel := context.WithTimeout(ctx, spreadWait)
	defer cancel()
	var wait sync.WaitGroup
	for _, m := range c.State().SortedMembers() {
		if m.ID != c.id.ID && c.mesh.Linked(m.ID) {
			wait.Go(func() {
				if err := c.mesh.CallMember(ctx, m.ID, callApplied, proposed{index}, nil); err != nil {
					c.log.Debug("waiting for a member to apply a write", "node_id", m.ID, "error", err)
				}
			})
		}
	}
	if err := c.node.Barrier(ctx); err != nil {
		c.log.Debug("pushing a write out", "error", err)
	}
	wait.Wait()
}

// askOrder lists whom to ask for the leader: the known one, else every member.
func (c *Cluster) askOrder(leader string) []string {
	if leader != "" && leader != c.id.ID {
		return []string{leader}
	}
	var ids []string
	for _, m := range c.roster().SortedMembers() {
		if m.ID != c.id.ID {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// verify asks a majority whether this node still leads, before a write enters
// its log: an entry that could not be committed then would be when the majority
// is back, long after it was refused.
func (c *Cluster) verify(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := c.node.VerifyLeader(ctx); err != nil {
		return errTryAgain
	}
	return nil
}

// await returns when this node has applied an index.
func (c *Cluster) await(ctx context.Context, index uint64) error {
	for c.node.Status().AppliedIndex < index {
		select {
		case <-ctx.Done():
			return nil // committed; only this node's copy is late
		case <-time.After(2 * time.Millisecond):
		}
	}
	return nil
}

// inWords turns a failed proposal into what an administrator can act on.
func (c *Cluster) inWords(err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, consensus.ErrNotLeader):
		return errTryAgain
	}
	return c.noQuorum()
}

// unconfirmed is told when a change is in the log, or on its way there, and its time
// is up.
func unconfirmed() error {
	return fault.Mend(fault.Timeout, "the cluster did not confirm the change in time; it may come about yet", "see whether it did, else try again")
}

// noQuorum says how many voters are missing.
func (c *Cluster) noQuorum() error {
	v := c.View()
	if v.Reachable >= v.Needed {
		return fault.Mend(fault.NoQuorum, "no leader yet", "try again in a moment")
	}
	return fault.Mend(fault.NoQuorum, v.quorumText(),
		"bring the missing nodes back, or on a lone survivor: xmpp cluster recover --force")
}

// answer serves a call of another node.
func (c *Cluster) answer(from mesh.Caller, method string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(c.ctx, proposeWait)
	defer cancel()
	if !from.Member && method != callJoin {
		return nil, fault.New(fault.NotPermitted, "only a member may ask for this")
	}
	switch method {
	case callPing:
		return []byte("{}"), nil
	case callApplied:
		var p proposed
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, fmt.Errorf("decoding index: %w", err)
		}
		return []byte("{}"), c.await(ctx, p.Index)
	case callCurrent:
		index, err := c.answerCurrent(ctx)
		if err != nil {
			return nil, err
		}
		return json.Marshal(index)
	case callBound:
		return json.Marshal(c.cfg.Directory())
	case callPropose:
		var p proposal
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, fmt.Errorf("decoding proposal: %w", err)
		}
		index, err := c.proposeOnce(ctx, p)
		if errors.Is(err, errTryAgain) {
			err = fault.New(fault.NoQuorum, "no leader yet")
		}
		if err != nil {
			return nil, err
		}
		return json.Marshal(proposed{index})
	case callHolding:
		return c.answerHolding(body)
	case callAccept:
		return c.answerAccept(body)
	case callKey:
		return c.answerKey(body)
	case callJoin, callRelay:
		return c.answerJoin(ctx, from, method, body)
	}
	return nil, fault.New(fault.Version, "the peer asks for "+method+", which this version does not know")
}

// Bound returns who is bound where, as the leader has it: address → node ID.
// Without a leader it is empty.
func (c *Cluster) Bound(ctx context.Context) map[string]string {
	s := c.node.Status()
	if s.Role == consensus.Leader {
		return c.cfg.Directory()
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	out := map[string]string{}
	if s.LeaderID == "" || c.mesh.CallMember(ctx, s.LeaderID, callBound, struct{}{}, &out) != nil {
		return nil
	}
	return out
}

package forward

import (
	"context"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/replica"
)

// Store is the replicated store as the leader's side uses it; package cluster
// implements it.
type Store interface {
	State() *replica.State
	// Commit enters a command in the log, on the leader only, and returns when
	// this node has applied it.
	Commit(ctx context.Context, c replica.Command) error
	// Archive yields the messages in an account's archive from the oldest.
	Archive(bare string) archive.Scan
}

// Bounds of what is committed at once.
const (
	batchSize  = 256
	batchBytes = 1 << 20
	commitWait = 5 * time.Second
)

// propose queues a command of the leader machine. The caller holds the lock.
func (n *Node) propose(c replica.Command) {
	n.proposed = append(n.proposed, c)
	select {
	case n.proposals <- struct{}{}:
	default:
	}
}

// commit brings what is proposed to the store, in order, until ctx ends: what
// has come meanwhile goes as one entry of the log, which costs one write to disk.
func (n *Node) commit(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.proposals:
		}
		for n.commitSome(ctx) {
		}
	}
}

// batch is how many of what is proposed go into one entry. One does, whatever it has.
func batch(list []replica.Command) (n int) {
	for bytes := 0; n < min(len(list), batchSize); n++ {
		if bytes += list[n].Bytes(); bytes > batchBytes && n > 0 {
			break
		}
	}
	return n
}

// commitSome commits one batch; false when nothing is left.
func (n *Node) commitSome(ctx context.Context) bool {
	n.mu.Lock()
	size := batch(n.proposed)
	list := n.proposed[:size:size]
	n.proposed = n.proposed[len(list):]
	n.mu.Unlock()
	if len(list) == 0 {
		return false
	}
	entry := replica.Batch(list)
	if len(list) == 1 {
		entry = list[0]
	}
	ctx, cancel := context.WithTimeout(ctx, commitWait)
	defer cancel()
	await("proposed", list)
	began := time.Now()
	err := n.store.Commit(ctx, entry)
	await("committed", list)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.committing += time.Since(began)
	if err != nil {
		n.counts.uncommitted++
		n.log.Debug("committing the effects of stanzas", "commands", len(list), "error", err)
		n.leader.Uncommitted(append(list, n.proposed...)) // what is behind it must not overtake it
		n.proposed = nil
	} else {
		n.counts.committed++
		n.leader.Committed(n.now(), list)
	}
	await("derived", list)
	n.settle()
	await("sent", list)
	return true
}

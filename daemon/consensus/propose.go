package consensus

import (
	"context"
	"time"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/replica"
)

// Propose commits a command and returns when this node has applied it. It works
// on the leader only (ErrNotLeader). A refusal is the *fault.Error of package
// replica. Without a majority it ends with ctx, or with ErrUncertain when this
// node steps down meanwhile.
func (n *Node) Propose(ctx context.Context, c replica.Command) error {
	return n.await(ctx, "proposing "+string(c.Op), func() error {
		f := n.raft.Apply(replica.EncodeCommand(c), enqueueWait(ctx))
		if err := f.Error(); err != nil {
			return err
		}
		refusal, _ := f.Response().(error)
		return refused{refusal}
	})
}

// Barrier returns when this node, the leader, has applied everything that was
// committed before.
func (n *Node) Barrier(ctx context.Context) error {
	return n.await(ctx, "passing a barrier", func() error { return n.raft.Barrier(enqueueWait(ctx)).Error() })
}

// VerifyLeader returns nil when a majority of voters confirmed just now that
// this node leads.
func (n *Node) VerifyLeader(ctx context.Context) error {
	return n.await(ctx, "verifying leadership", func() error { return n.raft.VerifyLeader().Error() })
}

// refused carries the state machine's answer, nil included, past translate.
type refused struct{ err error }

func (refused) Error() string { return "refused" }

// await runs one request of raft, whose futures know no context. The goroutine
// of a request that was given up ends when raft answers, at the latest when this
// node loses leadership or closes.
func (n *Node) await(ctx context.Context, doing string, request func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answer := make(chan error, 1)
	go func() { answer <- request() }()
	select {
	case err := <-answer:
		if r, ok := err.(refused); ok {
			return r.err
		}
		return n.translate(doing, err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// enqueueWait is how long raft may leave a request in its queue.
func enqueueWait(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0 // as long as it takes
	}
	return max(time.Until(deadline), time.Millisecond)
}

// AddNonvoter lets a node receive the log without a vote. It changes nothing for
// a node that is in the configuration already, a voter included. Leader only,
// as are Promote, Remove and CaughtUp.
func (n *Node) AddNonvoter(ctx context.Context, id string) error {
	return n.await(ctx, "adding non-voter "+id, func() error {
		if n.suffrage(id) != none {
			return n.raft.VerifyLeader().Error()
		}
		return n.raft.AddNonvoter(raft.ServerID(id), raft.ServerAddress(id), 0, enqueueWait(ctx)).Error()
	})
}

// Promote gives a node a vote. Call CaughtUp first.
func (n *Node) Promote(ctx context.Context, id string) error {
	return n.await(ctx, "promoting "+id, func() error {
		if n.suffrage(id) == voter {
			return n.raft.VerifyLeader().Error()
		}
		return n.raft.AddVoter(raft.ServerID(id), raft.ServerAddress(id), 0, enqueueWait(ctx)).Error()
	})
}

// Remove takes a node out of the configuration. A leader that is to remove
// itself hands leadership over instead and answers ErrNotLeader with the new
// leader's ID, if it knows it already, so that the request goes there.
func (n *Node) Remove(ctx context.Context, id string) error {
	if id == n.id && len(n.Status().Voters) > 1 {
		if err := n.Transfer(ctx); err != nil {
			return err
		}
		return n.notLeader()
	}
	return n.await(ctx, "removing "+id, func() error {
		if n.suffrage(id) == none {
			return n.raft.VerifyLeader().Error()
		}
		return n.raft.RemoveServer(raft.ServerID(id), 0, enqueueWait(ctx)).Error()
	})
}

// CaughtUp returns when a node's log has reached what the leader's log held at
// the time of the call.
func (n *Node) CaughtUp(ctx context.Context, id string) error {
	status := n.Status()
	if status.Role != Leader {
		return n.notLeader()
	}
	for id != n.id {
		note, next := n.trans.progress.of(id, status.Term)
		if note.last >= status.LastIndex {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		case <-n.trans.done:
			return ErrClosed
		}
		if n.raft.State() != raft.Leader {
			return n.notLeader()
		}
	}
	return nil
}

// Transfer hands leadership to the most advanced other voter.
func (n *Node) Transfer(ctx context.Context) error {
	if n.raft.State() != raft.Leader {
		return n.notLeader()
	}
	if len(n.Status().Voters) < 2 {
		return ErrNoSuccessor
	}
	return n.await(ctx, "handing leadership over", func() error { return n.raft.LeadershipTransfer().Error() })
}

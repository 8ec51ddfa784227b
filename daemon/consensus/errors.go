package consensus

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"
)

// What a caller can act on. Refusals of the state machine are *fault.Error; a
// context that ends gives its own error.
var (
	// ErrNotLeader says that only the leader can do this. The error is a
	// *NotLeaderError, which names the leader.
	ErrNotLeader = errors.New("this node is not the leader")
	// ErrUncertain says that leadership was lost before the command was
	// committed: it may or may not take effect. Commands are idempotent, so
	// proposing it again to the new leader is safe.
	ErrUncertain = errors.New("leadership was lost while the command was committed")
	// ErrClosed says that the Node is closed.
	ErrClosed = errors.New("the consensus is closed")
	// ErrNoSuccessor says that there is no other voter to hand leadership to.
	ErrNoSuccessor = errors.New("no other voter can lead")
	// ErrMayNotStand says why Stand did nothing.
	ErrMayNotStand = errors.New("this node may not stand")
)

// NotLeaderError names the leader this node knows, "" when it knows none.
type NotLeaderError struct{ Leader string }

// Error implements error.
func (e *NotLeaderError) Error() string {
	if e.Leader == "" {
		return ErrNotLeader.Error() + " and knows none"
	}
	return ErrNotLeader.Error() + ", " + e.Leader + " is"
}

// Is makes errors.Is(err, ErrNotLeader) true.
func (e *NotLeaderError) Is(target error) bool { return target == ErrNotLeader }

// translate turns raft's errors into those above.
func (n *Node) translate(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return n.notLeader()
	case errors.Is(err, raft.ErrLeadershipLost):
		return ErrUncertain
	case errors.Is(err, raft.ErrRaftShutdown):
		return ErrClosed
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return context.DeadlineExceeded
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// notLeader names the leader, unless that is this node, about to hand over.
func (n *Node) notLeader() error {
	_, leader := n.raft.LeaderWithID()
	if string(leader) == n.id {
		leader = ""
	}
	return &NotLeaderError{string(leader)}
}

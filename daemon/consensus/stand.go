package consensus

import (
	"fmt"

	"github.com/hashicorp/raft"
)

// Stand makes this node stand for election now instead of at the end of the
// heartbeat timeout, by handing raft the TimeoutNow request a leader would send.
// raft acts on that request without any check of its own, so Stand refuses
// (ErrMayNotStand) unless this node is a follower and a committed voter, term
// and leader are still those the caller judged dead, and it did not stand in
// this term before.
//
// The caller has made sure that the leader is gone: its link was reset, a
// re-dial refused, and a majority of voters say the same; and it keeps the order
// of standing. A wrong call costs a change of leadership, never safety: the fence of the
// forwarding protocol holds with two leaders too.
func (n *Node) Stand(term uint64, leader string) error {
	n.standMu.Lock()
	defer n.standMu.Unlock()
	if err := n.mayStand(term, leader); err != nil {
		return err
	}
	n.stood = term
	n.log.Info("standing for election", "term", term, "lost_leader", leader)
	if err := n.trans.inject(&raft.TimeoutNowRequest{RPCHeader: n.header()}, n.rpcWait); err != nil {
		return fmt.Errorf("standing for election: %w", err)
	}
	return nil
}

func (n *Node) mayStand(term uint64, leader string) error {
	s := n.Status()
	switch {
	case s.Role != Follower:
		return fmt.Errorf("%w: it is %s", ErrMayNotStand, s.Role)
	case leader == "" || s.Term != term || s.LeaderID != leader:
		return fmt.Errorf("%w: asked for term %d and leader %q, now it is term %d and leader %q",
			ErrMayNotStand, term, leader, s.Term, s.LeaderID)
	case term == n.stood:
		return fmt.Errorf("%w: it stood in term %d before", ErrMayNotStand, term)
	case !n.fsm.committedVoter(n.id):
		return fmt.Errorf("%w: it is no committed voter", ErrMayNotStand)
	}
	return nil
}

// header is what raft checks of every request: the protocol version.
func (n *Node) header() raft.RPCHeader {
	return raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(n.id), Addr: []byte(n.id)}
}

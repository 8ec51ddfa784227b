package consensus

import (
	"time"

	"github.com/hashicorp/raft"
)

// retryAfter is when a snapshot that raft refused is tried again: while members change
// it does for a moment.
const retryAfter = 5 * time.Second

// compact takes a snapshot whenever the log has too many bytes, until the node
// closes. By the number of entries raft does it itself, every two minutes or so.
func (n *Node) compact() {
	for {
		select {
		case <-n.done:
			return
		case <-n.tail.full:
		}
		keep, first := n.tail.keep()
		err := n.shorten(min(keep, trailingLogs))
		if err == nil {
			n.tail.shortened(first)
			continue
		}
		n.log.Debug("the log of the cluster was not made shorter", "reason", err)
		select {
		case <-n.done:
			return
		case <-time.After(retryAfter):
		}
		n.tail.retry()
	}
}

// shorten takes a snapshot and lets go of all entries behind it but the newest.
func (n *Node) shorten(keep int) error {
	trailing := func(count uint64) error {
		rc := n.raft.ReloadableConfig()
		rc.TrailingLogs = count
		return n.raft.ReloadConfig(rc)
	}
	if err := trailing(uint64(keep)); err != nil {
		return err
	}
	err := n.raft.Snapshot().Error()
	if err == raft.ErrNothingNewToSnapshot {
		err = nil
	}
	if back := trailing(trailingLogs); err == nil {
		err = back
	}
	return err
}

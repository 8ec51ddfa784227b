package consensus

import (
	"fmt"

	"github.com/hashicorp/raft"

	"quorate.org/daemon/replica"
)

// HasState reports whether cfg.Dir holds a log, a vote or a snapshot, that is
// whether this node was part of a cluster. No Node may be open on it.
func HasState(cfg Config) (bool, error) {
	disk, err := openDisk(cfg.withDefaults())
	if err != nil {
		return false, err
	}
	defer disk.close()
	has, err := raft.HasExistingState(disk.store, disk.store, disk.snapshots)
	if err != nil {
		return false, fmt.Errorf("looking for raft state: %w", err)
	}
	return has, nil
}

// Recover makes this node, the survivor of a lost majority, the only voter of
// its own log and applies c, a replica.Recover command, in the same step. No
// Node may be open on cfg.Dir; Open it afterwards without bootstrap.
//
// Every entry of the survivor's log counts as committed from then on, and what
// only the lost nodes had is lost. A refusal of c changes nothing.
func Recover(cfg Config, c replica.Command) error {
	cfg = cfg.withDefaults()
	disk, err := openDisk(cfg)
	if err != nil {
		return err
	}
	defer disk.close()
	fsm := &recovering{machine: newMachine(disk.archives, func() {}), last: c}
	_, loopback := raft.NewInmemTransport(raft.ServerAddress(cfg.ID)) // only names this node in the snapshot
	self := raft.Configuration{Servers: []raft.Server{server(cfg.ID)}}
	err = raft.RecoverCluster(cfg.raft(), fsm, disk.store, disk.store, disk.snapshots, loopback, self)
	if fsm.taken != nil {
		fsm.taken.Release()
	}
	if fsm.refusal != nil {
		return fsm.refusal // raft keeps only its text
	}
	if err != nil {
		return fmt.Errorf("recovering raft: %w", err)
	}
	return nil
}

// recovering applies one more command before the snapshot that RecoverCluster
// takes, so that the node never runs as the old cluster with one voter.
type recovering struct {
	*machine
	last    replica.Command
	refusal error
	taken   raft.FSMSnapshot // raft does not release it
}

// Snapshot implements raft.FSM.
func (r *recovering) Snapshot() (raft.FSMSnapshot, error) {
	old := r.state.Load()
	next, err := old.Apply(old.Version, r.last)
	if err != nil {
		r.refusal = err
		return nil, err
	}
	r.taken, err = r.capture(next)
	return r.taken, err
}

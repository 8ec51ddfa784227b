package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Arm has a local node's xmppd kill itself when an effect comes to a step, if its
// programs were built with the tag faults (daemon/forward/await_faults.go). op is the
// command that brings the effect, word is in no stanza but the one that asks for it.
func (n *Node) Arm(step, op, word string) error {
	m, ok := n.machine.(*local)
	if !ok {
		return fmt.Errorf("%s is no local node", n.name)
	}
	if err := os.WriteFile(filepath.Join(m.run, "xmppd", "fault"), []byte(step+" "+op+" "+word), 0o600); err != nil {
		return fmt.Errorf("arming %s: %w", n.name, err)
	}
	return nil
}

// Disarm undoes Arm. The step may have been reached meanwhile.
func (n *Node) Disarm() error {
	m, ok := n.machine.(*local)
	if !ok {
		return fmt.Errorf("%s is no local node", n.name)
	}
	if err := os.Remove(filepath.Join(m.run, "xmppd", "fault")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("disarming %s: %w", n.name, err)
	}
	return nil
}

// Runs reports whether a daemon of a local node has not ended.
func (n *Node) Runs(daemon string) bool {
	m, ok := n.machine.(*local)
	return ok && m.procs.pid(daemon) != 0
}

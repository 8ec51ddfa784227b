package replica

import (
	"fmt"
	"math"

	"quorate.org/daemon/fault"
)

// Format is the newest format of the log and of the state that this software reads.
// An operation, or a field of a command or of the state, that the version before
// does not know needs the next one: raise it, and say so in since. The leader enters
// nothing in the log that a member could not read.
const Format = 1

// unknown is what an operation needs that this software has no rule for.
const unknown = math.MaxInt32

// since is the format that an operation needs where that is not the first.
var since = map[Op]int{}

// Needs returns the format of the log that can hold a command. One of which this
// software has no rule needs more than there is.
func (c Command) Needs() int {
	if c.Op == OpBatch {
		need := 1
		for _, each := range c.Batch {
			need = max(need, each.Needs())
		}
		return need
	}
	if _, known := steps[c.Op]; !known {
		return unknown
	}
	return max(1, since[c.Op])
}

// slowest is the member that reads the least, the zero Member in no cluster.
func (s *State) slowest() (least Member) {
	for i, m := range s.SortedMembers() {
		if m.Format = max(1, m.Format); i == 0 || m.Format < least.Format {
			least = m
		}
	}
	return least
}

// Reads returns the newest format that this software and every member read.
func (s *State) Reads() int {
	if m := s.slowest(); m.ID != "" {
		return min(Format, m.Format)
	}
	return Format
}

// MayHold refuses a command that this software or a member could not read.
func (s *State) MayHold(c Command) error { return s.mayHold(c, Format) }

// mayHold is MayHold of software that reads a format.
func (s *State) mayHold(c Command, format int) error {
	slowest := s.slowest()
	switch need := c.Needs(); {
	case need > format:
		return fault.Mend(fault.Version, fmt.Sprintf("this version does not know the command %q", c.Op), "upgrade this node")
	case slowest.ID != "" && need > slowest.Format:
		return fault.Mend(fault.Version, fmt.Sprintf("%s runs version %s, which does not know the command %q", slowest.Name, slowest.Version, c.Op),
			"upgrade "+slowest.Name+" first")
	}
	return nil
}

// keepsUp refuses a member that could not read what the others may have written. It
// goes by the member table alone, so that nodes of unlike versions decide alike.
func (s *State) keepsUp(m Member) error {
	if max(1, m.Format) >= s.slowest().Format {
		return nil
	}
	return fault.Mend(fault.Version, fmt.Sprintf("%s runs version %s, and the cluster's data are of a newer one", m.Name, m.Version), "upgrade "+m.Name)
}

func unread(what string, format int) *fault.Error {
	text := fmt.Sprintf("%s has format %d and this version reads up to format %d", what, format, Format)
	return fault.Mend(fault.Version, text, "upgrade this node")
}

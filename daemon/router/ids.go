package router

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"maps"
	"slices"
)

// NodeID is a node's stable identity: the hash of its key, in hex.
type NodeID string

// Inc is one start of a node's daemon: 128 random bits.
type Inc [16]byte

// StoreInc is the source of what the offline store delivers; Seq is the name of
// the message there (rule 9).
var StoreInc = Inc{'o', 'f', 'f', 'l', 'i', 'n', 'e', ' ', 's', 't', 'o', 'r', 'e'}

// LeaderInc is the source of what the leader says by itself to a resumable
// session, without a number: it is sent once and not asked after.
var LeaderInc = Inc{'t', 'h', 'e', ' ', 'l', 'e', 'a', 'd', 'e', 'r'}

// String returns the first four bytes in hex, enough for a log line.
func (i Inc) String() string { return hex.EncodeToString(i[:4]) }

// Epoch orders reigns: the raft term of the leader, and how many times it
// opened in that term. The zero Epoch is before every reign.
type Epoch struct {
	Term uint64
	K    uint32
}

// Compare returns -1, 0 or 1 as e is before, equal to or after o.
func (e Epoch) Compare(o Epoch) int {
	if c := cmp.Compare(e.Term, o.Term); c != 0 {
		return c
	}
	return cmp.Compare(e.K, o.K)
}

// FrameID names one accepted stanza: the edge that accepted it and its place
// in that edge's sequence. Seq starts at 1 and is dense.
type FrameID struct {
	Inc Inc
	Seq uint64
}

// SID names one bound session: the edge that owns it and a counter there.
// The zero SID is no session.
type SID struct {
	Inc Inc
	N   uint64
}

// Compare orders sessions: by the edge that bound them, then as it did.
func (s SID) Compare(o SID) int {
	return cmp.Or(bytes.Compare(s.Inc[:], o.Inc[:]), cmp.Compare(s.N, o.N))
}

// Stamp orders the claims to one JID; the leader gives it at bind.
type Stamp struct {
	Term    uint64
	Counter uint64
}

// Compare returns -1, 0 or 1 as s is before, equal to or after o.
func (s Stamp) Compare(o Stamp) int {
	if c := cmp.Compare(s.Term, o.Term); c != 0 {
		return c
	}
	return cmp.Compare(s.Counter, o.Counter)
}

// sortedSIDs lists the keys of a map in order.
func sortedSIDs[T any](m map[SID]T) []SID {
	return slices.SortedFunc(maps.Keys(m), SID.Compare)
}

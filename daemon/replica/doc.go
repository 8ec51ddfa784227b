// Package replica is the replicated state of a cluster as a pure finite-state
// machine: what is durable and shared, the commands that change it, and the
// rules by which a command is refused.
//
// It owns the call bridges and their secrets, the domain, the local accounts
// with their rosters and waiting messages (the rules of which are package im's),
// the member table and the gossip key. A standalone node keeps the same State
// without members. It does no I/O, reads no clock and draws no random numbers
// (NewSecret excepted, which a caller uses before it proposes a command), so
// replaying any log gives the same bytes on every node. It does not know raft:
// package consensus carries commands to it.
//
// Concurrency: a *State is immutable once Apply or Decode has returned it.
// Apply returns a new State that shares what it did not change, so any number
// of goroutines may hold and read any version without locks.
package replica

// Package consensus keeps the replicated state of package replica equal on all
// voters. It is the only importer of hashicorp/raft and of bbolt.
//
// It owns the raft instance of this node, its log, vote, snapshots and message
// archives on disk,
// the current replica.State, and the injected election of Stand. It does not
// own connections (a Transport lends them by node ID), does not know addresses,
// and does not decide who is a member or when to stand: its callers do.
//
// Concurrency: all methods of Node may be called from any goroutine. State
// returns an immutable value. Config.OnChange is called from one goroutine of
// its own, one call at a time; calls are merged, and at least one follows every
// change of leadership, term, configuration or State (users' own data aside), so a callback that looks
// again misses nothing. It never delays raft. Close waits for every goroutine
// the Node started, the callback included.
package consensus

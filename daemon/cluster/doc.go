// Package cluster is this node's membership: which cluster it is in, who else
// is, who leads, and how that changes.
//
// It joins consensus, gossip and mesh. Membership transitions follow one
// pattern: the outcome is written to disk (membership.json and the store
// directory) and the instance is built anew from there; so a crash at any point
// leaves a node that starts as what the disk says. The replicated member table
// is the intent, and the leader reconciles raft's voters with it; gossip only
// annotates. DESIGN.md tells the flows.
//
// A Cluster is one such instance. Its methods are safe for concurrent use; Open
// starts it and Close waits for everything it started.
package cluster

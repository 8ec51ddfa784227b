// Package gossip tells which nodes are alive. It is the only importer of
// hashicorp/serf and memberlist.
//
// It owns this node's gossip port, the encryption keys of the gossip, and the
// list of nodes it has heard of. It does not decide who is a member or who votes:
// the member table does (package replica), and gossip only annotates it. Nothing
// is carried over it but the tags of each node.
//
// Concurrency: all methods of Pool may be called from any goroutine. Members
// returns the newest list, which the caller owns. Config.OnChange is called from
// one goroutine of its own, one call at a time; calls are merged, and at least
// one follows every change. It never delays gossip. Shutdown and Leave wait for
// every goroutine the Pool started, the callback included.
package gossip

// Package mesh connects the nodes of a cluster by mutual TLS.
//
// One port carries three protocols, told apart by ALPN: raft/1 (streams lent
// to package consensus), stanza/1 (one lasting link per pair of nodes) and
// control/1 (one request and its answer). Every connection begins with a hello
// in which each side signs the TLS exporter with its node key, because with a
// certificate shared by all nodes TLS alone proves no more than "a member".
//
// The mesh knows addresses and keys only from the Membership it is given; it
// knows nothing of stanzas, leaders or votes.
//
// All methods of Mesh are safe for concurrent use. Handler methods are called
// from the mesh's goroutines: Receive in order per link and never at the same
// time for one link. Run starts the goroutines and returns when all have ended.
package mesh

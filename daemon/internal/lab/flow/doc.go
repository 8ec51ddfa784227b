// Package flow drives numbered messages through a cluster and says what became
// of each: lost, doubled, reordered, bounced, and the longest silence.
//
// It speaks XMPP from outside with as little as that takes: an XEP-0114
// component and a SCRAM client over crypto/tls, and a splitter of the incoming
// bytes that shares no code with the servers under test. It is a load
// generator and an oracle, not a client library.
//
// Concurrency: a Peer may send from several goroutines; its handler runs in
// the peer's one reading goroutine.
package flow

// Package router decides where every stanza goes and when it may be forgotten.
//
// It holds the three state machines of the forwarding protocol: Source (keeps
// what this edge accepted until it is answered for), Owner (hands stanzas to
// the sessions of this edge, each once) and Leader (the one directory and the
// routing rules of RFC 6121 §8). Edge joins a Source and an Owner to the
// epoch protocol OPEN, SYNC, GO that they share. DESIGN.md tells the rules.
//
// The package has no socket, clock or goroutine: callers feed messages and
// the time, and take messages from an Out. A value of any type here is used by
// one goroutine at a time; daemon/forward holds the lock.
package router

// Package callbridge is the Call Bridge of a node: an XMPP component (XEP-0114)
// that finds its server by itself and keeps one link to it.
//
// It owns the decision which server to try next (plan, a pure machine), the
// trust in the server's certificate, the sign-in, the answers to disco, ping and
// version, and every word said about the link: what Status tells is shown
// verbatim by the command line, by Web Admin and in the journal. It holds no
// keys, carries no calls and decides nothing about the cluster.
//
// Concurrency: Run of a Bridge drives the link in one goroutine; Use, Reconnect
// and Status may be called from any. A Service feeds one Bridge from the bus.
package callbridge

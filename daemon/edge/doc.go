// Package edge is where XMPP streams meet the network: the listeners on the
// client port (STARTTLS) and the direct-TLS port, the connections accepted
// there, and the queue of bytes each still has to be sent.
//
// It owns sockets, TLS with the certificates of clients, read buffers, outboxes,
// time limits and the limits per address; failed sign-ins it counts and holds back
// by address and by account. It does not know what a stream negotiation allows (package stream
// does) nor where a stanza goes: every bound stream has one Session of a Router,
// to which it hands stanzas that stand alone, and is that router's Sink for what
// the stream is to receive.
//
// An Edge is safe for concurrent use. Each connection has one goroutine that
// negotiates and, behind it, one that reads and calls its Session, and another that
// writes, alive only while there is something to write. Read buffers are lent while bytes of
// an unfinished stanza wait and while a batch is handled, never to an idle
// connection. A full source window blocks the reading goroutine, which is the
// back-pressure a peer feels; a peer that does not read is cut off when its
// outbox exceeds its bound or when one write lasts too long. A Sink's methods
// may be called from any goroutine; Enqueue and Shut never block.
package edge

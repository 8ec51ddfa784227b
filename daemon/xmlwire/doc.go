// Package xmlwire finds the stanzas of an XMPP stream in its bytes.
//
// It owns the scanner, which validates XML 1.0, Namespaces in XML 1.0 and the
// restrictions of RFC 6120 §11 while it looks for the end of each first-level
// element; the header fields a router needs; the rewriting that makes a stanza
// stand alone on another stream; a small reader for control payloads; and
// escaping. It does no I/O, builds no tree, keeps no bytes of the caller's and
// allocates nothing per stanza. It does not know which stanzas or namespaces a
// stream may carry at which time: that is the negotiation's to judge.
//
// A Scanner belongs to one stream and one goroutine at a time. Headers and
// values point into the caller's buffer or the scanner and hold until the next
// call of Next or Rest. Package functions are safe for concurrent use.
package xmlwire

// Package stream negotiates XMPP streams: what a server answers to each stream
// header and first-level element until a client has bound a resource (RFC 6120
// §4–§7) or a component has proved its secret (XEP-0114), and which addresses
// a stanza may carry afterwards.
//
// It owns the order of negotiation (STARTTLS, SASL, resource binding; XEP-0368
// and XEP-0114 where TLS came first), the elements written in it and the choice
// of stream error for each violation. It does not read or write sockets, find
// stanzas in bytes, route them or keep time: it is fed with what the scanner
// found and returns bytes to write and one action to take.
//
// A Machine belongs to one stream and one goroutine. It keeps nothing of what it
// is fed. DESIGN.md has the states.
package stream

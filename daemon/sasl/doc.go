// Package sasl is the server side of SASL as XMPP uses it (RFC 6120 §6): the
// mechanisms SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677) and their -PLUS
// forms, bound to the TLS channel by tls-exporter (RFC 9266) or
// tls-server-end-point (RFC 5929), with the downgrade protection of XEP-0474; and
// EXTERNAL, by a client certificate (XEP-0178).
//
// It owns the keys kept for an account, the choice of mechanisms, the exchange
// itself and the words of its failures. It stores nothing, does no I/O and sees
// neither XML nor TLS: the stream negotiation carries its messages, and package
// edge finds out what a certificate proves. SCRAM is computed here and not by
// xdg-go/scram, which can not add an attribute to the challenge; that library is
// the client of the tests.
//
// A Server serves one exchange of one stream and belongs to one goroutine.
// Package functions are safe for concurrent use.
package sasl

// Package sasl is the server side of SASL as XMPP uses it (RFC 6120 §6): the
// mechanisms SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677) and their -PLUS
// forms, bound to the TLS channel by tls-exporter (RFC 9266) or
// tls-server-end-point (RFC 5929).
//
// It owns the keys kept for an account, the choice of mechanisms, the exchange
// itself and the words of its failures. It stores nothing, does no I/O and sees
// neither XML nor base64: the stream negotiation carries its messages. The
// exchange is computed by xdg-go/scram; what that library leaves to its caller
// (which binding a client named, authorization identities, unknown users) is
// decided here.
//
// A Server serves one exchange of one stream and belongs to one goroutine.
// Package functions are safe for concurrent use.
package sasl

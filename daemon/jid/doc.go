// Package jid reads, prepares and compares XMPP addresses (RFC 7622).
//
// It owns the syntax, the three preparation profiles (IDNA for the domainpart,
// UsernameCaseMapped for the localpart, OpaqueString for the resourcepart) and
// nothing else: it resolves no names and knows no accounts. A JID is a small
// immutable value, comparable with == and usable as a map key; every function
// is safe for concurrent use.
package jid

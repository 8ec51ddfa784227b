// Package stanza builds and reads the few stanzas a server speaks itself.
//
// It owns the error, result, disco and stream-error builders, the conditions
// and their types (RFC 6120 §4.9.3, §8.3.3), and readers for what a server must
// know of a stanza's inside: bind's resource, presence priority and show. It
// works on raw bytes that xmlwire has accepted, appends to the caller's buffer
// and decides nothing about who gets what. What it builds carries no content
// namespace, so it stands on any stream. Every function is safe for concurrent
// use.
package stanza

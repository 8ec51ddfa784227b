// Package hostile is a corpus of bytes that no peer should send, each with the
// stream error of RFC 6120 §4.9.3 that has to answer it; and of stanzas in good order
// that ask so much of a service that it has to refuse.
//
// It owns the cases and nothing else: who plays them, against what and by which
// connection is the business of the tests of package edge, in process, and of
// those of three nodes.
package hostile

// Package im is instant messaging and presence by RFC 6121 as values and plain
// functions: the roster and its versions, the subscription states of appendix
// A, the stanzas a server derives from them, what becomes of a message, and the
// offline store.
//
// It owns no session and no store: package replica keeps a User per account
// and changes it by the functions here, package router knows who is available
// and asks here what to send. It does no I/O, reads no clock and draws no
// random numbers; what it is given is never written to, so a User may be held
// and read by any number of goroutines. DESIGN.md tells how the parts meet and
// where further services plug in.
package im

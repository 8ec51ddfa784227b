// Package change changes settings of the XMPP service the way a person expects
// it of a face: stored, taken over by the service, or taken back when the
// service can not.
//
// It is a client of the bus, prints nothing and keeps nothing between calls,
// which may come from several goroutines. Somebody else's change of the same
// keys in between is overwritten by a taking back: the last one wins.
package change

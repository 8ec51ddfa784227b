// Package bus is the only room that speaks D-Bus.
//
// It owns the names of the org.quorate interfaces, the values that cross them,
// one typed client per service (Xmpp, Config, Certificates and the few calls
// of systemd1, hostname1 and login1 that Quorate needs), and the server side:
// export of an implementation, introspection and access rules taken from
// config/*.xml, the caller's credentials, and the journaling of every change.
//
// It holds no state of the product and decides nothing about it: an
// implementation answers with values and *fault.Error, and a client gets the
// same *fault.Error back.
//
// Concurrency: a Conn, its clients and its objects are safe for concurrent
// use. Every incoming call runs in its own goroutine, so a long call (a join
// takes up to 30 s) never holds up another one on the connection. Close ends
// the contexts of the calls in progress and waits for them.
package bus

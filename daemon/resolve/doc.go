// Package resolve asks the name servers of this machine.
//
// It owns the questions to the servers named in /etc/resolv.conf, the words and
// kinds of their failures, and the order in which the servers of a service are
// tried (RFC 2782). It is the keeper of the DNS library, caches nothing, and
// reads resolv.conf anew when that changed. What the records mean is the
// caller's business.
//
// A Resolver is safe for concurrent use; it starts nothing that outlives a call.
package resolve

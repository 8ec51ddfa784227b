// Package dnscheck judges the DNS records of an XMPP domain.
//
// It is a decision without a socket: Questions and Probes say what to look up
// and what to connect to, the caller does that and writes the answers into
// Facts, and Judge says which records the domain needs, which were found, what
// is wrong with them, and the lines of a zone file that mend it. It holds no
// state; every function depends on its arguments alone.
//
// Names are in the form of a zone file (RFC 1035 §5.1) in lower case and without
// the last dot.
package dnscheck

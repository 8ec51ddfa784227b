// Package netfilter keeps the kernel's packet filter as the settings want it, and
// serves org.quorate.Firewall1.
//
// It owns the loading of the one table that is ours, by nft, and nobody else's.
// What the table says is decided in firewall. When the settings can not be read or
// the table can not be loaded, what is in force stays: at first the base table
// that the boot loaded, which opens SSH alone.
//
// A Service is used by one Run; the server side of the bus, which it answers from
// the last state published, is safe for concurrent use.
package netfilter

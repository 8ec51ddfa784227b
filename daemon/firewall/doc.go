// Package firewall decides which ports of a node are open: it makes the list of
// ports from the settings, and from the list the text of the one nftables table
// that is ours.
//
// It reads nothing and loads nothing (netfilter does); every function is pure.
// What is not in the list is dropped. A port of a service that is switched off is
// answered with a reset and not with silence, so that whoever tries it goes on to
// the next server at once.
package firewall

// Package lab runs a small cluster of real nodes on one machine: three nodes,
// one Ethernet segment, one DNS server, one certificate authority.
//
// A node is either a virtual machine booted from the image (VM) or the same
// daemons started as processes in a network namespace (local). Both hang on
// the same bridge and are operated the same way: over SSH and SFTP with
// OpenSSH's clients, so that the walkthrough a person types is the walkthrough
// that is played. The package owns namespaces, processes, the test CA and the
// faults it causes (kill, pause, partition, link reset); it knows no XMPP
// (package flow does) and decides nothing about the product.
//
// It needs root, iproute2, dnsmasq, OpenSSH, dbus-daemon, systemd's programs and
// nftables, and for VM nodes QEMU. Everything it starts is remembered by pid and start time in
// the lab's directory, so a later call can stop it, and stop nothing else.
//
// Concurrency: a Lab and its Nodes may be used from several goroutines as long
// as calls on one Node do not overlap, except Exec, Dial and Signal, which may.
package lab

// Package upgrade brings a new version onto this machine and takes it back: the
// only part of Quorate that touches partitions and kernel images.
//
// It runs as root for one act and ends; what it has found and done it leaves in a
// report that the configuration service reads. A version is installed by
// systemd-sysupdate from parts that package update has verified; which one starts
// is told by the names of the kernel images alone, as the Boot Loader
// Specification counts tries, so that systemd-boot decides without us. DESIGN.md
// tells the whole. A Machine is for one goroutine, and systemd runs one at a time.
package upgrade

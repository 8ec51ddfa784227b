// Package provision sets a node up from what its machine was given: credentials
// (SMBIOS type 11 strings, QEMU's fw_cfg), VMware's guestinfo variables, the OVA's
// properties and a disk labelled QUORATE.
//
// Whatever the source, values go one way: a reader of the source makes Items of
// them, Parse judges every one by itself and puts the good ones together as a
// Plan, and Node.Apply writes the Plan where the system's own services read it.
// A wrong value is a fault that names its source and what would be right; it is
// skipped, and the node starts with the rest. A value is applied once: what an
// administrator changed or removed later stays so.
//
// Parse does no I/O. The rest is for one process at a time.
package provision

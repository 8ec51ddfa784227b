// Package backup is the file a node's backup is: what is in it, how it is sealed
// under a passphrase, and how it is told whether a file is whole.
//
// It knows the parts of a backup by name only; what they hold is for the service
// that made them. It reads and writes no file, asks nobody, and keeps nothing.
// Functions may run concurrently; each seal or opening takes 64 MiB of memory
// for as long as the key is derived. DESIGN.md tells the whole of backup, restore
// and factory reset.
package backup

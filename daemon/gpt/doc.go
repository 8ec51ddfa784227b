// Package gpt gives a partition of a disk another name, in both copies of its
// GUID partition table (UEFI Specification 2.10, §5.3).
//
// It knows the table's bytes, not devices: what it reads and writes is a value
// that has both. It changes nothing but the name, and nothing at all when either
// copy is not as it says itself. It starts no goroutine.
package gpt

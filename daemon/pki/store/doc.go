// Package store keeps the private keys and certificates of a node.
//
// It owns two folders. In its own one (0700) every file is a blob named by the
// SHA-256 of its bytes (0600, never changed), and one index names them; a change
// writes its blobs, then replaces the index by rename, so that a key and its
// certificate change together or not at all, also when the power fails. From the
// exchange folder, where SFTP puts files, it takes what parses whole and no
// longer changes. Public files stay there; private keys are removed once they
// are safe in the store. What is refused stays in the exchange folder and is
// listed with the reason.
//
// It does not judge contents (package pki does), knows no bus and starts no
// goroutine. What the configuration uses is told to it as Uses.
//
// Concurrency: all methods may be called at the same time. One mutex guards the
// index and is never held while waiting; a second one lets one Scan run at a
// time.
package store

// Package certd is the certificate service: org.quorate.Certificates1 over the
// store of package pki/store.
//
// It owns when the exchange folder is looked at (inotify, a slow poll beneath
// it, and every command that reads a file), what the journal says of files taken
// in, refused or expiring, and which files the configuration uses. It does not
// judge files, knows no XMPP, and never hands a private key to anyone but a
// service, as a read-only descriptor.
//
// Concurrency: bus calls run concurrently, each in its own goroutine. Run owns
// one loop for the folder, the configuration and the expiry timer, and one
// goroutine that reads inotify; both have ended when it returns. What the
// configuration uses is published as a value under a mutex, so that no command
// but Remove waits for the configuration service, which might wait for it.
package certd

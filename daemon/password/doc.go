// Package password sets the password of the administrator's account at the
// console: the first one, and a new one when a node was started to recover from
// a lost one.
//
// A process of root's, Serve, does that and nothing else: it takes a password
// only while the account has none or recovery was asked for at this boot, so
// whoever can reach its socket gains nothing on a node that is set up. Ask and
// Set are its clients. The hash is chpasswd's; the account's file is never
// written by this package. With the password, sshd takes passwords of the
// account.
//
// Serve answers one connection. Nothing is kept, and everything is safe for
// concurrent use; chpasswd takes the account file's lock.
package password

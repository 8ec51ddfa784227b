// Package pam asks the system whether a name and a password belong together:
// libpam, loaded at run time without cgo.
//
// It answers one prompt, the password's, and opens no session. What libpam loads
// runs within this process, so only cmd/signin links it, a process of one
// sign-in. A call blocks as long as the modules take, some seconds after a wrong
// password; calls may overlap.
package pam

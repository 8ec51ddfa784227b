// Package signin turns a name and a password into a connection to the system
// bus that is the person's own. Serve is the end with the privilege, in a
// process of one sign-in; Open is the end of who asks, Web Admin. End says that
// the sessions of an account are over.
//
// It checks no password (package pam does) and decides no access: the role is
// the bus's, and so is everything that is done over the connection. DESIGN.md
// says why. Open may be called from several goroutines.
package signin

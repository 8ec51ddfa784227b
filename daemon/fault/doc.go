// Package fault is the one vocabulary of failures an administrator meets.
//
// The command line, Web Admin, D-Bus error names, journal messages and metrics
// all take their words from here. It owns the codes and the Error type; it does
// no I/O and holds no state, so every value is safe for concurrent use.
package fault

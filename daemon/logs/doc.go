// Package logs reads the journal of this node, for the shell and for Web Admin.
//
// It owns what is asked of journalctl(1), how its JSON is understood, and the
// one line an entry is shown as. It runs with the rights of whoever calls it
// and adds none: a person who may not read the journal is told so in words. It
// keeps nothing and writes nothing; what our own daemons log is package
// journal's.
//
// Read may be called from several goroutines; it calls back from its own caller's.
package logs

// Package grammar is the shape of the command line: what a line means, how it
// may go on, and how it is explained.
//
// It owns the description of a command (Command), the tokeniser, the tree the
// commands make, and all that is derived from them: parsing, completion, the
// nearest match for a mistyped line, help texts and the command reference. It
// does not run commands and does no I/O. A Tree never changes after New, so it
// and every function here are safe for concurrent use.
package grammar

// Package console reads what a person types, and keeps the history of it.
//
// It owns the two ways a line arrives: a terminal with editing, completion and
// history, and a plain stream when a script drives the shell. It knows no
// command. A Console is in raw mode only while it waits for a line; whoever runs
// a program in between, or ends, calls Restore first. It is not safe for
// concurrent use; while a line is awaited one goroutine of its own follows
// the window's size and ends with the line.
package console

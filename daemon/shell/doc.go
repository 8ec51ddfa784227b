// Package shell is the command line of a node: the login shell of its
// administrators.
//
// It owns the list of commands and what each of them asks of the services over
// the bus, the words it answers with, and the ways a person or a script comes
// in: a prompt, one command, or SFTP. It holds no state of the product and
// decides nothing about it: a service refuses, the shell says so. How a line is
// understood is grammar, how an answer looks is layout, how a line is typed is
// console, the exchange folder is exchange.
//
// A Shell runs one command at a time and is not safe for concurrent use.
package shell

//go:generate go run quorate.org/daemon/cmd/quorate mmp --docs ../../docs/commands.md

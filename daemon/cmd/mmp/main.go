// Package mmp is the command line of a node, and the login shell of its
// administrators.
package mmp

import (
	"os"

	"quorate.org/daemon/shell"
)

// Main is the whole program.
func Main() { os.Exit(shell.Main(os.Args[1:])) }

// Command mmp is the command line of a node, and the login shell of its
// administrators.
package main

import (
	"os"

	"quorate.org/daemon/shell"
)

func main() { os.Exit(shell.Main(os.Args[1:])) }

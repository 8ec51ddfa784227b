package shell

// linkCommands is the Call Bridge this node runs: callbridge …
func linkCommands() []command { return nil }

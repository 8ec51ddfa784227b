package shell

// webAdminCommands is webadmin …
func webAdminCommands() []command { return nil }

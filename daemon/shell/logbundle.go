package shell

// logBundleCommands is logbundle
func logBundleCommands() []command { return nil }

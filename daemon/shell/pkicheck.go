package shell

// pkiCheckCommands is pki check and pki unlock
func pkiCheckCommands() []command { return nil }

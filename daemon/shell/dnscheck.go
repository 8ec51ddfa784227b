package shell

// dnsCheckCommands is dns check
func dnsCheckCommands() []command { return nil }

package shell

// bridgeCheckCommands is xmpp callbridge check and xmpp cluster rotate
func bridgeCheckCommands() []command { return nil }

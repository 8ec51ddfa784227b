package shell

// syslogCommands is syslog …
func syslogCommands() []command { return nil }

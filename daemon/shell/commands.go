package shell

import (
	"slices"

	"quorate.org/daemon/shell/grammar"
)

// command is a command and what it does.
type command struct {
	grammar.Command
	run run
}

// serviceCommands lists the commands that ask a service over the bus.
func serviceCommands() []command {
	return slices.Concat(
		xmppCommands(), settingCommands(), callBridgeCommands(), clusterCommands(), userCommands(), domainCommands(),
		pkiCommands(), configCommands(), machineCommands(),
		linkCommands(), webAdminCommands(), pkiCheckCommands(), bridgeCheckCommands(), backupCommands(), upgradeCommands(), firewallCommands(),
	)
}

// localCommands lists the commands that work without the bus, or with as much
// of it as there is.
func localCommands() []command {
	return slices.Concat(toolCommands(), healthCommands(), dnsCommands(), databaseCommands(), helpCommands(),
		dnsCheckCommands(), syslogCommands(), logBundleCommands(), accountCommands())
}

// Reference returns docs/commands.md.
func Reference() string { return New(Config{}).tree.Markdown() }

package service

import (
	"os"
	"strings"
)

// Where the directories are unless the service manager says otherwise.
const (
	ConfigurationPath = "/etc/quorate"
	ExchangePath      = "/var/lib/quorate/exchange"
	statePath         = "/var/lib/quorate"
	runtimePath       = "/run/quorate-"
)

// State returns the private state directory of a daemon: $STATE_DIRECTORY, or
// its place under /var/lib/quorate.
func State(daemon string) string { return first("STATE_DIRECTORY", statePath+"/"+daemon) }

// Runtime returns the directory of a daemon for what lives as long as it does:
// $RUNTIME_DIRECTORY, or its place under /run.
func Runtime(daemon string) string { return first("RUNTIME_DIRECTORY", runtimePath+daemon) }

// Configuration returns the directory of quorate.toml: $CONFIGURATION_DIRECTORY,
// or /etc/quorate.
func Configuration() string { return first("CONFIGURATION_DIRECTORY", ConfigurationPath) }

// Exchange returns the folder files come and go by: $QUORATE_EXCHANGE, or
// /var/lib/quorate/exchange.
func Exchange() string { return first("QUORATE_EXCHANGE", ExchangePath) }

// first returns the first of a colon-separated list, as systemd sets several.
func first(variable, otherwise string) string {
	if name, _, _ := strings.Cut(os.Getenv(variable), ":"); name != "" {
		return name
	}
	return otherwise
}

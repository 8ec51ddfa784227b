package dnscheck

import (
	"strings"

	"golang.org/x/net/idna"

	"quorate.org/daemon/fault"
)

// Domain returns a domain as it is asked for: in ASCII (RFC 5891 §4.4), in lower
// case and without the last dot.
func Domain(name string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
	if err != nil || strings.Contains("."+ascii+".", "..") {
		return "", fault.Mend(fault.InvalidArgument, "\""+name+"\" is no domain", "dns check meet.example")
	}
	return strings.ToLower(ascii), nil
}

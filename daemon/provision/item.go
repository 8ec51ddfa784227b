package provision

import (
	"fmt"
	"strconv"
	"strings"

	"quorate.org/daemon/fault"
)

// Item is one value as a source gave it.
type Item struct {
	Key    string // as in Keys
	Value  string
	Source string // in words: "the credential quorate.hostname"
}

// The keys, which are the same for every source.
const (
	Hostname       = "hostname"
	Interface      = "interface"
	Address        = "address"
	Gateway        = "gateway"
	DNS            = "dns"
	NTP            = "ntp"
	Timezone       = "timezone"
	Keyboard       = "keyboard"
	AuthorizedKeys = "admin.authorized_keys"
	HashedPassword = "admin.hashed_password"
	Config         = "config"
	Recover        = "recover"
)

// Keys lists every key, in the order in which they are read and applied.
var Keys = []string{Hostname, Interface, Address, Gateway, DNS, NTP, Timezone, Keyboard, AuthorizedKeys, HashedPassword, Config, Recover}

// secret keys are named in a fault without their value.
var secret = map[string]bool{HashedPassword: true, Config: true, AuthorizedKeys: true}

// limit bounds one value in bytes.
const limit = 256 << 10

// shown is how much of a value a fault repeats.
const shown = 48

// wrong is the fault of an item: why it is not used and what would be right.
func (i Item) wrong(why, right string) *fault.Error {
	what := i.Key
	if v := strings.TrimSpace(i.Value); !secret[i.Key] && v != "" {
		what += " " + strconv.Quote(v[:min(len(v), shown)])
	}
	return fault.Mend(fault.InvalidArgument, fmt.Sprintf("%s from %s is not used: %s", what, i.Source, why), right)
}

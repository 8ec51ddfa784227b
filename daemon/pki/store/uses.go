package store

import (
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
)

// Uses says which files the configuration names.
type Uses struct {
	Known    bool                // false: the configuration could not be asked
	Files    map[string][]string // file → setting keys
	Services []Service           // files that serve together
	Trust    []string            // files that say whom to trust
	Answers  Answers             // what the members of the cluster said, as far as they were asked
}

// Service is a key with its certificate and bundle. Bundle may be "".
type Service struct {
	Key, Certificate, Bundle string
	Peers                    bool // shown to the members of the cluster, who are asked before it changes
}

func (s Service) files() []string { return []string{s.Key, s.Certificate, s.Bundle} }

// free refuses when name is, or may be, in use.
func (u Uses) free(name string) error {
	if !u.Known {
		return fault.Mend(fault.Unavailable, fmt.Sprintf("it is not known whether %s is in use: the configuration service does not answer", name),
			"systemctl start quorate-config")
	}
	keys := slices.Clone(u.Files[name])
	if len(keys) == 0 {
		return nil
	}
	slices.Sort(keys)
	return fault.Mend(fault.InUse, fmt.Sprintf("%s is in use by %s", name, strings.Join(keys, ", ")),
		"set another file there first; to renew it, upload a new one under the same name")
}

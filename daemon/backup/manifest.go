package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"quorate.org/daemon/fault"
)

// The parts, in the order they are restored: what names a node last, since it
// goes back to its cluster with the others in place.
const (
	Certificates = "certificates" // the store, private keys included
	Settings     = "settings"     // the configuration files
	State        = "state"        // domain, call bridges and accounts
	Identity     = "identity"     // node key, node ID and membership
)

// Parts lists them.
var Parts = []string{Certificates, Settings, State, Identity}

// Suffix ends the name of every backup in the exchange folder.
const Suffix = ".quorate-backup"

// Facts say whose backup it is. They can be read without the passphrase, so
// nothing in them is a secret.
type Facts struct {
	Host    string    `json:"host"`
	NodeID  string    `json:"node_id"`
	Cluster string    `json:"cluster_id"` // empty on a standalone node
	Version string    `json:"version"`
	Created time.Time `json:"created"`
}

// Manifest lists what a backup holds.
type Manifest struct {
	Facts
	Parts []Part `json:"parts"`
}

// Part is one of them.
type Part struct {
	Name   string `json:"name"`
	Size   int    `json:"size"` // bytes
	SHA256 string `json:"sha256"`
}

func newManifest(f Facts, parts map[string][]byte) Manifest {
	m := Manifest{Facts: f}
	for _, name := range Parts {
		if data, ok := parts[name]; ok {
			m.Parts = append(m.Parts, Part{name, len(data), sumOf(data)})
		}
	}
	return m
}

// check compares the parts that came with what the manifest lists.
func (m Manifest) check(parts map[string][]byte) error {
	for _, p := range m.Parts {
		data, ok := parts[p.Name]
		if !ok || len(data) != p.Size || sumOf(data) != p.SHA256 {
			return damaged("the part " + p.Name + " is not what the manifest lists")
		}
	}
	if len(parts) != len(m.Parts) {
		return damaged("it holds more than its manifest lists")
	}
	return nil
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// names are those of files that are no option, not hidden, and in no folder.
var names = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`) })

// FileOf returns the name of the file of a backup, which may be given with its
// suffix or without.
func FileOf(name string) (string, error) {
	base := strings.TrimSuffix(name, Suffix)
	if !names().MatchString(base) {
		return "", fault.Mend(fault.InvalidName, fmt.Sprintf("%q is not a name of a backup", name), "use letters, digits, dots, dashes and underscores, at most 64")
	}
	return base + Suffix, nil
}

// Choose returns the parts that a person asked for, in the order of Parts; none
// means all that there are.
func Choose(asked, there []string) ([]string, error) {
	for _, name := range asked {
		if !slices.Contains(Parts, name) {
			return nil, fault.Mend(fault.InvalidArgument, fmt.Sprintf("%q is no part of a backup", name), "the parts are "+strings.Join(Parts, ", "))
		}
		if !slices.Contains(there, name) {
			return nil, fault.Mend(fault.NotFound, "the backup has no part "+name, "it has "+strings.Join(there, ", "))
		}
	}
	var chosen []string
	for _, name := range Parts {
		if slices.Contains(there, name) && (len(asked) == 0 || slices.Contains(asked, name)) {
			chosen = append(chosen, name)
		}
	}
	return chosen, nil
}

func damaged(why string) error {
	return fault.Mend(fault.Incomplete, "the backup is damaged: "+why, "upload it again in binary mode, or use another one")
}

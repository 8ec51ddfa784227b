package replica

import (
	"maps"
	"slices"
	"strings"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
)

// State is one immutable version of the replicated state. Callers must not
// write to its maps or slices.
type State struct {
	Version     uint64                `json:"version"`           // raft index of the last change
	ClusterID   string                `json:"clusterId"`         // empty on a standalone node
	Domain      string                `json:"domain"`            // XMPP domain, lower case; empty until set
	Domains     map[string]Domain     `json:"domains,omitempty"` // further ones, by name; may be nil
	CallBridges map[string]CallBridge `json:"callBridges"`
	Accounts    map[string]Account    `json:"accounts"`
	Members     map[string]Member     `json:"members"` // by node ID
	Removed     map[string]uint64     `json:"removed"` // node IDs that may never return, with the index of their removal
	GossipKey   []byte                `json:"gossipKey"`
	DecoyKey    []byte                `json:"decoyKey,omitempty"`  // made with the first account, or the first gossip key once there is another; see Decoys
	Clock       uint64                `json:"clock,omitempty"`     // counts what was done to Users; roster versions and messages are named by it
	Users       Table[*im.User]       `json:"users,omitzero"`      // by bare address
	LastFiled   uint64                `json:"lastFiled,omitempty"` // by Clock: the last message that went to an archive
	Parted      map[string][]string   `json:"parted,omitempty"`    // who saw the presence of a removed account, until its sessions have ended; by bare address
	Services    Table[*pep.Service]   `json:"services,omitzero"`   // what accounts publish, by bare address
	Clients     Table[Client]         `json:"clients,omitzero"`    // what clients want to hear of, by the hash of their capabilities
	Applied     map[Source]Applied    `json:"applied,omitempty"`   // the effects of stanzas that may come again, by source

	// Writes is what the last command has to be done to the archives, which are not
	// part of the state.
	Writes []archive.Write `json:"-"`

	// registered is whose a registration for notices is, by its name; Users has them.
	registered Table[string]

	// ours are the sources whose entries in Applied the batch under way has made, so
	// that it may write to them; nil outside of one.
	ours map[Source]bool
}

// CallBridge is a component that may connect, and the secret it proves
// (XEP-0114). State.CallBridges is keyed by Key(Name), because a component's
// address is a domain name and so knows no case.
type CallBridge struct {
	Name   string `json:"name"` // as the administrator spelled it
	Secret string `json:"secret"`
}

// Account is a local user and the SCRAM keys (RFC 5802 §3) of their password.
type Account struct {
	Name   string `json:"name"` // prepared local part of the address; in a further domain local@domain
	SHA1   Keys   `json:"sha1"`
	SHA256 Keys   `json:"sha256"`
}

// Keys are what a server keeps of a password for one SCRAM hash.
type Keys struct {
	Iterations int    `json:"iterations"`
	Salt       []byte `json:"salt"`
	StoredKey  []byte `json:"storedKey"`
	ServerKey  []byte `json:"serverKey"`
}

// Member is one node of the cluster.
type Member struct {
	ID         string `json:"id"`   // 32 hexadecimal digits, the hash of Key
	Name       string `json:"name"` // host name, for people
	Key        []byte `json:"key"`  // Ed25519 public key, 32 bytes
	Addr       string `json:"addr"` // IP address it listens on
	ClientPort int    `json:"clientPort"`
	MeshPort   int    `json:"meshPort"`
	GossipPort int    `json:"gossipPort"`
	Version    string `json:"version"`          // software version it runs
	Format     int    `json:"format,omitempty"` // newest format of the log that it reads
	Voter      bool   `json:"voter"`            // caught up and promoted
}

// New returns the empty state of a node that was never configured.
func New() *State {
	return &State{
		CallBridges: map[string]CallBridge{},
		Accounts:    map[string]Account{},
		Members:     map[string]Member{},
		Removed:     map[string]uint64{},
	}
}

// Key returns the key under which State.CallBridges holds a name.
func Key(name string) string { return strings.ToLower(name) }

// CallBridge returns the call bridge of a name in any case.
func (s *State) CallBridge(name string) (CallBridge, bool) {
	b, ok := s.CallBridges[Key(name)]
	return b, ok
}

// SortedCallBridges returns the call bridges ordered by name.
func (s *State) SortedCallBridges() []CallBridge { return sorted(s.CallBridges) }

// SortedAccounts returns the accounts ordered by name.
func (s *State) SortedAccounts() []Account { return sorted(s.Accounts) }

// SortedMembers returns the members ordered by node ID.
func (s *State) SortedMembers() []Member { return sorted(s.Members) }

// Decoys returns the secret that the made-up salts of unknown users come from,
// nil while there was never an account. It outlives the gossip key: if those salts changed
// with it, and those of the accounts did not, the change would tell who exists.
func (s *State) Decoys() []byte {
	if len(s.DecoyKey) > 0 {
		return s.DecoyKey
	}
	return s.GossipKey
}

// Standalone returns what a node keeps of the state when it leaves the
// cluster's membership behind: domains, call bridges, and accounts with what is
// theirs.
func (s *State) Standalone() *State {
	n := New()
	n.Version, n.Domain, n.Domains = s.Version, s.Domain, s.Domains
	n.CallBridges, n.Accounts = s.CallBridges, s.Accounts
	n.Users, n.Services, n.Clock = s.Users, s.Services, s.Clock
	n.registered = s.registered
	return n
}

// fork returns a shallow copy without Writes; a map is cloned before it is
// written to.
func (s *State) fork() *State {
	n := *s
	n.Writes = nil
	return &n
}

// put returns a copy of m with one entry set.
func put[K comparable, V any](m map[K]V, key K, v V) map[K]V {
	n := maps.Clone(m)
	if n == nil {
		n = map[K]V{}
	}
	n[key] = v
	return n
}

// drop returns a copy of m without one entry.
func drop[V any](m map[string]V, key string) map[string]V {
	n := maps.Clone(m)
	delete(n, key)
	return n
}

func sorted[V any](m map[string]V) []V {
	list := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[k])
	}
	return list
}

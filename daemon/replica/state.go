package replica

import (
	"maps"
	"slices"
	"strings"
)

// State is one immutable version of the replicated state. Callers must not
// write to its maps or slices.
type State struct {
	Version     uint64                `json:"version"`   // raft index of the last change
	ClusterID   string                `json:"clusterId"` // empty on a standalone node
	Domain      string                `json:"domain"`    // XMPP domain, lower case; empty until set
	CallBridges map[string]CallBridge `json:"callBridges"`
	Accounts    map[string]Account    `json:"accounts"`
	Members     map[string]Member     `json:"members"` // by node ID
	Removed     map[string]uint64     `json:"removed"` // node IDs that may never return, with the index of their removal
	GossipKey   []byte                `json:"gossipKey"`
	DecoyKey    []byte                `json:"decoyKey,omitempty"` // the first gossip key, once there is another; see Decoys
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
	Name   string `json:"name"` // prepared local part of the address
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
	Version    string `json:"version"` // software version it runs
	Voter      bool   `json:"voter"`   // caught up and promoted
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
// nil on a standalone node. It outlives the gossip key: if those salts changed
// with it, and those of the accounts did not, the change would tell who exists.
func (s *State) Decoys() []byte {
	if len(s.DecoyKey) > 0 {
		return s.DecoyKey
	}
	return s.GossipKey
}

// Standalone returns what a node keeps of the state when it leaves the
// cluster's membership behind: domain, call bridges and accounts.
func (s *State) Standalone() *State {
	n := New()
	n.Version, n.Domain = s.Version, s.Domain
	n.CallBridges, n.Accounts = s.CallBridges, s.Accounts
	return n
}

// fork returns a shallow copy; a map is cloned before it is written to.
func (s *State) fork() *State {
	n := *s
	return &n
}

// put returns a copy of m with one entry set.
func put[V any](m map[string]V, key string, v V) map[string]V {
	n := maps.Clone(m)
	if n == nil {
		n = map[string]V{}
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

package replica

import (
	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
	"quorate.org/daemon/pep"
)

// Op names what a Command does.
type Op string

// The operations. Comments name the fields of Command each one uses.
const (
	OpDomain              Op = "domain"                // Domain
	OpCallBridgeAdd       Op = "callbridge-add"        // Name, Secret (used only when the name is new)
	OpCallBridgeAddSecret Op = "callbridge-add-secret" // Name, Secret
	OpCallBridgeDel       Op = "callbridge-del"        // Name
	OpDomainAdd           Op = "domain-add"            // Domain
	OpDomainDel           Op = "domain-del"            // Domain
	OpAccountSet          Op = "account-set"           // Account, DecoyKey
	OpAccountDel          Op = "account-del"           // Name
	OpInitialize          Op = "initialize"            // ClusterID, Member, GossipKey, Domain, Domains, CallBridges, Accounts, DecoyKey, Users, Services, Clock
	OpJoin                Op = "join"                  // Member, Replaces, Domain, Domains, CallBridges, Accounts, Users, Services, Clock
	OpMemberVoter         Op = "member-voter"          // NodeID, Voter
	OpMemberUpdate        Op = "member-update"         // Member, Replaces
	OpMemberRemove        Op = "member-remove"         // NodeID
	OpGossipKey           Op = "gossip-key"            // GossipKey
	OpRecover             Op = "recover"               // ClusterID, NodeID, GossipKey
)

// Command is one change to the state, as it stands in the raft log. Make it
// with the constructors below.
type Command struct {
	Op          Op           `json:"op"`
	Format      int          `json:"format,omitempty"` // of the log that can hold it; see format.go
	Domain      string       `json:"domain,omitempty"`
	Name        string       `json:"name,omitempty"`
	Secret      string       `json:"secret,omitempty"`
	Account     *Account     `json:"account,omitempty"`
	Member      *Member      `json:"member,omitempty"`
	NodeID      string       `json:"nodeId,omitempty"`
	Voter       bool         `json:"voter,omitempty"`
	Replaces    string       `json:"replaces,omitempty"`
	ClusterID   string       `json:"clusterId,omitempty"`
	GossipKey   []byte       `json:"gossipKey,omitempty"`
	CallBridges []CallBridge `json:"callBridges,omitempty"`
	Accounts    []Account    `json:"accounts,omitempty"`
	Domains     []Domain     `json:"domains,omitempty"`
	DecoyKey    []byte       `json:"decoyKey,omitempty"`

	// Of a user's data; see user.go.
	Effect    *Effect           `json:"effect,omitempty"`
	User      string            `json:"user,omitempty"`    // bare address
	Contact   string            `json:"contact,omitempty"` // address as in the roster
	Groups    []string          `json:"groups,omitempty"`
	Time      int64             `json:"time,omitempty"` // Unix milliseconds
	Addresses []string          `json:"addresses,omitempty"`
	Private   map[string][]byte `json:"private,omitempty"` // elements by namespace and name, empty ones to forget
	Raw       []byte            `json:"raw,omitempty"`     // a stanza
	Target    *im.Target        `json:"target,omitempty"`  // an app server's node
	UpTo      uint64            `json:"upTo,omitempty"`
	Batch     []Command         `json:"batch,omitempty"`
	Limits    *im.Limits        `json:"limits,omitempty"` // nil for im.DefaultLimits
	Users     Table[*im.User]   `json:"users,omitzero"`
	Clock     uint64            `json:"clock,omitempty"`

	// Of archives; see archive.go.
	Filing *archive.Filing `json:"filing,omitempty"`
	Prefs  *im.Prefs       `json:"prefs,omitempty"`

	// Of what users publish; see pep.go.
	Pep      *pep.Change         `json:"pep,omitempty"`
	Wants    []string            `json:"wants,omitempty"`
	Services Table[*pep.Service] `json:"services,omitzero"`
}

// SetDomain sets the XMPP domain.
func SetDomain(domain string) Command { return Command{Op: OpDomain, Domain: domain} }

// AddCallBridge adds a call bridge with a generated secret. When the name is
// already there nothing changes and the old secret stays: read it from the
// State afterwards.
func AddCallBridge(name, secret string) Command {
	return Command{Op: OpCallBridgeAdd, Name: name, Secret: secret}
}

// AddCallBridgeSecret adds a call bridge with a given secret, or confirms that
// the one already there has the same secret.
func AddCallBridgeSecret(name, secret string) Command {
	return Command{Op: OpCallBridgeAddSecret, Name: name, Secret: secret}
}

// DeleteCallBridge removes a call bridge.
func DeleteCallBridge(name string) Command { return Command{Op: OpCallBridgeDel, Name: name} }

// SetAccount adds an account or replaces its keys.
func SetAccount(a Account) Command { return Command{Op: OpAccountSet, Account: &a} }

// WithDecoys gives a state that has none the secret for State.Decoys.
func (c Command) WithDecoys(key []byte) Command {
	c.DecoyKey = key
	return c
}

// DeleteAccount removes an account.
func DeleteAccount(name string) Command { return Command{Op: OpAccountDel, Name: name} }

// Initialize makes the entries of a standalone node the first state of a new
// cluster whose only member, a voter, is first.
func Initialize(clusterID string, first Member, gossipKey []byte, from *State) Command {
	first.Voter = true
	return Command{Op: OpInitialize, ClusterID: clusterID, Member: &first, GossipKey: gossipKey, DecoyKey: from.DecoyKey,
		Domain: from.Domain, Domains: from.SortedDomains(), CallBridges: from.SortedCallBridges(), Accounts: from.SortedAccounts(), Users: from.Users, Services: from.Services, Clock: from.Clock}
}

// Join adds a node, as a non-voter, and merges the entries it brings. replaces
// is the ID of the member at the same address, if the leader found it not to be
// alive, and empty otherwise.
func Join(m Member, from *State, replaces string) Command {
	m.Voter = false
	return Command{Op: OpJoin, Member: &m, Replaces: replaces,
		Domain: from.Domain, Domains: from.SortedDomains(), CallBridges: from.SortedCallBridges(), Accounts: from.SortedAccounts(), Users: from.Users, Services: from.Services, Clock: from.Clock}
}

// SetVoter records in the member table that raft counts a node's vote or not.
func SetVoter(nodeID string, voter bool) Command {
	return Command{Op: OpMemberVoter, NodeID: nodeID, Voter: voter}
}

// UpdateMember changes name, address, ports and version of a member. Its key and
// its vote stay. Set Replaces as for Join when it moved to a dead member's address.
func UpdateMember(m Member) Command { return Command{Op: OpMemberUpdate, Member: &m} }

// RemoveMember takes a node out for good: its ID can never join again.
func RemoveMember(nodeID string) Command { return Command{Op: OpMemberRemove, NodeID: nodeID} }

// RotateGossipKey replaces the 32-byte key that encrypts gossip.
func RotateGossipKey(key []byte) Command { return Command{Op: OpGossipKey, GossipKey: key} }

// Recover makes the survivor of a lost majority the only member of a new
// cluster with a new gossip key; every other member's ID is refused from then on.
func Recover(clusterID, survivor string, gossipKey []byte) Command {
	return Command{Op: OpRecover, ClusterID: clusterID, NodeID: survivor, GossipKey: gossipKey}
}

package bus

// XmppStatus is what the `xmpp` status block shows of this node.
type XmppStatus struct {
	Enabled       bool     `json:"enabled"`   // the service switch: client and component ports wanted
	Clustered     bool     `json:"clustered"` // the membership switch
	Running       bool     `json:"running"`   // the ports are open
	Domain        string   `json:"domain"`
	Listen        []string `json:"listen"`    // interfaces as configured: letters or addresses
	Addresses     []string `json:"addresses"` // the IP addresses they stand for now
	Key           string   `json:"key"`
	Certificate   string   `json:"certificate"`
	Bundle        string   `json:"bundle"`
	Trust         string   `json:"trust"`
	ClientPort    int      `json:"client_port"`
	ComponentPort int      `json:"component_port"`
	ClusterPort   int      `json:"cluster_port"`
	Sessions      int      `json:"sessions"`   // client sessions on this node
	Components    int      `json:"components"` // component streams on this node
	State         string   `json:"state"`      // as in ClusterStatus
	Faults        []Fault  `json:"faults"`
}

// Fault is a degraded state in words.
type Fault struct {
	Code   string `json:"code"` // a fault.Code
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

// ClusterStatus is what `xmpp cluster status` shows.
type ClusterStatus struct {
	State       string `json:"state"`  // LEADER FOLLOWER CANDIDATE STANDALONE "NOT JOINED" "NO LEADER"
	Reason      string `json:"reason"` // why there is no leader; empty otherwise
	ClusterID   string `json:"cluster_id"`
	NodeID      string `json:"node_id"`
	Leader      string `json:"leader"` // node ID, empty when none
	Term        uint64 `json:"term"`
	LeaderSince string `json:"leader_since"` // RFC 3339
	Voters      int    `json:"voters"`
	Reachable   int    `json:"reachable"` // voters, this node included
	Needed      int    `json:"needed"`    // majority of Voters
	Tolerates   int    `json:"tolerates"` // voters that may still fail
	Peers       []Peer `json:"peers"`
}

// Peer is one line of the peer list.
type Peer struct {
	ID            string `json:"id"`
	Name          string `json:"name"`    // host name
	Address       string `json:"address"` // IP address and client port
	Leader        bool   `json:"leader"`
	Self          bool   `json:"self"`
	Voter         bool   `json:"voter"`
	Gossip        string `json:"gossip"`          // alive, failed, left or unknown
	LastContactMs int64  `json:"last_contact_ms"` // milliseconds since this node heard it, -1 when never
	Lag           uint64 `json:"lag"`             // log entries behind the leader; only the leader knows, so 0 on other nodes
	Version       string `json:"version"`
}

// CallBridge is one registered component. Secret is masked for operators.
type CallBridge struct {
	Name        string `json:"name"`
	Domain      string `json:"domain"`
	Secret      string `json:"secret"`
	ConnectedTo string `json:"connected_to"` // node name, empty when not connected
}

// CheckedBridge is what one member holds of one call bridge.
type CheckedBridge struct {
	Node   string `json:"node"`   // name of the member
	Bridge string `json:"bridge"` // name of the call bridge
	Digest string `json:"digest"` // of its secret, comparable within one answer only; empty when there is none
	OK     bool   `json:"ok"`     // the same as the leader's
	Text   string `json:"text"`   // what is wrong: missing, another secret, the member does not answer
	Remedy string `json:"remedy"`
}

// CallBridgeStatus is the Call Bridge of this node and its link.
type CallBridgeStatus struct {
	Name     string    `json:"name"` // unique call bridge name, as configured
	Domain   string    `json:"domain"`
	Pinned   string    `json:"pinned"`   // configured server address; empty when servers are found by SRV
	Address  string    `json:"address"`  // component address, cb1.meet.example
	State    string    `json:"state"`    // "not configured", "connecting", "connected" or "failed"
	Since    string    `json:"since"`    // RFC 3339: when the state began
	Server   string    `json:"server"`   // host name and port of the link or of the last try
	Remote   string    `json:"remote"`   // IP address and port of the link
	Node     string    `json:"node"`     // host name of the server's node, as far as it tells
	TLS      string    `json:"tls"`      // "TLS 1.3"
	Code     string    `json:"code"`     // a fault.Code; empty while connected
	Text     string    `json:"text"`     // the state in words, as every face shows it
	Remedy   string    `json:"remedy"`   // what mends it; may be empty
	Retry    string    `json:"retry"`    // RFC 3339: the next try; empty while connected
	Attempts []Attempt `json:"attempts"` // of the last round, in the order of the servers
}

// Attempt is one server that was tried without success.
type Attempt struct {
	Server string `json:"server"` // host name and port
	Code   string `json:"code"`   // a fault.Code
	Text   string `json:"text"`
}

// ServiceCheck is one thing about the certificates of a service: what will
// break, and when.
type ServiceCheck struct {
	Service string `json:"service"` // xmpp, cluster, web or callbridge
	File    string `json:"file"`    // the file concerned; empty when none is set
	OK      bool   `json:"ok"`
	Code    string `json:"code"` // a fault.Code; empty when OK
	Text    string `json:"text"` // what will break, or that nothing will
	When    string `json:"when"` // RFC 3339: when it breaks or broke; empty when it is not a matter of time
	Days    int    `json:"days"` // whole days until then, negative when past
	Remedy  string `json:"remedy"`
}

// Domain is one that is served beside the XMPP domain.
type Domain struct {
	Name        string `json:"name"`
	Key         string `json:"key"` // files this node shows for it; empty: those of the XMPP domain
	Certificate string `json:"certificate"`
	Bundle      string `json:"bundle"`
	Users       int    `json:"users"`
	Problem     string `json:"problem"` // why clients can not trust this node for it; empty otherwise
	Remedy      string `json:"remedy"`
}

// User is a local account and its live sessions in the cluster.
type User struct {
	Name     string `json:"name"`
	Sessions int    `json:"sessions"`
}

// Step is one precondition or one act of a command, as printed. Code is the class
// (package fault) of why it is not OK, or of why it could not be known.
type Step struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Code   string `json:"code"`
	Text   string `json:"text"`
	Remedy string `json:"remedy"`
}

// Setting is one key of the schema with its effective value.
type Setting struct {
	Key     string `json:"key"`
	Type    string `json:"type"`
	Default string `json:"default"`
	Scope   string `json:"scope"`  // node or cluster
	Reload  string `json:"reload"` // live, listener or restart
	Doc     string `json:"doc"`
	Value   string `json:"value"`  // rendered as in the file; secrets masked
	Source  string `json:"source"` // file:line, or "default"
}

// Certificate is one line of `pki list`.
type Certificate struct {
	File        string   `json:"file"`
	Kind        string   `json:"kind"`  // key, csr, certificate, bundle or pkcs12
	State       string   `json:"state"` // ready, rejected, incomplete or waiting
	Reason      string   `json:"reason"`
	Subject     string   `json:"subject"`
	Issuer      string   `json:"issuer"`
	Names       string   `json:"names"`
	NotBefore   string   `json:"not_before"` // RFC 3339
	NotAfter    string   `json:"not_after"`  // RFC 3339
	Fingerprint string   `json:"fingerprint"`
	DaysLeft    int      `json:"days_left"`
	UsedBy      []string `json:"used_by"` // setting keys
	Chain       []string `json:"chain"`   // of Inspect: each certificate of the file, and who issued it
}

// OpenPort is a port of a service of this node, open or not.
type OpenPort struct {
	Port     int      `json:"port"`
	Protocol string   `json:"protocol"` // tcp or udp
	Service  string   `json:"service"`  // in words
	Setting  string   `json:"setting"`  // the key that has the port; empty when it is fixed
	Listen   []string `json:"listen"`   // letters and addresses it is open on; empty means all
	Open     bool     `json:"open"`
}

// Unit is one systemd unit as the service manager reports it.
type Unit struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	Load        string `json:"load"`   // loaded, not-found, masked …
	Active      string `json:"active"` // active, inactive, failed …
	Sub         string `json:"sub"`    // running, dead …
}

// Backup is one line of `backup list`.
type Backup struct {
	File    string `json:"file"`
	Size    int64  `json:"size"`    // bytes
	Host    string `json:"host"`    // host name of the node it was made of
	NodeID  string `json:"node_id"` // and its ID
	Cluster string `json:"cluster"` // ID of its cluster; empty for a standalone node
	Version string `json:"version"`
	Created string `json:"created"` // RFC 3339
	Problem string `json:"problem"` // why it can not be used; empty when it is whole
}

// The states of a Version.
const (
	VersionGood   = "good"   // it came up once, and stays
	VersionTrial  = "trial"  // it has yet to come up
	VersionFailed = "failed" // it never came up and was undone
	VersionAside  = "aside"  // a rollback set it aside
)

// Version is a version of the appliance that is installed on this node.
type Version struct {
	Version string `json:"version"`
	State   string `json:"state"`
	Text    string `json:"text"` // the state in words
}

// Update is an update in the exchange folder.
type Update struct {
	File    string `json:"file"`
	Size    int64  `json:"size"` // bytes
	Version string `json:"version"`
	Problem string `json:"problem"` // why it can not be used, as far as that is known before it is unpacked
}

// UpgradeDone is the last phase of an upgrade or rollback.
const UpgradeDone = "done"

// Upgrade is what `upgrade` shows: the versions, and the last act since the
// start of the machine.
type Upgrade struct {
	Running  string    `json:"running"`
	Next     string    `json:"next"` // that starts when the machine restarts
	Versions []Version `json:"versions"`
	Updates  []Update  `json:"updates"`

	Act     string `json:"act"`     // "upgrade <file>" or "rollback"; empty when there was none
	Busy    bool   `json:"busy"`    // it goes on
	Phase   string `json:"phase"`   // what it does, or UpgradeDone
	Percent int    `json:"percent"` // of the whole
	Code    string `json:"code"`    // why it was refused or failed; empty when all is well
	Text    string `json:"text"`    // how it ended
	Remedy  string `json:"remedy"`
}

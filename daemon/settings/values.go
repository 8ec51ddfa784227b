package settings

import "time"

// Values is one accepted configuration. It is never changed once made.
type Values struct {
	Generation uint64 // grows by one with every accepted change; 0 before the first
	XMPP       XMPP
	Cluster    ClusterValues
	Gossip     Gossip
	CallBridge BridgeLink
	Web        Web
	Metrics    Metrics
	Network    Network
}

// XMPP is the section [xmpp].
type XMPP struct {
	Enabled                  bool
	Domain                   string // cluster scope: seed only
	Listen                   []string
	ClientPort               int
	ComponentPort            int
	Key, Certificate, Bundle string // file names in the certificate store
	MaxStanza                int    // bytes
	MaxStanzaBeforeAuth      int    // bytes
	MaxDepth                 int    // levels of elements
	MaxAttributes            int    // per element
	AuthTimeout              time.Duration
	Outbox                   int      // bytes per connection
	DomainCertificates       []string // see Certificates
	ClientTrust              string   // file name in the certificate store
	MaxConnectionsPerAddress int
	MaxConnections           int
	WriteTimeout             time.Duration
	InactiveBytes            int // per connection
	InactiveWait             time.Duration

	MaxAuthFailuresPerAddress, MaxAuthFailuresPerAccount int
	AuthFailureWindow, AuthBackoff                       time.Duration
	ResumeTime                                           time.Duration
	ResumeQueue, ResumeTotal                             int

	MaxSessions, MaxContacts, MaxContactGroups, MaxRequest int // of one account
	MaxOfflineMessages, MaxOfflineBytes, MaxRosterBytes    int
	MaxBlocked, MaxPrivate, MaxVCard                       int
	MaxNodes, MaxItemBytes                                 int
	MaxNodeItems, MaxItemPayload, MaxSubscribers           int
	MaxPushNodes                                           int
	Archive                                                string // "always", "roster" or "never"
	ArchiveDays                                            int    // 0 for no bound
	ArchiveMessages, ArchiveBytes, ArchivePage             int

	CallBridges []CallBridge // cluster scope: seed only
}

// CallBridge is one entry of [[xmpp.callbridge]].
type CallBridge struct{ Name, Secret string }

// ClusterValues is the section [cluster].
type ClusterValues struct {
	Port        int
	Trust       string        // file name in the certificate store
	QueueTime   time.Duration // how long a stanza waits without a leader
	QueueBytes  int
	QueueFrames int
	Heartbeat   time.Duration
	Election    time.Duration
	Lease       time.Duration
}

// Gossip is the section [gossip].
type Gossip struct{ Port int }

// BridgeLink is the section [callbridge]: the Call Bridge this node runs.
type BridgeLink struct {
	Name, Domain string
	Server       string // host or host:port; empty means by SRV
	Secret       string
	Trust        string // file name in the certificate store
}

// Web is the section [web].
type Web struct {
	Enabled                  bool
	Listen                   []string
	Port                     int
	Key, Certificate, Bundle string // file names in the certificate store
	Idle                     time.Duration
}

// Metrics is the section [metrics].
type Metrics struct {
	Listen []string
	Port   int
}

// Network is the section [network].
type Network struct{ Interfaces []Interface }

// Interface binds a letter a–d to a network card by its stored MAC address.
type Interface struct{ Letter, MAC string }

package im

// Limits is what one account may have. They are settings of the node that leads,
// and each command carries them, so that every node applies the same.
type Limits struct {
	Contacts int `json:"contacts,omitempty"` // roster items and unanswered requests together
	Groups   int `json:"groups,omitempty"`   // groups of one item
	Roster   int `json:"roster,omitempty"`   // bytes of all items as a roster has them and of the requests, and as many of the block list
	Request  int `json:"request,omitempty"`  // bytes of a subscription request or of an end of presence that are kept; of a longer one only what it means
	Offline  int `json:"offline,omitempty"`  // messages that wait
	Stored   int `json:"stored,omitempty"`   // … and their bytes
	Blocked  int `json:"blocked,omitempty"`  // addresses on the block list
	Private  int `json:"private,omitempty"`  // bytes of private XML (XEP-0049)
	VCard    int `json:"vcard,omitempty"`    // bytes of the vCard (XEP-0054)
	Sessions int `json:"sessions,omitempty"` // at a time
	Nodes    int `json:"nodes,omitempty"`    // of what is published (XEP-0163)
	Items    int `json:"items,omitempty"`    // bytes of all their items
	Kept     int `json:"kept,omitempty"`     // items of one node
	Payload  int `json:"payload,omitempty"`  // bytes of one item
	Peers    int `json:"peers,omitempty"`    // subscribers of one node, and affiliations
	Targets  int `json:"targets,omitempty"`  // nodes of app servers that are given notice (XEP-0357)
}

// The names of the limits, as an Outcome tells which was reached.
const (
	LimitContacts = "contacts"
	LimitGroups   = "contact_groups"
	LimitRoster   = "roster_bytes"
	LimitRequest  = "request"
	LimitOffline  = "offline_messages"
	LimitStored   = "offline_bytes"
	LimitBlocked  = "blocked"
	LimitPrivate  = "private"
	LimitVCard    = "vcard"
	LimitSessions = "sessions"
	LimitNodes    = "nodes"
	LimitItems    = "item_bytes"
	LimitKept     = "node_items"
	LimitPayload  = "item_payload"
	LimitPeers    = "subscribers"
	LimitTargets  = "push_nodes"
)

// LimitNames lists them all.
var LimitNames = []string{LimitContacts, LimitGroups, LimitRoster, LimitRequest, LimitOffline, LimitStored, LimitBlocked, LimitPrivate, LimitVCard, LimitSessions, LimitNodes, LimitItems,
	LimitKept, LimitPayload, LimitPeers, LimitTargets}

// DefaultLimits are those of a command that carries none. An entry of the log means
// the same in every version, so they never change.
var DefaultLimits = Limits{Contacts: 1000, Groups: 64, Roster: 512 << 10, Request: 4096, Offline: 200, Stored: 512 << 10, Blocked: 1000,
	Private: 128 << 10, VCard: 128 << 10, Sessions: 100, Nodes: 200, Items: 2 << 20, Kept: 1000, Payload: 192 << 10, Peers: 1000, Targets: 20}

// OrDefault fills in what is zero.
func (l Limits) OrDefault() Limits {
	d := DefaultLimits
	for _, f := range []struct{ v, d *int }{
		{&l.Contacts, &d.Contacts}, {&l.Groups, &d.Groups}, {&l.Roster, &d.Roster}, {&l.Request, &d.Request}, {&l.Offline, &d.Offline}, {&l.Stored, &d.Stored},
		{&l.Blocked, &d.Blocked}, {&l.Private, &d.Private}, {&l.VCard, &d.VCard}, {&l.Sessions, &d.Sessions},
		{&l.Nodes, &d.Nodes}, {&l.Items, &d.Items},
		{&l.Kept, &d.Kept}, {&l.Payload, &d.Payload}, {&l.Peers, &d.Peers}, {&l.Targets, &d.Targets},
	} {
		if *f.v <= 0 {
			*f.v = *f.d
		}
	}
	return l
}

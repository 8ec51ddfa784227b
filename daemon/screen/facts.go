package screen

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/password"
)

// Facts is all that is shown.
type Facts struct {
	Version  string
	Hostname string
	Cards    []Card
	SSHKey   string // "SHA256:… (ED25519)", empty when there is none yet
	Web      Web
	Xmpp     bus.XmppStatus
	Cluster  bus.ClusterStatus
	Silent   string // why the XMPP service said nothing; empty when it answered
	Now      time.Time
	Clock    bool          // whether Kept and Offset are known
	Kept     bool          // a time service keeps the clock right
	Offset   time.Duration // the correction under way
	Faults   []bus.Fault
	Want     password.Want
}

// Web is Web Admin of this node.
type Web struct {
	Enabled     bool
	Port        int
	Fingerprint []string // SHA-256 of what the port presents, in lines; empty when it does not answer
}

// Card is one network card.
type Card struct {
	Name      string
	Link      bool
	Addresses []netip.Prefix // in use, link-local ones left out
	Taken     []netip.Addr   // that another machine was found to have
	Static    []netip.Prefix // that the card is to have
	DHCP      bool           // addresses are asked for
}

// words says how a card is, most of all why it has no address.
func (c Card) words() string {
	if !c.Link {
		return "no link: connect the cable, or the card in the machine's settings"
	}
	var parts []string
	for _, a := range c.Addresses {
		parts = append(parts, a.String())
	}
	for _, a := range c.Taken {
		parts = append(parts, fmt.Sprintf("%s is another machine's (duplicate address)", a))
	}
	for _, a := range c.Static {
		if !slices.Contains(c.Addresses, a) && !slices.Contains(c.Taken, a.Addr()) {
			parts = append(parts, fmt.Sprintf("%s is not in use: another machine may have it (duplicate address)", a))
		}
	}
	switch {
	case len(parts) > 0:
		return strings.Join(parts, ", ")
	case c.DHCP:
		return "no address: no DHCP server has answered"
	}
	return "no address is set"
}

// address is where people reach the node, IPv4 first; invalid when nowhere.
func (f Facts) address() (first netip.Addr) {
	for _, c := range f.Cards {
		for _, a := range c.Addresses {
			if c.Link && a.Addr().Is4() {
				return a.Addr()
			}
			if c.Link && !first.IsValid() {
				first = a.Addr()
			}
		}
	}
	return first
}

// clock says what time it is, and whether that can be trusted: a wrong clock
// looks like an expired certificate.
func (f Facts) clock() string {
	now := f.Now.Format("2006-01-02 15:04 MST")
	switch {
	case !f.Clock:
		return now
	case !f.Kept:
		return now + ", not synchronised: no time server answered"
	case f.Offset.Abs() >= 100*time.Millisecond:
		return fmt.Sprintf("%s, synchronised, off by %v", now, f.Offset.Round(10*time.Millisecond))
	}
	return now + ", synchronised"
}

// member says whether the node is one of a cluster that works.
func (f Facts) member() bool {
	return f.Cluster.State == "LEADER" || f.Cluster.State == "FOLLOWER"
}

// cluster is the XMPP service in a line.
func (f Facts) cluster() string {
	if f.Silent != "" {
		return f.Silent
	}
	ports := "ports closed"
	if f.Xmpp.Running {
		ports = "ports open"
	}
	if f.Xmpp.Domain != "" {
		ports = f.Xmpp.Domain + ", " + ports
	}
	switch f.Cluster.State {
	case "":
		return ports
	case "STANDALONE", "NOT JOINED":
		return ports + ", not a member of a cluster"
	case "NO LEADER":
		return ports + ", no leader: " + f.Cluster.Reason
	}
	return fmt.Sprintf("%s, %s, %d of %d voters reachable", ports, strings.ToLower(f.Cluster.State), f.Cluster.Reachable, f.Cluster.Voters)
}

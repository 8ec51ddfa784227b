package dnscheck

import (
	"cmp"
	"net/netip"
	"strconv"
	"strings"
)

// The types of records that are asked for.
const (
	a     = "A"
	aaaa  = "AAAA"
	srv   = "SRV"
	cname = "CNAME"
)

// Node is a member of the cluster, as the XMPP service knows it.
type Node struct {
	Name          string // host name, short or full
	Addresses     []netip.Addr
	ClientPort    int
	ComponentPort int
}

// Facts are all that is known when the records are judged.
type Facts struct {
	Domain string // in its ASCII form

	// Home is the XMPP domain where Domain is a further one, which has no call
	// bridges and whose nodes are named in Home; else "".
	Home string

	// Nodes are the members. None means that they are not known, for the domain
	// is another's: what is found is judged then, not what is missing.
	Nodes []Node

	Servers []string // name servers, each of which is asked every question
	Answers []Answer
	Probes  map[netip.AddrPort]string // what connecting came to: "" when it worked, else why not
}

// Question is one name and type for one name server.
type Question struct{ Server, Name, Type string }

// Answer is what the server gave, aliases included. No records and no failure
// means that there is no such record, or no such name.
type Answer struct {
	Question
	NoName  bool // NXDOMAIN: nor is there any other record of that name
	Records []Record
	Failed  string // why there is no answer; empty when there is
}

// Record is one line of an answer.
type Record struct {
	Name  string `json:"name"`
	TTL   uint32 `json:"ttl"` // seconds
	Type  string `json:"type"`
	Value string `json:"value"` // as in a zone file
}

// service is a set of SRV records.
type service struct {
	label            string
	priority, weight int // proposed; others do as well
	port             func(Node) int
	wanted           want
}

// want says how much a service is wanted.
type want uint8

const (
	needed   want = iota
	optional      // it helps, and works without
	useless       // nothing looks for it
)

func clientPort(n Node) int    { return n.ClientPort }
func componentPort(n Node) int { return n.ComponentPort }

// services are the SRV records of RFC 6120 §3.2.1, of XEP-0368 for direct TLS,
// and as the original has it for call bridges. Federation is not spoken, so the
// records of servers are of no use.
var services = []service{
	{"_xmpp-component._tcp", 0, 0, componentPort, needed},
	{"_xmpp-client._tcp", 10, 50, clientPort, needed},
	{"_xmpps-client._tcp", 5, 50, componentPort, optional},
	{"_xmpp-server._tcp", 0, 0, clientPort, useless},
	{"_xmpps-server._tcp", 0, 0, clientPort, useless},
}

// services are those of the domain: a further one has no call bridges.
func (f Facts) services() []service {
	if f.Home != "" {
		return services[1:]
	}
	return services
}

func (s service) name(domain string) string { return s.label + "." + domain }

// wish is how much the service is wanted of a domain whose nodes are not known:
// who asks is a Call Bridge, and it looks for components only.
func (s service) wish(f Facts) want {
	if len(f.Nodes) == 0 && s.wanted == needed && s.label != services[0].label {
		return optional
	}
	return s.wanted
}

// offer is one SRV record taken apart (RFC 2782).
type offer struct {
	Record
	priority, weight, port int
	target                 string // "" for ".", the service is not offered
}

func parseOffer(r Record) (offer, bool) {
	f := strings.SplitN(r.Value, " ", 4) // a name may have an escaped space
	if r.Type != srv || len(f) != 4 {
		return offer{}, false
	}
	var n [3]int
	for i := range n {
		v, err := strconv.ParseUint(f[i], 10, 16)
		if err != nil {
			return offer{}, false
		}
		n[i] = int(v)
	}
	return offer{r, n[0], n[1], n[2], plain(f[3])}, true
}

// plain is a name as this package compares names.
func plain(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// fqdn is the host name of a node in the domain, unless it is a full one already.
func (f Facts) fqdn(n Node) string {
	name := plain(Escaped(strings.TrimSuffix(n.Name, ".")))
	if strings.Contains(name, ".") {
		return name
	}
	return name + "." + cmp.Or(f.Home, f.Domain)
}

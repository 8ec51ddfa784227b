package dnscheck

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
)

// service judges one set of SRV records.
func (j *judgement) service(s service) {
	name := s.name(j.Domain)
	offers, known := j.offers(name)
	if s.wanted == useless {
		j.useless(name, offers)
		return
	}
	for i := range j.Nodes {
		j.wants(s, offers, known, i)
	}
	if !known {
		return // nameServers has told why
	}
	if len(offers) == 0 {
		j.none(s, name)
		return
	}
	good := 0
	for _, o := range offers {
		if j.offer(s, o) {
			good++
		}
	}
	for i, n := range j.Nodes {
		j.share(s, offers, n, i)
	}
	j.balance(name, offers)
	if good == 0 {
		j.advise(s)
	}
}

func (j *judgement) useless(name string, offers []offer) {
	for _, o := range offers {
		j.found(o.Record, Useless)
	}
	if len(offers) > 0 {
		j.hint("remove it", "the SRV record %s is not needed: there is no federation with other servers", name)
	}
}

// wants lists the record that a node should have.
func (j *judgement) wants(s service, offers []offer, known bool, node int) {
	r := srvRecord(s.name(j.Domain), s.priority, s.weight, s.port(j.Nodes[node]), j.hosts[node])
	state := Missing
	at := slices.IndexFunc(offers, func(o offer) bool { return j.serves(s, o, node) })
	switch {
	case !known:
		state = Unknown
	case at >= 0:
		r, state = offers[at].Record, OK
	case s.wanted == optional && len(offers) == 0:
		state = Optional
	}
	j.need(r, state)
}

// none is a service without any record.
func (j *judgement) none(s service, name string) {
	if s.wish(j.Facts) == needed {
		j.wrong(paste, "there is no SRV record %s", name)
		j.advise(s)
		return
	}
	if s.wanted == optional && len(j.Nodes) > 0 {
		j.hint("add the optional records if clients shall use it", "there is no SRV record %s; clients that know direct TLS (XEP-0368) save a round trip with it", name)
	}
}

// advise shows the form of a record whose servers only others know.
func (j *judgement) advise(s service) {
	if len(j.Nodes) == 0 && s.wish(j.Facts) == needed {
		j.report.Zone = append(j.report.Zone,
			fmt.Sprintf("; for each XMPP server: %s. %d IN SRV %d %d 5223 <host name>.", s.name(j.Domain), proposedTTL, s.priority, s.weight))
	}
}

// offer judges one record and reports whether it is good.
func (j *judgement) offer(s service, o offer) bool {
	if o.TTL == 0 {
		j.hint("give it a TTL, such as 86400", "the SRV record %s has the TTL 0, so that each look-up goes to the name server", o.Name)
	}
	h := j.host(o.target)
	j.addressesFound(h)
	if o.target != "" && !h.known {
		j.found(o.Record, Unknown) // nameServers has told why
		return false
	}
	led, port := j.target(o, h), j.port(s, o)
	j.reach(o, h)
	if led && port {
		j.found(o.Record, OK)
		return true
	}
	j.found(o.Record, Wrong)
	if len(j.Nodes) > 0 {
		j.drop(o.Record)
	}
	return false
}

// target judges where the record leads and reports whether that is a place to
// keep. What is wrong with the host of a node is told once, by addresses.
func (j *judgement) target(o offer, h host) bool {
	switch {
	case o.target == "":
		j.wrong(replace, `the SRV record %s says that the service is not offered (its target is ".")`, o.Name)
		return false
	case len(j.owners(o.target)) > 0:
		return true
	case h.alias():
		// RFC 2782: "the name MUST NOT be an alias".
		j.wrong(replace, "the target %s of %s is an alias (CNAME) of %s, which RFC 2782 forbids", h.name, o.Name, h.canonical)
		return false
	case len(h.addresses) == 0:
		j.wrong(replace, "the target %s of %s %s", h.name, o.Name, nothing(h))
		return false
	}
	strange := j.strangers(h)
	if len(strange) > 0 {
		j.wrong(replace, "the target %s of %s has the address %s, which no node of the cluster has", h.name, o.Name, list(strange))
	}
	return len(strange) == 0
}

func nothing(h host) string {
	if h.noName {
		return "does not exist"
	}
	return "has no address"
}

// strangers are the addresses of a host that no node has, if the nodes are known.
func (j *judgement) strangers(h host) []netip.Addr {
	if len(j.Nodes) == 0 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(h.addresses), func(x netip.Addr) bool { return j.nodeAt(x) >= 0 })
}

// port reports whether the record has the port of the nodes it is meant for.
func (j *judgement) port(s service, o offer) bool {
	if o.port == 0 && o.target != "" {
		j.wrong(replace, "the SRV record %s names port 0 of %s", o.Name, o.target)
		return false
	}
	for i, n := range j.Nodes {
		if j.meant(o, i) && o.port != s.port(n) {
			j.wrong(replace, "the SRV record %s names port %d of %s, and %s listens on %d", o.Name, o.port, o.target, n.Name, s.port(n))
			return false
		}
	}
	return true
}

// meant reports whether the record is a node's: by the name it should have, and
// where that is no node's, by the host name or an address.
func (j *judgement) meant(o offer, node int) bool {
	if len(j.owners(o.target)) > 0 {
		return j.hosts[node] == o.target
	}
	return o.target == j.fqdn(j.Nodes[node]) || j.host(o.target).of(j.Nodes[node])
}

// serves reports whether the record is one that a node needs. Of the node's own
// host that is so whatever its addresses are, for those are to be mended.
func (j *judgement) serves(s service, o offer, node int) bool {
	if o.target == "" || o.port != s.port(j.Nodes[node]) {
		return false
	}
	if len(j.owners(o.target)) > 0 {
		return j.hosts[node] == o.target
	}
	h := j.host(o.target)
	return !h.alias() && h.of(j.Nodes[node]) && len(j.strangers(h)) == 0
}

// share tells of a node without a record of the service, or with two.
func (j *judgement) share(s service, offers []offer, n Node, node int) {
	name, meant, serving := s.name(j.Domain), 0, 0
	for _, o := range offers {
		if j.meant(o, node) {
			meant++
		}
		if j.serves(s, o, node) {
			serving++
		}
	}
	switch {
	case meant == 0 && s.wanted == needed:
		j.wrong(paste, "no SRV record %s names %s", name, called(n))
	case meant == 0:
		j.hint("add the optional record of it", "no SRV record %s names %s", name, called(n))
	case serving > 1:
		j.hint("keep one of them", "%d SRV records %s lead to %s, which gets more than its share", serving, name, n.Name)
	}
}

// called is a node by name and addresses.
func called(n Node) string {
	if len(n.Addresses) == 0 {
		return n.Name
	}
	return fmt.Sprintf("%s (%s)", n.Name, list(n.Addresses))
}

// balance tells of priorities and weights that send everybody to one node.
func (j *judgement) balance(name string, offers []offer) {
	var priorities, weights []int
	for _, o := range offers {
		priorities, weights = append(priorities, o.priority), append(weights, o.weight)
	}
	if lowest, highest := slices.Min(priorities), slices.Max(priorities); lowest != highest {
		j.hint("give all of them one priority", "the SRV records %s have the priorities %d to %d: everybody uses those of %d while one of them answers", name, lowest, highest, lowest)
	}
	if slices.Min(weights) == 0 && slices.Max(weights) > 0 {
		j.hint("give all of them one weight", "some SRV records %s have the weight 0: those are hardly used (RFC 2782)", name)
	}
}

// reach tells of the ports that did not answer, where they are to be reached.
func (j *judgement) reach(o offer, h host) {
	for _, addr := range h.addresses {
		why := j.Probes[netip.AddrPortFrom(addr, uint16(o.port))]
		if why == "" || len(j.Nodes) > 0 && !j.listens(o, addr) {
			continue
		}
		j.find(Finding{Code: fault.TCP, Text: fmt.Sprintf("%s:%d (%s) of %s can not be reached: %s", o.target, o.port, addr, o.Name, strings.TrimSpace(why)),
			Remedy: "xmpp status on that node; a firewall in between"})
	}
}

// listens reports whether a node should listen there.
func (j *judgement) listens(o offer, addr netip.Addr) bool {
	i := j.nodeAt(addr)
	return i >= 0 && (o.port == j.Nodes[i].ClientPort || o.port == j.Nodes[i].ComponentPort)
}

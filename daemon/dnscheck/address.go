package dnscheck

import (
	"net/netip"
	"slices"
)

// addresses judges the host of each node: it needs an address of its node, and
// no other.
func (j *judgement) addresses() {
	for i, n := range j.Nodes {
		if h := j.host(j.hosts[i]); j.named(h.name) {
			j.node(n, h)
		}
	}
}

// named reports whether a record needed has the host as its target. A node that
// is reached by a name for all of them needs none of its own.
func (j *judgement) named(host string) bool {
	return slices.ContainsFunc(j.report.Needed, func(l Line) bool {
		o, ok := parseOffer(l.Record)
		return ok && o.target == host
	})
}

func (j *judgement) node(n Node, h host) {
	j.addressesFound(h)
	if !h.known {
		for _, x := range n.Addresses {
			j.need(addressRecord(h.name, x), Unknown)
		}
		return // nameServers has told why
	}
	has := h.of(n) && !h.alias()
	for _, x := range n.Addresses {
		switch {
		case slices.Contains(h.addresses, x) && !h.alias():
			j.need(addressRecord(h.name, x), OK)
		case !has: // one is enough: the others may be of other networks
			j.need(addressRecord(h.name, x), Missing)
		}
	}
	j.astray(n, h)
}

// astray tells of a host that does not lead to its node, or to others as well.
func (j *judgement) astray(n Node, h host) {
	other := slices.DeleteFunc(slices.Clone(h.addresses), func(x netip.Addr) bool { return j.owns(h, x) })
	switch {
	case h.alias():
		// An alias has no other records (RFC 1034 §3.6.2), so it must make room.
		j.drop(Record{Name: h.name, Type: cname, Value: j.next(h.name) + "."})
		j.wrong(replace, "the target %s of the node %s is an alias (CNAME) of %s, which RFC 2782 forbids", h.name, n.Name, h.canonical)
		return
	case len(h.addresses) == 0:
		j.wrong(paste, "the target %s of the node %s %s", h.name, n.Name, nothing(h))
	case len(other) > 0:
		j.wrong(replace, "the target %s has the address %s, and the node %s has %s", h.name, list(other), n.Name, list(n.Addresses))
	}
	for _, x := range other {
		j.found(addressRecord(h.name, x), Wrong)
		j.drop(addressRecord(h.name, x))
	}
}

// owns reports whether the host may have an address.
func (j *judgement) owns(h host, x netip.Addr) bool {
	return slices.ContainsFunc(j.owners(h.name), func(n Node) bool { return slices.Contains(n.Addresses, x) })
}

// next is where an alias points to, which its end need not be.
func (j *judgement) next(name string) string {
	for _, r := range j.addressRecords(name) {
		if r.Type == cname && r.Name == name {
			return plain(r.Value)
		}
	}
	return name
}

// addressesFound notes the records of a host that matters, with what is wrong
// with them by themselves.
func (j *judgement) addressesFound(h host) {
	for _, r := range j.addressRecords(h.name) {
		addr, err := netip.ParseAddr(r.Value)
		switch {
		case r.Type == cname, err == nil && len(j.Nodes) > 0 && j.nodeAt(addr.Unmap()) < 0:
			j.found(r, Wrong)
		case err == nil:
			j.found(r, OK)
		}
	}
}

package dnscheck

import (
	"net/netip"
	"slices"
)

// maxAliases is how long a chain of CNAMEs is followed.
const maxAliases = 8

// index finds answers by name and type; what several servers gave is put
// together, since a client may ask any of them.
type index map[[2]string]*entry

type entry struct {
	known   bool // at least one server has answered
	noName  bool // and every one that has says NXDOMAIN
	records []Record
}

func indexOf(f Facts) index {
	x := index{}
	for _, answer := range f.Answers {
		key := [2]string{answer.Name, answer.Type}
		e := x[key]
		if e == nil {
			e = &entry{}
			x[key] = e
		}
		if answer.Failed != "" {
			continue
		}
		e.noName = answer.NoName && (!e.known || e.noName)
		e.known = true
		for _, r := range answer.Records {
			r.Name = plain(r.Name)
			if !slices.ContainsFunc(e.records, func(o Record) bool { return same(o, r) }) {
				e.records = append(e.records, r)
			}
		}
	}
	return x
}

// same leaves the TTL out: a cache counts it down.
func same(x, y Record) bool {
	return x.Name == y.Name && x.Type == y.Type && plain(x.Value) == plain(y.Value)
}

func (x index) entry(name, kind string) entry {
	if e := x[[2]string{name, kind}]; e != nil {
		return *e
	}
	return entry{}
}

// offers are the SRV records of a service, and whether any server has told.
func (x index) offers(name string) (list []offer, known bool) {
	e := x.entry(name, srv)
	for _, r := range e.records {
		if o, ok := parseOffer(r); ok {
			list = append(list, o)
		}
	}
	return list, e.known
}

// host is what a host name stands for.
type host struct {
	name      string
	canonical string // the end of its aliases; name when it is none
	addresses []netip.Addr
	known     bool // a server has answered for either type
	noName    bool
}

func (h host) alias() bool { return h.canonical != h.name }

// host looks a name up, through its aliases.
func (x index) host(name string) host {
	h := host{name: name, canonical: name}
	records := x.addressRecords(name)
	for range maxAliases {
		i := slices.IndexFunc(records, func(r Record) bool { return r.Type == cname && r.Name == h.canonical })
		if i < 0 {
			break
		}
		h.canonical = plain(records[i].Value)
		records = append(records, x.addressRecords(h.canonical)...)
	}
	for _, r := range records {
		if addr, err := netip.ParseAddr(r.Value); err == nil && r.Name == h.canonical && r.Type != cname && !slices.Contains(h.addresses, addr.Unmap()) {
			h.addresses = append(h.addresses, addr.Unmap())
		}
	}
	v4, v6 := x.entry(name, a), x.entry(name, aaaa)
	h.known, h.noName = v4.known || v6.known, v4.noName || v6.noName
	return h
}

func (x index) addressRecords(name string) []Record {
	return slices.Concat(x.entry(name, cname).records, x.entry(name, a).records, x.entry(name, aaaa).records)
}

package dnscheck

import (
	"net/netip"
	"slices"
)

// Questions returns what is still to be asked: the services first, and when
// their answers are known, the addresses of the hosts they name. None is left
// after a few rounds; an endless chain of aliases is cut.
func Questions(f Facts) []Question {
	asked := map[Question]bool{}
	for _, answer := range f.Answers {
		asked[answer.Question] = true
	}
	var open []Question
	ask := func(name, kind string) {
		for _, server := range f.Servers {
			if q := (Question{server, name, kind}); !asked[q] {
				asked[q] = true
				open = append(open, q)
			}
		}
	}
	for _, s := range f.services() {
		ask(s.name(f.Domain), srv)
	}
	for _, name := range hosts(f) {
		ask(name, a)
		ask(name, aaaa)
		ask(name, cname) // by itself: an alias of nothing is answered with NXDOMAIN (RFC 6604 §3)
	}
	return open
}

// hosts are the names whose addresses matter: those of the nodes and those that
// the records found lead to.
func hosts(f Facts) []string {
	x := indexOf(f)
	var names []string
	add := func(name string) {
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, n := range f.Nodes {
		add(f.fqdn(n))
	}
	for _, s := range f.services() {
		offers, _ := x.offers(s.name(f.Domain))
		for _, o := range offers {
			if s.wanted != useless {
				add(o.target)
			}
		}
	}
	for _, name := range slices.Clone(names) {
		if h := x.host(name); h.alias() && len(h.addresses) == 0 {
			add(h.canonical) // the server does not follow aliases by itself
		}
	}
	return names
}

// Probes returns the addresses and ports that the records found lead to, to be
// connected to once every question is answered.
func Probes(f Facts) []netip.AddrPort {
	x := indexOf(f)
	var all []netip.AddrPort
	for _, s := range f.services() {
		if s.wanted == useless {
			continue
		}
		offers, _ := x.offers(s.name(f.Domain))
		for _, o := range offers {
			for _, addr := range x.host(o.target).addresses {
				if p := netip.AddrPortFrom(addr, uint16(o.port)); !slices.Contains(all, p) {
					all = append(all, p)
				}
			}
		}
	}
	return all
}

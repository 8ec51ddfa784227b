package dnscheck

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"quorate.org/daemon/fault"
)

// Judge says what the domain needs, what it has, and what is wrong with that.
func Judge(f Facts) Report {
	j := &judgement{Facts: f, index: indexOf(f)}
	for _, n := range f.Nodes {
		j.hosts = append(j.hosts, j.hostOf(n))
	}
	j.nameServers()
	for _, s := range j.services() {
		j.service(s)
	}
	j.addresses()
	j.report.Domain = f.Domain
	j.report.OK = !slices.ContainsFunc(j.report.Findings, func(f Finding) bool { return !f.Hint })
	j.sort()
	j.zone()
	return j.report
}

// judgement is a Report in the making.
type judgement struct {
	Facts
	index
	hosts  []string // of Nodes: the name that their SRV records are to have
	remove []Record
	report Report
}

func (j *judgement) find(f Finding) {
	if !slices.Contains(j.report.Findings, f) {
		j.report.Findings = append(j.report.Findings, f)
	}
}

func (j *judgement) wrong(remedy, format string, args ...any) {
	j.find(Finding{Code: fault.DNS, Text: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (j *judgement) hint(remedy, format string, args ...any) {
	j.find(Finding{Code: fault.DNS, Text: fmt.Sprintf(format, args...), Remedy: remedy, Hint: true})
}

// need notes a record that the domain should have.
func (j *judgement) need(r Record, state State) {
	l := Line{r, state}
	if !slices.ContainsFunc(j.report.Needed, func(o Line) bool { return same(o.Record, r) }) {
		j.report.Needed = append(j.report.Needed, l)
	}
}

// found notes a record that there is. The worst said of it stays.
func (j *judgement) found(r Record, state State) {
	for i, l := range j.report.Found {
		if same(l.Record, r) {
			if state == Wrong {
				j.report.Found[i].State = Wrong
			}
			return
		}
	}
	j.report.Found = append(j.report.Found, Line{r, state})
}

// drop notes a record that must go.
func (j *judgement) drop(r Record) {
	if !slices.ContainsFunc(j.remove, func(o Record) bool { return same(o, r) }) {
		j.remove = append(j.remove, r)
	}
}

// sort puts hints behind faults and services before addresses. The rest has an
// order too, which that of the answers is not.
func (j *judgement) sort() {
	slices.SortStableFunc(j.report.Findings, func(x, y Finding) int { return cmp.Compare(rank(x.Hint), rank(y.Hint)) })
	slices.SortStableFunc(j.report.Found, func(x, y Line) int {
		return cmp.Or(cmp.Compare(rank(x.Type != srv), rank(y.Type != srv)), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Value, y.Value))
	})
}

func rank(last bool) int {
	if last {
		return 1
	}
	return 0
}

// zone is the cure: what must go, as comments, and what must come. Where nothing
// but hints were found there is none, and none for a domain whose nodes are not
// known, but for the form of a record.
func (j *judgement) zone() {
	for _, r := range j.remove {
		j.report.Zone = append(j.report.Zone, r.removal())
	}
	for _, l := range j.report.Needed {
		if l.State == Missing {
			j.report.Zone = append(j.report.Zone, l.line())
		}
	}
	for i, f := range j.report.Findings {
		if len(j.report.Zone) == 0 && (f.Remedy == paste || f.Remedy == replace) {
			j.report.Findings[i].Remedy = theirs
		}
	}
}

// nodeAt returns the index of the node that has an address, or -1.
func (j *judgement) nodeAt(addr netip.Addr) int {
	return slices.IndexFunc(j.Nodes, func(n Node) bool { return slices.Contains(n.Addresses, addr) })
}

// hostOf picks the name that SRV records are to have for a node: its host name
// in the domain, or one that they have already if only that leads there. Behind
// an alias it is the alias's end, for a target must not be one (RFC 2782).
func (j *judgement) hostOf(n Node) string {
	own := j.fqdn(n)
	if h := j.host(own); h.of(n) && !h.alias() {
		return own
	}
	candidates := []string{own}
	for _, s := range j.services() {
		offers, _ := j.offers(s.name(j.Domain))
		for _, o := range offers {
			candidates = append(candidates, o.target)
		}
	}
	for _, name := range candidates {
		h := j.host(j.host(name).canonical)
		if h.only(n) && !h.alias() && !j.isNode(h.name) {
			return h.name
		}
	}
	return own
}

// isNode reports whether a name is a node's host name in the domain.
func (j *judgement) isNode(name string) bool {
	return slices.ContainsFunc(j.Nodes, func(n Node) bool { return j.fqdn(n) == name })
}

// owners are the nodes whose host a name is; two only when nodes share a name.
func (j *judgement) owners(name string) []Node {
	var nodes []Node
	for i, h := range j.hosts {
		if h == name {
			nodes = append(nodes, j.Nodes[i])
		}
	}
	return nodes
}

// of reports whether an address of the host is the node's.
func (h host) of(n Node) bool {
	return slices.ContainsFunc(h.addresses, func(x netip.Addr) bool { return slices.Contains(n.Addresses, x) })
}

// only reports whether the host has addresses of the node and no other.
func (h host) only(n Node) bool {
	return len(h.addresses) > 0 && !slices.ContainsFunc(h.addresses, func(x netip.Addr) bool { return !slices.Contains(n.Addresses, x) })
}

func list(addrs []netip.Addr) string {
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

package shell

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/dnscheck"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/resolve"
)

const (
	probeTimeout = 2 * time.Second // to connect to one port
	probesAtOnce = 32
	dnsRounds    = 6 // services, hosts, and aliases of aliases
)

// domainFacts finds the domain and, if it is that of this node's XMPP server,
// the nodes that serve it.
func (s *Shell) domainFacts(ctx context.Context, typed string) (dnscheck.Facts, error) {
	var status bus.XmppStatus
	var cluster bus.ClusterStatus
	err := s.dial()
	if err == nil {
		status, err = s.conn.Xmpp().Status(ctx)
	}
	if err == nil {
		cluster, err = s.conn.Xmpp().ClusterStatus(ctx)
	}
	name, foreign := typed, s.bridgeDomain(ctx)
	if name == "" {
		name = status.Domain
	}
	if name == "" {
		name = foreign
	}
	if name == "" {
		return dnscheck.Facts{}, noDomain(err)
	}
	domain, derr := dnscheck.Domain(name)
	if derr != nil {
		return dnscheck.Facts{}, derr
	}
	f := dnscheck.Facts{Domain: domain}
	// A node that has no domain yet is about to serve the one that was typed.
	if own, _ := dnscheck.Domain(status.Domain); err == nil && (own == domain || status.Domain == "" && !strings.EqualFold(name, foreign)) {
		f.Nodes = s.nodes(status, cluster)
	} else if err == nil && s.further(ctx, domain) {
		f.Nodes, f.Home = s.nodes(status, cluster), own
	}
	return f, nil
}

// further says whether a domain is one that is served beside the XMPP domain.
func (s *Shell) further(ctx context.Context, domain string) bool {
	list, err := s.conn.Xmpp().Domains(ctx)
	return err == nil && slices.ContainsFunc(list, func(d bus.Domain) bool {
		name, err := dnscheck.Domain(d.Name)
		return err == nil && name == domain
	})
}

// noDomain says why a domain must be typed.
func noDomain(err error) error {
	if err != nil {
		return fault.Mend(fault.InvalidArgument, asFault(err).Message+", so the domain is not known", "dns check <domain>")
	}
	return fault.Mend(fault.InvalidArgument, "no XMPP domain is set", "dns check <domain>, or xmpp domain <domain>")
}

// bridgeDomain is the domain that the Call Bridge of this node looks for.
func (s *Shell) bridgeDomain(ctx context.Context) string {
	if s.conn == nil {
		return ""
	}
	values, err := s.values(ctx)
	if err != nil {
		return ""
	}
	domain, _ := values["callbridge.domain"].(string)
	return domain
}

// nodes are the members of the cluster, or this node alone. The component port
// is a setting of each node; that of the others is taken to be this one's. A
// node that listens nowhere yet can not be compared with anything.
func (s *Shell) nodes(status bus.XmppStatus, cluster bus.ClusterStatus) []dnscheck.Node {
	own := dnscheck.Node{Name: s.cfg.Hostname, ClientPort: status.ClientPort, ComponentPort: status.ComponentPort}
	for _, text := range status.Addresses {
		if addr, err := netip.ParseAddr(text); err == nil && !addr.IsLinkLocalUnicast() {
			own.Addresses = append(own.Addresses, addr.Unmap())
		}
	}
	var nodes []dnscheck.Node
	for _, p := range cluster.Peers {
		at, err := netip.ParseAddrPort(p.Address)
		switch {
		case p.Self:
			own.Name = p.Name
			nodes = append(nodes, own)
		case err == nil:
			nodes = append(nodes, dnscheck.Node{Name: p.Name, Addresses: []netip.Addr{at.Addr().Unmap()}, ClientPort: int(at.Port()), ComponentPort: own.ComponentPort})
		}
	}
	if len(nodes) == 0 {
		nodes = []dnscheck.Node{own}
	}
	slices.SortFunc(nodes, func(a, b dnscheck.Node) int { return strings.Compare(a.Name, b.Name) })
	return slices.DeleteFunc(nodes, func(n dnscheck.Node) bool { return len(n.Addresses) == 0 })
}

// askNameServers puts every question to every name server, until no answer
// leads to another question.
func (s *Shell) askNameServers(ctx context.Context, f *dnscheck.Facts) error {
	servers, err := s.resolver.Servers()
	if err != nil {
		return err
	}
	resolvers := map[string]*resolve.Resolver{}
	for _, server := range servers.Addresses {
		if resolvers[server] == nil {
			resolvers[server] = s.resolver.Only(server)
			f.Servers = append(f.Servers, server)
		}
	}
	for range dnsRounds {
		open := dnscheck.Questions(*f)
		answers := make([]dnscheck.Answer, len(open))
		var wait sync.WaitGroup
		for i, q := range open {
			wait.Go(func() { answers[i] = ask(ctx, resolvers[q.Server], q) })
		}
		wait.Wait()
		f.Answers = append(f.Answers, answers...)
	}
	return ctx.Err()
}

func ask(ctx context.Context, r *resolve.Resolver, q dnscheck.Question) dnscheck.Answer {
	answer := dnscheck.Answer{Question: q}
	records, err := r.Lookup(ctx, q.Name, q.Type)
	switch {
	case errors.Is(err, resolve.ErrNoName):
		answer.NoName = true
	case errors.Is(err, resolve.ErrNoRecord):
	case err != nil:
		answer.Failed = whyNot(err, q.Server)
	}
	for _, x := range records {
		answer.Records = append(answer.Records, dnscheck.Record(x))
	}
	return answer
}

// whyNot is what is wrong with one server, without its name.
func whyNot(err error, server string) string {
	text := asFault(err).Message
	if _, after, found := strings.Cut(text, server); found {
		return strings.TrimLeft(after, ": ")
	}
	return text
}

// probe connects to every port that the records lead to.
func probe(ctx context.Context, f *dnscheck.Facts) {
	all := dnscheck.Probes(*f)
	said := make([]string, len(all))
	places := make(chan struct{}, probesAtOnce)
	var wait sync.WaitGroup
	for i, at := range all {
		wait.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			said[i] = connect(ctx, at)
		})
	}
	wait.Wait()
	f.Probes = map[netip.AddrPort]string{}
	for i, at := range all {
		f.Probes[at] = said[i]
	}
}

// connect returns why a port can not be reached, or "".
func connect(ctx context.Context, at netip.AddrPort) string {
	dialer := net.Dialer{Timeout: probeTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", at.String())
	if err == nil {
		conn.Close()
		return ""
	}
	var call syscall.Errno
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", probeTimeout)
	case errors.As(err, &call):
		return call.Error()
	}
	return err.Error()
}

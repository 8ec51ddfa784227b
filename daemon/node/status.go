package node

import (
	"context"
	"slices"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
)

// properties is the state in short, for the bus.
func (n *Node) properties() bus.XmppProperties {
	p := bus.XmppProperties{Enabled: n.values.Load().XMPP.Enabled, State: "STARTING"}
	i := n.inst.Load()
	if i == nil {
		return p
	}
	v := i.cluster.View()
	p.State, p.Term, p.Domain = v.State, v.Term, i.cluster.State().Domain
	p.Clustered = i.cluster.Mode() != cluster.Standalone
	p.Leader = nameOf(v, v.LeaderID)
	for _, m := range v.Peers {
		if m.Linked {
			p.Linked = append(p.Linked, m.Name)
		}
	}
	return p
}

// nameOf returns a member's host name, or its ID when that is not known.
func nameOf(v cluster.View, id string) string {
	for _, p := range v.Peers {
		if p.ID == id {
			return p.Name
		}
	}
	return id
}

// Status implements org.quorate.Xmpp1.
func (n *Node) Status(ctx context.Context) (bus.XmppStatus, error) {
	v := n.values.Load()
	s := bus.XmppStatus{Enabled: v.XMPP.Enabled, Listen: v.XMPP.Listen, Key: v.XMPP.Key, Certificate: v.XMPP.Certificate,
		Bundle: v.XMPP.Bundle, Trust: v.Cluster.Trust, ClientPort: v.XMPP.ClientPort, ComponentPort: v.XMPP.ComponentPort, ClusterPort: v.Cluster.Port}
	addrs, _ := listenAddrs(v)
	for _, a := range addrs {
		s.Addresses = append(s.Addresses, a.String())
	}
	i, err := n.instance(ctx)
	if err != nil {
		return s, err
	}
	view := i.cluster.View()
	s.State, s.Domain, s.Running = view.State, i.cluster.State().Domain, i.open.Load()
	s.Clustered = i.cluster.Mode() != cluster.Standalone
	s.Sessions, s.Components = i.edge.Counts()
	n.mu.Lock()
	s.Faults = append(slices.Clone(n.faults), n.undressed(i.cluster.State())...)
	if n.drifted != "" {
		s.Faults = append(s.Faults, bus.Fault{Code: string(fault.Drift), Text: n.drifted,
			Remedy: "change the files, or set the value in use with its command"})
	}
	n.mu.Unlock()
	if text := i.cluster.Notice(); text != "" {
		s.Faults = append(s.Faults, bus.Fault{Code: string(fault.Cloned), Text: text, Remedy: "xmpp cluster join <host>"})
	}
	if view.State == cluster.StateNoLeader {
		s.Faults = append(s.Faults, bus.Fault{Code: string(fault.NoQuorum), Text: view.Reason, Remedy: "bring the missing nodes back"})
	}
	for _, f := range i.edge.TurnedAway() {
		s.Faults = append(s.Faults, faultOf(f))
	}
	return s, nil
}

// ClusterStatus implements org.quorate.Xmpp1.
func (n *Node) ClusterStatus(ctx context.Context) (bus.ClusterStatus, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return bus.ClusterStatus{}, err
	}
	v := i.cluster.View()
	s := bus.ClusterStatus{State: v.State, Reason: v.Reason, ClusterID: v.ClusterID, NodeID: v.NodeID, Leader: v.LeaderID, Term: v.Term,
		Voters: v.Voters, Reachable: v.Reachable, Needed: v.Needed, Tolerates: v.Tolerates}
	if !v.LeaderSince.IsZero() && v.LeaderID != "" {
		s.LeaderSince = v.LeaderSince.Format(time.RFC3339)
	}
	for _, p := range v.Peers {
		ms := int64(-1)
		if p.LastContact >= 0 {
			ms = p.LastContact.Milliseconds()
		}
		s.Peers = append(s.Peers, bus.Peer{ID: p.ID, Name: p.Name, Address: p.Address, Leader: p.Leader, Self: p.Self, Voter: p.Voter,
			Gossip: p.Gossip, LastContactMs: ms, Lag: p.Lag, Version: p.Version})
	}
	return s, nil
}

// CallBridges implements org.quorate.Xmpp1.
func (n *Node) CallBridges(ctx context.Context, who bus.Caller) ([]bus.CallBridge, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.learned(); err != nil {
		return nil, err
	}
	s := i.cluster.State()
	bound, view := i.cluster.Bound(ctx), i.cluster.View()
	var list []bus.CallBridge
	for _, b := range s.SortedCallBridges() {
		c := bus.CallBridge{Name: b.Name, Domain: s.Domain, Secret: "********"}
		if who.SeesSecrets() {
			c.Secret = b.Secret
		}
		if id, ok := bound[strings.ToLower(b.Name)+"."+s.Domain]; ok {
			c.ConnectedTo = nameOf(view, id)
			if c.ConnectedTo == i.cluster.ID() {
				c.ConnectedTo = n.cfg.Hostname
			}
		}
		list = append(list, c)
	}
	return list, nil
}

// Users implements org.quorate.Xmpp1.
func (n *Node) Users(ctx context.Context) ([]bus.User, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.learned(); err != nil {
		return nil, err
	}
	sessions := map[string]int{}
	state := i.cluster.State()
	for addr := range i.cluster.Bound(ctx) {
		if j, err := jid.Parse(addr); err == nil && j.Local() != "" {
			sessions[state.AccountName(j.Local(), j.Domain())]++
		}
	}
	var list []bus.User
	for _, a := range state.SortedAccounts() {
		list = append(list, bus.User{Name: a.Name, Sessions: sessions[a.Name]})
	}
	return list, nil
}

// Preflight implements org.quorate.Xmpp1: what `xmpp enable` needs, a line each.
func (n *Node) Preflight(ctx context.Context) ([]bus.Step, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	v, domain := n.values.Load(), i.cluster.State().Domain
	var steps []bus.Step
	add := func(name, good string, err error) {
		s := bus.Step{Name: name, OK: err == nil, Text: good}
		if err != nil {
			f := faultOf(err)
			s.Code, s.Text, s.Remedy = f.Code, f.Text, f.Remedy
		}
		steps = append(steps, s)
	}
	if domain == "" {
		add("domain", "", fault.Mend(fault.WrongState, "no domain is set", "xmpp domain <domain>"))
	} else {
		add("domain", "Domain is "+domain, nil)
	}
	if v.XMPP.Key == "" || v.XMPP.Certificate == "" {
		add("certificate", "", fault.Mend(fault.WrongState, "no key and certificate are set", "xmpp certs <key> <certificate> [<bundle>]"))
	} else {
		add("key pair", "Key and certificate pair match", n.conn.Certificates().Match(ctx, v.XMPP.Key, v.XMPP.Certificate))
		_, err := n.conn.Certificates().Check(ctx, v.XMPP.Key, v.XMPP.Certificate, v.XMPP.Bundle, domain)
		add("validity", "Certificate is valid and names the domain", err)
	}
	for _, f := range n.undressed(i.cluster.State()) {
		steps = append(steps, bus.Step{Name: "certificate", Text: f.Text, Remedy: f.Remedy})
	}
	switch addrs, err := listenAddrs(v); {
	case err != nil:
		add("listening", "", err)
	case len(addrs) == 0:
		add("listening", "", fault.Mend(fault.WrongState, "no interface to listen on is set", "xmpp listen a"))
	default:
		add("listening", "Interface "+strings.Join(v.XMPP.Listen, " ")+" has address "+addrs[0].String(), nil)
	}
	return steps, nil
}

// appliedWait is how long Applied waits at most.
const appliedWait = 10 * time.Second

// Applied implements org.quorate.Xmpp1.
func (n *Node) Applied(ctx context.Context, generation uint64) ([]bus.Step, error) {
	limit := time.After(appliedWait)
	for {
		n.mu.Lock()
		done, steps, faults, wait := n.applied >= generation, n.steps, n.faults, n.waiters
		n.mu.Unlock()
		if done {
			out := slices.Clone(steps)
			for _, f := range faults {
				out = append(out, bus.Step{Name: f.Code, Code: f.Code, Text: f.Text, Remedy: f.Remedy})
			}
			return out, nil
		}
		select {
		case <-wait:
		case <-limit:
			return nil, fault.New(fault.Timeout, "the setting is saved but was not in effect within 10 s")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

package shell

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

type testXmpp struct{ *testNode }

func (x testXmpp) Status(context.Context) (bus.XmppStatus, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := configured(x.values)
	s.Running, s.Clustered, s.State, s.Faults = s.Enabled, x.cluster != "", x.state(), x.faults
	return s, nil
}

func (x testXmpp) state() string {
	if x.cluster == "" {
		return "STANDALONE"
	}
	return x.cluster
}

func (x testXmpp) ClusterStatus(context.Context) (bus.ClusterStatus, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := bus.ClusterStatus{State: x.state(), NodeID: "n1"}
	if x.cluster == "LEADER" {
		s.Leader, s.Term, s.Voters, s.Reachable, s.Needed = "n1", 2, 1, 1, 1
		s.Peers = []bus.Peer{{ID: "n1", Name: "cb1", Address: "10.0.0.10:5222", Leader: true, Self: true, Voter: true, Gossip: "alive"}}
	}
	return s, nil
}

func (x testXmpp) Preflight(context.Context) ([]bus.Step, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	steps := []bus.Step{{Name: "domain", OK: true, Text: "Domain is set"}, {Name: "pair", OK: true, Text: "Key and certificate pair match"}}
	if x.values["xmpp.domain"] == "" {
		steps[0] = bus.Step{Name: "domain", Text: "No XMPP domain is set", Remedy: "xmpp domain <domain>"}
	}
	if x.values["xmpp.key"] == "" {
		steps[1] = bus.Step{Name: "pair", Text: "No key and certificate are set", Remedy: "xmpp certs <key> <certificate>"}
	}
	return steps, nil
}

func (x testXmpp) Applied(_ context.Context, g uint64) ([]bus.Step, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g != x.generation {
		return nil, fault.New(fault.Timeout, "the generation was not applied")
	}
	var steps []bus.Step
	for _, f := range x.faults {
		steps = append(steps, bus.Step{Name: f.Code, Text: f.Text, Remedy: f.Remedy})
	}
	if x.values["xmpp.client_port"] == int64(22) {
		steps = append(steps, bus.Step{Name: "listen", Text: "port 22 is in use", Remedy: "xmpp port client 5222"})
	}
	return steps, nil
}

func (x testXmpp) SetDomain(_ context.Context, _ bus.Caller, d string) error {
	return x.act("domain "+d, func() error { x.values["xmpp.domain"] = d; return nil })
}

func (x testXmpp) DomainAdd(_ context.Context, _ bus.Caller, d string) error {
	return x.act("multi_domain add "+d, func() error {
		if !slices.Contains(x.domains, d) {
			x.domains = append(x.domains, d)
		}
		return nil
	})
}

func (x testXmpp) DomainDel(_ context.Context, _ bus.Caller, d string) error {
	return x.act("multi_domain del "+d, func() error {
		if !slices.Contains(x.domains, d) {
			return fault.Mend(fault.NotFound, "there is no further domain "+d, "xmpp multi_domain list")
		}
		x.domains = slices.DeleteFunc(x.domains, func(have string) bool { return have == d })
		return nil
	})
}

func (x testXmpp) Domains(context.Context) ([]bus.Domain, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var list []bus.Domain
	for _, d := range x.domains {
		row := bus.Domain{Name: d, Problem: "this node has no certificate that names " + d, Remedy: "xmpp multi_domain add " + d}
		certs, _ := x.values["xmpp.certificates"].([]string)
		for _, c := range certs {
			if f := strings.Fields(c); f[0] == d {
				row.Key, row.Certificate, row.Problem = f[1], f[2], ""
			}
		}
		list = append(list, row)
	}
	return list, nil
}

func (x testXmpp) CallBridgeAdd(_ context.Context, _ bus.Caller, name string) (string, error) {
	const secret = "RITmSh4smhLYguGpAb1"
	return secret, x.CallBridgeAddSecret(context.Background(), bus.Caller{}, name, secret)
}

func (x testXmpp) CallBridgeAddSecret(_ context.Context, _ bus.Caller, name, secret string) error {
	return x.act("callbridge "+name+" "+secret, func() error {
		if strings.Contains(name, ".") {
			return fault.Mend(fault.InvalidName, "a call bridge name has no dot", "use letters and digits")
		}
		x.bridges = append(x.bridges, bus.CallBridge{Name: name, Domain: "meet.example", Secret: secret})
		return nil
	})
}

func (x testXmpp) CallBridgeDel(_ context.Context, _ bus.Caller, name string) error {
	return x.act("callbridge del "+name, func() error {
		before := len(x.bridges)
		x.bridges = slices.DeleteFunc(x.bridges, func(b bus.CallBridge) bool { return b.Name == name })
		if len(x.bridges) == before {
			return fault.Mend(fault.NotFound, "there is no call bridge "+name, "xmpp callbridge list")
		}
		return nil
	})
}

func (x testXmpp) CallBridges(context.Context, bus.Caller) ([]bus.CallBridge, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.bridges), nil
}

func (x testXmpp) UserAdd(_ context.Context, _ bus.Caller, name, password string) error {
	return x.act("user "+name+" "+password, func() error { x.users = append(x.users, name); return nil })
}

func (x testXmpp) UserDel(_ context.Context, _ bus.Caller, name string) error {
	return x.act("user del "+name, nothing)
}

func (x testXmpp) UserPasswd(_ context.Context, _ bus.Caller, name, password string) error {
	return x.act("user passwd "+name+" "+password, nothing)
}

func (x testXmpp) Users(context.Context) ([]bus.User, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var users []bus.User
	for _, name := range x.users {
		users = append(users, bus.User{Name: name})
	}
	return users, nil
}

// become changes the membership.
func (x testXmpp) become(note, state string) error {
	return x.act(note, func() error { x.cluster = state; return nil })
}

func (x testXmpp) ClusterEnable(context.Context, bus.Caller) error {
	return x.become("cluster enable", "NOT JOINED")
}

func (x testXmpp) ClusterDisable(context.Context, bus.Caller) error {
	return x.become("cluster disable", "")
}

func (x testXmpp) ClusterInitialize(context.Context, bus.Caller) error {
	return x.become("cluster initialize", "LEADER")
}

func (x testXmpp) ClusterJoin(ctx context.Context, _ bus.Caller, host string) error {
	if host == "slow.example" {
		x.joining <- struct{}{}
		select {
		case <-x.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if host == "nowhere.example" {
		return fault.Mend(fault.DNS, "nowhere.example does not resolve", "dns lookup a nowhere.example")
	}
	return x.become("cluster join "+host, "FOLLOWER")
}

func (x testXmpp) ClusterRemove(_ context.Context, _ bus.Caller, node string) error {
	return x.act("cluster remove "+node, nothing)
}

func (x testXmpp) ClusterRecover(_ context.Context, _ bus.Caller, force bool) (string, error) {
	if force {
		return "", x.act("cluster recover", nothing)
	}
	return "Writes after index 12 may be lost", nil
}

func (x testXmpp) WouldAccept(context.Context, []byte) ([]bus.Step, error) { return nil, nil }
func (x testXmpp) Reset(_ context.Context, _ bus.Caller, force bool) error {
	return x.act(fmt.Sprintf("reset force=%v", force), nothing)
}

func (x testXmpp) CallBridgeCheck(context.Context) ([]bus.CheckedBridge, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.checked), nil
}

func (x testXmpp) RotateGossipKey(context.Context, bus.Caller) error {
	return x.act("rotate", nothing)
}

func (x testXmpp) Save(context.Context, bus.Caller) ([]byte, error) { return nil, nil }
func (x testXmpp) Restore(context.Context, bus.Caller, []byte, bool) ([]bus.Step, error) {
	return nil, nil
}

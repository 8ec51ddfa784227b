package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/sasl"
)

func (n *Node) propose(ctx context.Context, c replica.Command) (*replica.State, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return nil, err
	}
	if err := i.cluster.Propose(ctx, c); err != nil {
		return nil, err
	}
	return i.cluster.State(), nil
}

// SetDomain implements org.quorate.Xmpp1.
func (n *Node) SetDomain(ctx context.Context, _ bus.Caller, domain string) error {
	name, err := prepared(domain)
	if err != nil {
		return err
	}
	if err := n.mayServe(ctx, name); err != nil {
		return err
	}
	if _, err := n.propose(ctx, replica.SetDomain(name)); err != nil {
		return err
	}
	n.apply(ctx)
	return nil
}

// mayServe refuses another domain than the one that is being served: streams
// and certificates are of that one.
func (n *Node) mayServe(ctx context.Context, domain string) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	have := i.cluster.State().Domain
	if have == "" || have == domain || i.cluster.Mode() == cluster.Joined || !n.values.Load().XMPP.Enabled {
		return nil // a cluster's own refusal is the replica's
	}
	return fault.Mend(fault.WrongState, "the XMPP server is enabled and serves "+have, "xmpp disable")
}

// CallBridgeAdd implements org.quorate.Xmpp1.
func (n *Node) CallBridgeAdd(ctx context.Context, _ bus.Caller, name string) (string, error) {
	s, err := n.propose(ctx, replica.AddCallBridge(name, replica.NewSecret()))
	if err != nil {
		return "", err
	}
	b, ok := s.CallBridge(name)
	if !ok {
		return "", fault.Mend(fault.Unavailable, "the call bridge is added but not yet seen by this node", "xmpp callbridge list")
	}
	return b.Secret, nil
}

// CallBridgeAddSecret implements org.quorate.Xmpp1.
func (n *Node) CallBridgeAddSecret(ctx context.Context, _ bus.Caller, name, secret string) error {
	_, err := n.propose(ctx, replica.AddCallBridgeSecret(name, secret))
	return err
}

// CallBridgeDel implements org.quorate.Xmpp1.
func (n *Node) CallBridgeDel(ctx context.Context, _ bus.Caller, name string) error {
	_, err := n.propose(ctx, replica.DeleteCallBridge(name))
	return err
}

// UserAdd implements org.quorate.Xmpp1.
func (n *Node) UserAdd(ctx context.Context, _ bus.Caller, name, password string) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	a, err := account(i.cluster.State(), name, password)
	if err != nil {
		return err
	}
	if _, ok := i.cluster.State().Accounts[a.Name]; ok {
		return fault.Mend(fault.Exists, "the user "+a.Name+" exists", "xmpp user passwd "+a.Name)
	}
	return i.cluster.Propose(ctx, replica.SetAccount(a).WithDecoys(newDecoys()))
}

// UserPasswd implements org.quorate.Xmpp1.
func (n *Node) UserPasswd(ctx context.Context, _ bus.Caller, name, password string) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	a, err := account(i.cluster.State(), name, password)
	if err != nil {
		return err
	}
	if _, ok := i.cluster.State().Accounts[a.Name]; !ok {
		return fault.Mend(fault.NotFound, "there is no user "+a.Name, "xmpp user add "+a.Name)
	}
	return i.cluster.Propose(ctx, replica.SetAccount(a).WithDecoys(newDecoys()))
}

// UserDel implements org.quorate.Xmpp1.
func (n *Node) UserDel(ctx context.Context, _ bus.Caller, name string) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	known, err := accountName(i.cluster.State(), name)
	if err != nil {
		return err
	}
	return i.cluster.Propose(ctx, replica.DeleteAccount(known))
}

// newDecoys makes the secret of replica.State.Decoys.
func newDecoys() []byte {
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return key
}

// accountName returns the name that the state has for an account, given alone or
// with its domain.
func accountName(s *replica.State, name string) (string, error) {
	local, domain, with := strings.Cut(name, "@")
	if !with {
		domain = cmp.Or(s.Domain, "x.example")
	}
	j, err := jid.New(local, domain, "")
	if err != nil || j.Local() == "" {
		return "", fault.Mend(fault.InvalidName, fmt.Sprintf("%q can not be a user name", name), "use a name without spaces or any of \"&'/:<>@, or name@domain")
	}
	if with && !s.Serves(j.Domain()) {
		return "", fault.Mend(fault.NotFound, fmt.Sprintf("the domain %s is not served here", j.Domain()), "xmpp multi_domain list")
	}
	if !with {
		return j.Local(), nil
	}
	return s.AccountName(j.Local(), j.Domain()), nil
}

func account(s *replica.State, name, password string) (replica.Account, error) {
	known, err := accountName(s, name)
	if err != nil {
		return replica.Account{}, err
	}
	salt := make([]byte, sasl.SaltSize)
	rand.Read(salt)
	c, err := sasl.Derive(password, salt, sasl.DefaultIterations)
	if err != nil {
		return replica.Account{}, fault.New(fault.InvalidArgument, "the password can not be used: "+err.Error())
	}
	return replica.Account{Name: known, SHA1: replica.Keys(c.SHA1), SHA256: replica.Keys(c.SHA256)}, nil
}

// transition runs one membership change: act writes the outcome to disk, and
// the instance is opened again from it, after between.
func (n *Node) transition(ctx context.Context, act func(*cluster.Cluster) error, between func() error) error {
	defer n.poke() // what turn passed by meanwhile
	n.change.Lock()
	defer n.change.Unlock()
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	if err := act(i.cluster); err != nil {
		return err
	}
	return n.reopen(context.WithoutCancel(ctx), between)
}

// ClusterEnable implements org.quorate.Xmpp1.
func (n *Node) ClusterEnable(ctx context.Context, _ bus.Caller) error {
	i, err := n.instance(ctx)
	if err != nil || i.cluster.Mode() != cluster.Standalone {
		return err
	}
	return n.transition(ctx, (*cluster.Cluster).Enable, nil)
}

// ClusterInitialize implements org.quorate.Xmpp1.
func (n *Node) ClusterInitialize(ctx context.Context, _ bus.Caller) error {
	if i, err := n.instance(ctx); err == nil && i.cluster.Alone() {
		return nil
	}
	if err := n.formable(); err != nil {
		return err
	}
	err := n.transition(ctx, func(c *cluster.Cluster) error { return c.Initialize(ctx) }, nil)
	if err != nil {
		return err
	}
	return n.await(ctx, "the new cluster has no leader yet", leads)
}

// formable checks the node's own settings a cluster is made of.
func (n *Node) formable() error {
	if n.keys.Load().trust == nil {
		return fault.Mend(fault.WrongState, "no cluster trust is set", "xmpp cluster trust <bundle>")
	}
	_, err := n.meshCertificate()
	return err
}

// joinWait is how long a join may take until the node votes.
const joinWait = 30 * time.Second

// ClusterJoin implements org.quorate.Xmpp1.
func (n *Node) ClusterJoin(ctx context.Context, _ bus.Caller, host string) error {
	if i, err := n.instance(ctx); err == nil && i.cluster.MemberWith(ctx, host) {
		return nil
	}
	if err := n.formable(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	err := n.transition(ctx, func(c *cluster.Cluster) error { return c.Join(ctx, host) },
		func() error { return cluster.Enter(n.cfg.State) })
	if err != nil {
		n.log.Warn("the join was refused", journal.ID(journal.JoinRefused), "host", host, "error", err)
		return err
	}
	return n.await(ctx, "this node has joined but does not vote yet", votes)
}

// leads reports whether the node leads and has applied its log.
func leads(c *cluster.Cluster) bool {
	return c.View().State == cluster.StateLeader && c.State().ClusterID != ""
}

// votes reports whether the node is a voter with a leader and has its log.
func votes(c *cluster.Cluster) bool {
	v := c.View()
	for _, p := range v.Peers {
		if p.Self {
			return p.Voter && v.LeaderID != "" && c.State().ClusterID != ""
		}
	}
	return false
}

// await waits until the cluster is as wanted.
func (n *Node) await(ctx context.Context, otherwise string, wanted func(*cluster.Cluster) bool) error {
	ctx, cancel := context.WithTimeout(ctx, joinWait)
	defer cancel()
	for {
		i, err := n.instance(ctx)
		if err == nil && wanted(i.cluster) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fault.Mend(fault.Timeout, otherwise, "xmpp cluster status shows when it does, and why not")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ClusterRemove implements org.quorate.Xmpp1.
func (n *Node) ClusterRemove(ctx context.Context, _ bus.Caller, node string) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	if node != "" {
		return i.cluster.Evict(ctx, node)
	}
	if i.cluster.Mode() != cluster.Joined {
		return fault.Mend(fault.WrongState, "this node is not a member of a cluster", "xmpp cluster status")
	}
	return n.transition(ctx, func(c *cluster.Cluster) error { return c.Leave(ctx, cluster.Enabled) }, n.forget)
}

// ClusterDisable implements org.quorate.Xmpp1.
func (n *Node) ClusterDisable(ctx context.Context, _ bus.Caller) error {
	i, err := n.instance(ctx)
	if err != nil {
		return err
	}
	switch i.cluster.Mode() {
	case cluster.Standalone:
		return nil
	case cluster.Enabled:
		return n.transition(ctx, func(c *cluster.Cluster) error { return c.Leave(ctx, cluster.Standalone) }, nil)
	}
	return n.transition(ctx, func(c *cluster.Cluster) error { return c.Leave(ctx, cluster.Standalone) }, n.forget)
}

func (n *Node) forget() error { return cluster.Forget(n.cfg.State) }

// ClusterRecover implements org.quorate.Xmpp1.
func (n *Node) ClusterRecover(ctx context.Context, _ bus.Caller, force bool) (string, error) {
	i, err := n.instance(ctx)
	if err != nil {
		return "", err
	}
	if err := i.cluster.MayRecover(); err != nil {
		return "", err
	}
	if !force {
		return cluster.Lost, nil
	}
	err = n.transition(ctx, (*cluster.Cluster).MayRecover, i.cluster.Recover)
	if err != nil {
		return "", err
	}
	n.log.Warn("this node was made a cluster of its own", journal.ID(journal.Recovered))
	return cluster.Lost, n.await(ctx, "the recovered node does not lead yet", leads)
}

// Reset implements org.quorate.Xmpp1.
func (n *Node) Reset(ctx context.Context, _ bus.Caller, force bool) error {
	return n.transition(ctx, func(c *cluster.Cluster) error { return c.Reset(ctx, force) }, func() error {
		if err := n.forget(); err != nil {
			return err
		}
		return cluster.Wipe(n.cfg.State)
	})
}

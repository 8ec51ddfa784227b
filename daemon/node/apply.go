package node

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/edge"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/im"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/settings"
)

// apply brings settings and keys into effect.
func (n *Node) apply(ctx context.Context) {
	n.change.Lock()
	defer n.change.Unlock()
	n.applyLocked(ctx)
}

func (n *Node) applyLocked(ctx context.Context) {
	v := n.values.Load()
	var faults []bus.Fault
	note := func(err error) {
		if err != nil {
			faults = append(faults, faultOf(err))
		}
	}
	for _, err := range n.renew(ctx, v) {
		note(err)
	}
	note(n.listenMetrics(v))
	addrs, err := listenAddrs(v)
	note(err)
	unknown := err != nil
	if err := n.reshape(ctx, addrs, unknown); err != nil {
		note(err)
		n.finish(v.Generation, nil, faults, nil)
		return
	}
	i := n.inst.Load()
	i.cluster.SetClientPort(v.XMPP.ClientPort)
	note(n.seed(ctx, i, v))
	var steps []bus.Step
	if !unknown || !i.open.Load() || !n.wanted(i, v) { // an address that is not there must not end the streams on the others
		steps, err = n.serve(i, v, addrs)
		note(err)
	}
	n.finish(v.Generation, addrs, faults, steps)
}

// reshape opens the instance anew when the settings ask for another, and opens
// one when the last try failed.
func (n *Node) reshape(ctx context.Context, addrs []netip.Addr, unknown bool) error {
	if n.inst.Load() == nil {
		return n.open()
	}
	want := n.shapeNow(addrs)
	if want == n.shape || unknown && want.addr == "" {
		return nil
	}
	n.log.Info("starting anew with other addresses, ports or timers")
	n.close()
	if err := n.open(); err != nil {
		return err
	}
	n.catchUp(ctx, n.inst.Load())
	return nil
}

// catchUpWait is how long a member that was opened anew may take to learn from
// its leader what it missed, before the ports are dealt with without it.
const catchUpWait = 3 * time.Second

// catchUp waits until the ports can be opened, so that what is said of them is
// the outcome and not a hope.
func (n *Node) catchUp(ctx context.Context, i *instance) {
	ctx, cancel := context.WithTimeout(ctx, catchUpWait)
	defer cancel()
	for i.cluster.Serves() && !i.cluster.Current() && i.cluster.Roster().Domain != "" {
		select {
		case <-ctx.Done():
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// renew takes new certificates and trust into use.
func (n *Node) renew(ctx context.Context, v *settings.Values) []error {
	old := n.keys.Load()
	m, errs := n.readMaterial(ctx, v, old)
	n.keys.Store(m)
	if i := n.inst.Load(); i != nil && !slices.EqualFunc(m.trusted, old.trusted, (*x509.Certificate).Equal) {
		i.cluster.Rejudge() // links made with a renewed certificate stay; those of whom nobody trusts now do not
	}
	return errs
}

// turn opens or closes the ports when the cluster's state asks for it; nothing
// else is read anew.
func (n *Node) turn() {
	if !n.change.TryLock() {
		return // who holds it ends with serve
	}
	defer n.change.Unlock()
	i, v := n.inst.Load(), n.values.Load()
	if i == nil || n.wanted(i, v) == i.open.Load() {
		return
	}
	addrs, err := listenAddrs(v)
	if err == nil {
		_, err = n.serve(i, v, addrs)
	}
	if err != nil {
		n.blame(faultOf(err))
	}
}

// blame adds a fault to those in effect, which also makes retry try again.
func (n *Node) blame(f bus.Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !contains(n.faults, f) {
		n.log.Warn(f.Text, "code", f.Code, "remedy", f.Remedy)
		n.faults = append(n.faults[:len(n.faults):len(n.faults)], f)
	}
}

// revoke ends the streams of what the state holds no more.
func (n *Node) revoke() {
	i := n.inst.Load()
	if i == nil {
		return
	}
	if s := i.cluster.State(); s != i.revoked {
		i.revoked = s
		i.edge.Revoke()
	}
}

// serve opens or closes the client and component ports.
func (n *Node) serve(i *instance, v *settings.Values, addrs []netip.Addr) ([]bus.Step, error) {
	cfg := edge.Config{Addrs: addrs, ClientPort: uint16(v.XMPP.ClientPort), ComponentPort: uint16(v.XMPP.ComponentPort),
		GetCertificate: n.shown,
		ClientCAs:      n.keys.Load().clients, Limits: limitsOf(v)}
	cfg.Open = n.wanted(i, v) && len(addrs) > 0
	i.forward.SetPolicy(archive.Policy{Default: v.XMPP.Archive, Days: v.XMPP.ArchiveDays, Messages: v.XMPP.ArchiveMessages, Bytes: v.XMPP.ArchiveBytes, Page: v.XMPP.ArchivePage})
	err := i.edge.Apply(cfg)
	n.tellPorts(i.open.Swap(cfg.Open && err == nil), cfg.Open && err == nil)
	if !cfg.Open || err != nil {
		return nil, portFault(err)
	}
	steps := make([]bus.Step, 0, len(addrs))
	for _, a := range addrs {
		steps = append(steps, bus.Step{Name: "listening", OK: true,
			Text: fmt.Sprintf("listening on %s, clients on port %d and components on port %d", a, cfg.ClientPort, cfg.ComponentPort)})
	}
	return steps, nil
}

func limitsOf(v *settings.Values) edge.Limits {
	x := v.XMPP
	return edge.Limits{Stanza: x.MaxStanza, StanzaBeforeAuth: x.MaxStanzaBeforeAuth, Depth: x.MaxDepth, Attrs: x.MaxAttributes,
		AuthTimeout: x.AuthTimeout, Outbox: x.Outbox, WriteTimeout: x.WriteTimeout, Connections: x.MaxConnections, PerAddress: x.MaxConnectionsPerAddress,
		AuthFailures: x.MaxAuthFailuresPerAddress, AccountFailures: x.MaxAuthFailuresPerAccount,
		FailureWindow: x.AuthFailureWindow, Backoff: x.AuthBackoff, IdleBytes: x.InactiveBytes, IdleWait: x.InactiveWait,
		ResumeTime: x.ResumeTime, ResumeQueue: x.ResumeQueue}
}

// accountLimits is what one account may have, while this node leads.
func (n *Node) accountLimits() im.Limits {
	x := n.values.Load().XMPP
	return im.Limits{Sessions: x.MaxSessions, Contacts: x.MaxContacts, Groups: x.MaxContactGroups, Roster: x.MaxRosterBytes, Request: x.MaxRequest,
		Offline: x.MaxOfflineMessages, Stored: x.MaxOfflineBytes, Blocked: x.MaxBlocked, Private: x.MaxPrivate, VCard: x.MaxVCard,
		Nodes: x.MaxNodes, Items: x.MaxItemBytes, Kept: x.MaxNodeItems, Payload: x.MaxItemPayload, Peers: x.MaxSubscribers, Targets: x.MaxPushNodes}
}

func (n *Node) tellPorts(was, open bool) {
	switch {
	case open && !was:
		n.log.Info("the XMPP service is open", journal.ID(journal.ServiceEnabled))
	case was && !open:
		n.log.Info("the XMPP service is closed", journal.ID(journal.ServiceDisabled))
	}
}

// portFault names what keeps a port from being opened.
func portFault(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Addr == nil {
		return err
	}
	var why syscall.Errno
	errors.As(op.Err, &why)
	return fault.Mend(fault.WrongState, fmt.Sprintf("the port %s can not be opened: %s", op.Addr, why),
		"choose another one: xmpp port client <number>, xmpp port component <number>; or xmpp listen <interface>")
}

// wanted reports whether the client and component ports should be open: the
// service is on, this node may serve, it has a certificate, its log tells the
// domain, and is as long as the leader's: of who may sign in a node that was away
// learns a moment after it was started.
func (n *Node) wanted(i *instance, v *settings.Values) bool {
	return v.XMPP.Enabled && i.cluster.Serves() && n.keys.Load().certificate != nil && i.cluster.Current() && i.cluster.State().Domain != ""
}

// seed brings cluster-scope keys of the files into an empty store. Later
// differences are drift: shown, never applied.
func (n *Node) seed(ctx context.Context, i *instance, v *settings.Values) error {
	s := i.cluster.State()
	if i.cluster.Mode() == cluster.Joined && s.ClusterID == "" {
		return nil // its log has not arrived: empty for now, but not to be filled from files
	}
	if s.ClusterID != "" || s.Domain != "" || len(s.CallBridges) > 0 || len(s.Accounts) > 0 {
		n.drift(s, v)
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if v.XMPP.Domain != "" {
		if err := i.cluster.Propose(ctx, replica.SetDomain(v.XMPP.Domain)); err != nil {
			return err
		}
		n.log.Info("the domain is taken from the configuration files", "domain", v.XMPP.Domain)
	}
	for _, b := range v.XMPP.CallBridges {
		if err := i.cluster.Propose(ctx, replica.AddCallBridgeSecret(b.Name, b.Secret)); err != nil {
			return err
		}
		n.log.Info("a call bridge is taken from the configuration files", "callbridge", b.Name)
	}
	return nil
}

// drift journals, once per difference, what the files say otherwise.
func (n *Node) drift(s *replica.State, v *settings.Values) {
	var diff []string
	if v.XMPP.Domain != "" && !strings.EqualFold(v.XMPP.Domain, s.Domain) {
		diff = append(diff, fmt.Sprintf("xmpp.domain is %s in the files and %s in use", v.XMPP.Domain, s.Domain))
	}
	for _, b := range v.XMPP.CallBridges {
		if have, ok := s.CallBridge(b.Name); !ok {
			diff = append(diff, "call bridge "+b.Name+" is in the files only")
		} else if have.Secret != b.Secret {
			diff = append(diff, "call bridge "+b.Name+" has another secret in the files")
		}
	}
	text := strings.Join(diff, "; ")
	n.mu.Lock()
	known := n.drifted == text
	n.drifted = text
	n.mu.Unlock()
	if text != "" && !known {
		n.log.Warn(text, journal.ID(journal.ConfigDrift))
	}
}

// finish records what is in effect and wakes who waits for it.
func (n *Node) finish(generation uint64, addrs []netip.Addr, faults []bus.Fault, steps []bus.Step) {
	n.mu.Lock()
	for _, f := range faults {
		if !contains(n.faults, f) {
			n.log.Warn(f.Text, "code", f.Code, "remedy", f.Remedy)
		}
	}
	n.faults, n.steps, n.applied, n.addrs = faults, steps, generation, addrs
	close(n.waiters)
	n.waiters = make(chan struct{})
	n.mu.Unlock()
	n.poke()
}

func contains(list []bus.Fault, f bus.Fault) bool {
	for _, x := range list {
		if x == f {
			return true
		}
	}
	return false
}

func faultOf(err error) bus.Fault {
	var f *fault.Error
	if errors.As(err, &f) {
		return bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy}
	}
	return bus.Fault{Code: string(fault.Internal), Text: err.Error()}
}

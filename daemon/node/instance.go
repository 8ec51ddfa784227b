package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"quorate.org/daemon/cluster"
	"quorate.org/daemon/edge"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/replica"
	"quorate.org/daemon/router"
)

// shape is every setting an instance must be opened anew for.
type shape struct {
	addr                       string
	mesh, gossip               int
	heartbeat, election, lease time.Duration
	limits                     router.Limits
}

// instance is one run of cluster, forwarding and edge.
type instance struct {
	cluster *cluster.Cluster
	forward *forward.Node
	edge    *edge.Edge
	stop    context.CancelFunc // ends the edge
	quit    context.CancelFunc // ends the forwarding
	edges   sync.WaitGroup
	others  sync.WaitGroup
	open    atomic.Bool    // the client and component ports are open
	revoked *replica.State // whose streams have been looked through; of the follow loop alone
}

func (n *Node) shapeNow(addrs []netip.Addr) shape {
	v := n.values.Load()
	s := shape{mesh: v.Cluster.Port, gossip: v.Gossip.Port, heartbeat: v.Cluster.Heartbeat,
		election: v.Cluster.Election, lease: v.Cluster.Lease,
		limits: router.Limits{Frames: v.Cluster.QueueFrames, Bytes: v.Cluster.QueueBytes, GiveUp: v.Cluster.QueueTime, Queues: v.XMPP.ResumeTotal}}
	if cluster.ModeOf(n.cfg.State) == cluster.Standalone { // nobody calls it: no stream need drop for these
		s.mesh, s.gossip = 0, 0
	} else if len(addrs) > 0 {
		s.addr = addrs[0].String()
	}
	return s
}

// open starts the instance the disk and the settings describe. The caller is
// Run, or holds change.
func (n *Node) open() error {
	addrs, _ := listenAddrs(n.values.Load())
	n.shape = n.shapeNow(addrs)
	s := n.shape
	i := &instance{}
	inc := forward.NewIncarnation()
	opened := make(chan struct{}) // peers may call before the cluster can be asked about them
	cl, err := cluster.Open(cluster.Config{
		Dir: n.cfg.State, Name: n.cfg.Hostname, Version: n.cfg.Version, Machine: n.cfg.Machine,
		Addr: s.addr, ClientPort: n.values.Load().XMPP.ClientPort, MeshPort: s.mesh, GossipPort: s.gossip,
		Heartbeat: s.heartbeat, Election: s.election, Lease: s.lease, Incarnation: inc,
		Certificate: n.meshCertificate, Trust: func(chain []*x509.Certificate) error { <-opened; return n.trust(i.cluster, chain) }, OnChange: n.poke, Logger: n.log,
		NewTraffic: func(id string, links *mesh.Mesh, c *cluster.Cluster) cluster.Traffic {
			state := c.State
			i.forward = forward.New(forward.Config{ID: id, Inc: inc, Limits: s.limits, Links: links, Facts: facts{state}, Store: c, Version: n.cfg.Version, Account: n.accountLimits, Leaderless: n.leaderless, Logger: n.log})
			i.edge = edge.New(i.forward, accounts{state}, n.log)
			return i.forward
		},
		Directory: func() map[string]string { return i.forward.Directory() },
		Entries:   n.entries,
	})
	if err != nil {
		return fmt.Errorf("starting the cluster: %w", err)
	}
	i.cluster = cl
	close(opened)
	i.stop = run(&i.edges, func(ctx context.Context) { i.edge.Run(ctx) })
	i.quit = run(&i.others, i.forward.Run)
	if text := cl.Notice(); text != "" {
		n.log.Warn(text, journal.ID(journal.CloneSeen))
	}
	n.inst.Store(i)
	return nil
}

// run starts body, for the returned function to end.
func run(wg *sync.WaitGroup, body func(context.Context)) context.CancelFunc {
	ctx, stop := context.WithCancel(context.Background())
	wg.Go(func() { body(ctx) })
	return stop
}

// close hands leadership over, lets the streams end, and stops the instance.
func (n *Node) close() {
	i := n.inst.Swap(nil)
	if i == nil {
		return
	}
	i.cluster.HandOver()
	i.stop()
	i.edges.Wait()
	i.forward.Drain(time.Second)
	if err := i.cluster.Abort(); err != nil {
		n.log.Warn("stopping the cluster", "error", err)
	}
	i.quit()
	i.others.Wait()
}

// reopen closes the instance, lets between change the disk, and opens it again.
// The caller holds change.
func (n *Node) reopen(ctx context.Context, between func() error) error {
	n.close()
	var err error
	if between != nil {
		err = between()
	}
	if oerr := n.open(); oerr != nil {
		n.log.Error("the XMPP service has no instance; it is tried again", "error", oerr)
		n.blame(faultOf(oerr))
		return errors.Join(err, oerr)
	}
	n.applyLocked(ctx)
	n.poke()
	return err
}

// meshCertificate is the certificate this node shows other nodes.
func (n *Node) meshCertificate() (*tls.Certificate, error) {
	if c := n.keys.Load().certificate; c != nil {
		return c, nil
	}
	return nil, fault.Mend(fault.WrongState, "no certificate is set", "xmpp certs <key> <certificate> [<bundle>]")
}

// trust judges another node's certificate.
func (n *Node) trust(c *cluster.Cluster, chain []*x509.Certificate) error {
	t := n.keys.Load().trust
	if t == nil {
		return fault.Mend(fault.WrongState, "no cluster trust is set", "xmpp cluster trust <bundle>")
	}
	s := c.Roster()
	var names []string
	for _, m := range s.SortedMembers() {
		names = append(names, m.Name, m.Addr)
	}
	_, err := t.Accept(chain, s.Domain, names, time.Now())
	if err != nil && fault.CodeOf(err) == fault.CertificateName && s.Domain == "" {
		return fault.Mend(fault.CertificateName, "no domain is set on this node, so it can not tell whether a certificate of a trusted CA belongs to the cluster",
			"xmpp domain <domain>, then again; or xmpp cluster trust <bundle of every node's certificate>")
	}
	return err
}

// leaderless says why there is no leader; "" while there is one.
func (n *Node) leaderless() string {
	if i := n.inst.Load(); i != nil {
		if v := i.cluster.View(); v.State == cluster.StateNoLeader {
			return v.Reason
		}
	}
	return ""
}

// learned refuses while this member does not know the entries: since it was
// opened, no leader has told it how much of its log counts.
func (i *instance) learned() error {
	if i.cluster.Mode() != cluster.Joined || i.cluster.State().ClusterID != "" {
		return nil
	}
	text := "this node has not heard a leader since it was started, so it does not know the cluster's entries yet"
	if why := i.cluster.View().Reason; why != "" {
		text += ": " + why
	}
	return fault.Mend(fault.NoQuorum, text, "see xmpp cluster status; bring the missing nodes back")
}

package node

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/cluster"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/forward"
	"quorate.org/daemon/mesh"
	"quorate.org/daemon/pki/pkitest"
)

// partner is another member of the node's cluster, without a bus.
type partner struct {
	r       *rig
	dir     string
	addr    string
	cert    *tls.Certificate
	refuse  atomic.Bool // certificates other than its own
	cluster *cluster.Cluster
	forward *forward.Node
	quit    context.CancelFunc
	running sync.WaitGroup
}

func newPartner(r *rig, c *pkitest.Issued) *partner {
	p := &partner{r: r, dir: r.t.TempDir(), addr: newAddr(),
		cert: &tls.Certificate{Certificate: [][]byte{c.Cert.Raw}, PrivateKey: c.Key, Leaf: c.Cert}}
	r.t.Cleanup(p.close)
	p.open()
	return p
}

func (p *partner) open() {
	p.r.t.Helper()
	inc := forward.NewIncarnation()
	var err error
	p.cluster, err = cluster.Open(cluster.Config{
		Dir: p.dir, Name: "cb2", Version: "test", Addr: p.addr, ClientPort: 5222, MeshPort: 5224, GossipPort: 7946,
		Heartbeat: paired, Election: paired, Lease: paired, Incarnation: inc, Logger: quiet,
		Certificate: func() (*tls.Certificate, error) { return p.cert, nil },
		Trust: func(chain []*x509.Certificate) error {
			if p.refuse.Load() && !chain[0].Equal(p.cert.Leaf) {
				return fault.New(fault.Trust, "not yours")
			}
			return nil
		},
		NewTraffic: func(id string, links *mesh.Mesh, c *cluster.Cluster) cluster.Traffic {
			p.forward = forward.New(forward.Config{ID: id, Inc: inc, Links: links, Facts: facts{c.State}, Store: c, Logger: quiet})
			return p.forward
		},
		Directory: func() map[string]string { return p.forward.Directory() },
	})
	p.r.must(err)
	ctx, quit := context.WithCancel(context.Background())
	p.quit = quit
	p.running.Go(func() { p.forward.Run(ctx) })
}

func (p *partner) close() {
	if p.cluster == nil {
		return
	}
	p.cluster.Abort()
	p.quit()
	p.running.Wait()
	p.cluster = nil
}

// join makes it a member with a vote.
func (p *partner) join() {
	p.r.t.Helper()
	p.r.must(p.cluster.Enable())
	p.close()
	p.open()
	p.r.must(p.cluster.Join(p.r.ctx, p.r.addr))
	p.close()
	p.r.must(cluster.Enter(p.dir))
	p.open()
	p.r.until("the partner votes", func() bool { return votes(p.cluster) && p.r.cluster().Voters == 2 })
}

func (r *rig) cluster() bus.ClusterStatus {
	r.t.Helper()
	s, err := r.xmpp.ClusterStatus(r.ctx)
	r.must(err)
	return s
}

// store puts a file into the certificate store.
func (r *rig) store(name string, b []byte) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, "exchange", name), b, 0o640); err != nil {
		r.t.Fatal(err)
	}
	r.must(r.certs.Scan(r.ctx))
}

// caAndLeaf is a CA and the chain of a node that it vouches for.
func caAndLeaf(t *testing.T) (ca []byte, chain []*x509.Certificate) {
	t.Helper()
	valid := pkitest.Valid(time.Now().Add(-time.Hour), time.Now().AddDate(0, 3, 0))
	authority := pkitest.NewCA(t, "Our CA", valid)
	return authority.PEM(), pkitest.Certs(authority.Leaf(t, domain, valid))
}

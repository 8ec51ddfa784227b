package local

import (
	"context"
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

// password of every account the tests make.
const password = "pencil and paper"

// account makes a local account if it is not there.
func account(t *testing.T, l *lab.Lab, name string) {
	t.Helper()
	out, err := l.Node("cb1").Exec(t.Context(), "xmpp user list")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, name) {
		return
	}
	if _, err := l.Node("cb1").Exec(t.Context(), "xmpp user add "+name, password, password); err != nil {
		t.Fatal(err)
	}
}

func tlsConfig(l *lab.Lab) *tls.Config {
	return &tls.Config{RootCAs: l.CA.Pool(), ServerName: lab.Domain}
}

// component signs a call bridge in on a node.
func component(t *testing.T, l *lab.Lab, name string, at *lab.Node) *flow.Peer {
	t.Helper()
	secrets, err := at.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.Component(t.Context(), l.Dial, at.Addr()+":5223", tlsConfig(l), name+"."+lab.Domain, secrets[name])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// client signs an account in on a node.
func client(t *testing.T, l *lab.Lab, name string, at *lab.Node) *flow.Peer {
	t.Helper()
	account(t, l, name)
	p, err := flow.Client(t.Context(), l.Dial, at.Addr()+":5222", tlsConfig(l),
		flow.Account{Local: name, Domain: lab.Domain, Password: password, Resource: "flow"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// traffic is 1,000 numbered messages a second between two nodes: components
// and clients, both ways.
type traffic struct {
	t     *testing.T
	flows []*flow.Flow
	peers []*flow.Peer
}

const trafficRate = 1000

func startTraffic(t *testing.T, l *lab.Lab, a, b *lab.Node) *traffic {
	t.Helper()
	tr := &traffic{t: t}
	pairs := [][2]*flow.Peer{
		{component(t, l, "cb1", a), component(t, l, "cb2", b)},
		{client(t, l, "alice", a), client(t, l, "bob", b)},
	}
	for _, p := range pairs {
		tr.peers = append(tr.peers, p[0], p[1])
		tr.flows = append(tr.flows, flow.Start(p[0], p[1], trafficRate/4), flow.Start(p[1], p[0], trafficRate/4))
	}
	tr.await(t.Context(), 100)
	return tr
}

// await waits until each flow has delivered another count messages.
func (tr *traffic) await(ctx context.Context, count int) {
	tr.t.Helper()
	for _, f := range tr.flows {
		target := f.Received() + count
		err := lab.Wait(ctx, 15*time.Second, "the flow to go on", func() error {
			if n := f.Received(); n < target {
				return fmt.Errorf("%d of %d messages arrived", n, target)
			}
			return nil
		})
		if err != nil {
			tr.t.Error(err)
		}
	}
}

// stop ends the flows, checks each, and returns the longest gap of all.
func (tr *traffic) stop() (longest time.Duration, sent int) {
	tr.t.Helper()
	results := make(chan flow.Result, len(tr.flows))
	for _, f := range tr.flows {
		go func() { results <- f.Stop(15 * time.Second) }()
	}
	for range tr.flows {
		r := <-results
		if err := r.Err(false); err != nil {
			tr.t.Error(err)
		}
		longest = max(longest, r.LongestGap)
		sent += r.Sent
	}
	for _, p := range tr.peers {
		p.Close()
	}
	return longest, sent
}

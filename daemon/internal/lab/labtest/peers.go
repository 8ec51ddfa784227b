package labtest

import (
	"crypto/tls"
	"fmt"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

// Password of every account the tests make.
const Password = "pencil and paper"

// accounts are those Account has seen, by lab; replicated, so they stay.
var accounts = map[*lab.Lab]map[string]bool{}

// Account makes a local account if it is not there, and waits until every
// member knows it: a follower learns of a committed write a moment later.
func Account(t *testing.T, l *lab.Lab, name string) {
	t.Helper()
	if accounts[l] == nil {
		accounts[l] = map[string]bool{}
	}
	if accounts[l][name] {
		return
	}
	accounts[l][name] = true
	if knows(t, l.Members()[0], name) != nil {
		if _, err := l.Members()[0].Exec(t.Context(), "xmpp user add "+name, Password, Password); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range l.Members() {
		if err := lab.Wait(t.Context(), 5*time.Second, name+" to be known", func() error { return knows(t, n, name) }); err != nil {
			t.Fatal(err)
		}
	}
}

func knows(t *testing.T, n *lab.Node, name string) error {
	out, err := n.Exec(t.Context(), "xmpp user list")
	if err == nil && !strings.Contains(out, name) {
		err = fmt.Errorf("%s lists no account %s: %s", n.Name(), name, out)
	}
	return err
}

// TLS verifies the nodes' certificates by the lab's CA and the domain.
func TLS(l *lab.Lab) *tls.Config {
	return &tls.Config{RootCAs: l.CA.Pool(), ServerName: lab.Domain}
}

// Component signs a call bridge in on a node.
func Component(t *testing.T, l *lab.Lab, name string, at *lab.Node) *flow.Peer {
	t.Helper()
	secrets, err := at.Secrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := flow.Component(t.Context(), l.Dial, at.Addr()+":5223", TLS(l), name+"."+lab.Domain, secrets[name])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Client signs an account in on a node, making it if need be.
func Client(t *testing.T, l *lab.Lab, name string, at *lab.Node) *flow.Peer {
	t.Helper()
	Account(t, l, name)
	p, err := flow.Client(t.Context(), l.Dial, at.Addr()+":5222", TLS(l),
		flow.Account{Local: name, Domain: lab.Domain, Password: Password, Resource: "flow"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Traffic is numbered messages between two nodes: components and clients, both
// ways.
type Traffic struct {
	t     *testing.T
	flows []*flow.Flow
	peers []*flow.Peer
}

// StartTraffic sends rate messages a second in all, and returns when each of
// the four flows has delivered some.
func StartTraffic(t *testing.T, l *lab.Lab, a, b *lab.Node, rate int) *Traffic {
	t.Helper()
	tr := &Traffic{t: t}
	pairs := [][2]*flow.Peer{
		{Component(t, l, "cb1", a), Component(t, l, "cb2", b)},
		{Client(t, l, "alice", a), Client(t, l, "bob", b)},
	}
	for _, p := range pairs {
		tr.peers = append(tr.peers, p[0], p[1])
		tr.flows = append(tr.flows, flow.Start(p[0], p[1], rate/4), flow.Start(p[1], p[0], rate/4))
	}
	tr.Await(rate / 16)
	return tr
}

// Await waits until each of the four flows has delivered another count messages.
func (tr *Traffic) Await(count int) {
	tr.t.Helper()
	targets := make([]int, len(tr.flows))
	for i, f := range tr.flows {
		targets[i] = f.Received() + count
	}
	for i, f := range tr.flows {
		err := lab.Wait(tr.t.Context(), 15*time.Second, "the flow to go on", func() error {
			if n := f.Received(); n < targets[i] {
				return fmt.Errorf("%d of %d messages arrived", n, targets[i])
			}
			return nil
		})
		if err != nil {
			tr.t.Error(err)
		}
	}
}

// Stop ends the flows and the streams, fails the test for each message that was
// lost, doubled, reordered or bounced, and each stream that ended before, and
// returns the longest gap of all.
func (tr *Traffic) Stop() (longest time.Duration, sent int) {
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
		select {
		case <-p.Done():
			tr.t.Errorf("the stream of %s ended: %v", p.JID, p.Err())
		default:
		}
		p.Close()
	}
	return longest, sent
}

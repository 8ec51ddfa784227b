package labtest

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
)

// Password of every account the tests make.
const Password = "pencil and paper"

// accounts are those that were made, by lab; replicated, so they stay.
var (
	remembering sync.Mutex
	accounts    = map[*lab.Lab]map[string]bool{}
)

// remember notes that accounts are made, and reports whether one of them was not noted
// before.
func remember(l *lab.Lab, names ...string) (fresh bool) {
	remembering.Lock()
	defer remembering.Unlock()
	if accounts[l] == nil {
		accounts[l] = map[string]bool{}
	}
	for _, name := range names {
		fresh = fresh || !accounts[l][name]
		accounts[l][name] = true
	}
	return fresh
}

// Account makes a local account if it is not there, and waits until every
// member knows it: a follower learns of a committed write a moment later.
func Account(t *testing.T, l *lab.Lab, name string) {
	t.Helper()
	if !remember(l, name) {
		return
	}
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

// Accounts makes local accounts as `xmpp user add` does, without a sign-in of an
// administrator for each, a few at a time.
func Accounts(t *testing.T, l *lab.Lab, names []string) {
	t.Helper()
	leader, _, err := l.Leader(t.Context())
	must(t, err)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+leader.BusSocket())
	conn, err := bus.Dial()
	must(t, err)
	defer conn.Close()
	var all sync.WaitGroup
	next := make(chan string)
	for range 8 {
		all.Go(func() {
			for name := range next {
				if err := add(t, conn, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, name := range names {
		next <- name
	}
	close(next)
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	remember(l, names...)
	Known(t, l, names)
}

// Known waits until every member knows the accounts: one that has just started reads
// its log first.
func Known(t *testing.T, l *lab.Lab, names []string) {
	t.Helper()
	for _, n := range l.Members() {
		must(t, lab.Wait(t.Context(), 15*time.Second, "the accounts to be known", func() error {
			out, err := n.Exec(t.Context(), "xmpp user list")
			for _, name := range names {
				if err == nil && !strings.Contains(out, name) {
					err = fmt.Errorf("%s lists no account %s", n.Name(), name)
				}
			}
			return err
		}))
	}
}

// add adds an account by a leader that may change meanwhile.
func add(t *testing.T, conn *bus.Conn, name string) error {
	return lab.Wait(t.Context(), 20*time.Second, name+" to be added", func() error {
		err := conn.Xmpp().UserAdd(t.Context(), name, Password)
		if errors.Is(err, &fault.Error{Code: fault.Exists}) {
			return nil // the try before was late, not lost
		}
		return err
	})
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

// bridge makes a call bridge if it is not there, and waits until the node knows it.
func bridge(t *testing.T, name string, at *lab.Node) {
	t.Helper()
	known := func() error {
		secrets, err := at.Secrets(t.Context())
		if err == nil && secrets[name] == "" {
			err = fmt.Errorf("%s lists no call bridge %s", at.Name(), name)
		}
		return err
	}
	if known() == nil {
		return
	}
	out, adding := at.Exec(t.Context(), "xmpp callbridge add "+name) // on a busy machine it may be added, and not be seen yet
	if err := lab.Wait(t.Context(), 15*time.Second, name+" to be known", known); err != nil {
		t.Fatal(errors.Join(err, adding), out)
	}
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
// ways. The components are nobody's Call Bridge, which would sign in as well.
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
	const east, west = "east", "west"
	bridge(t, east, a)
	bridge(t, west, b)
	pairs := [][2]*flow.Peer{
		{Component(t, l, east, a), Component(t, l, west, b)},
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

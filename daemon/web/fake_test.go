package web

import (
	"context"
	"os"
	"sync"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/confd"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki/pkitest"
)

// fakeXmpp answers what the status asks; a test that asks more of it embeds it.
type fakeXmpp struct {
	bus.XmppServer

	mu      sync.Mutex
	cluster bus.ClusterStatus // guarded by mu
	silent  chan struct{}     // guarded by mu; nil: answers at once; else when it is closed
}

func newFakeXmpp() *fakeXmpp {
	return &fakeXmpp{cluster: bus.ClusterStatus{State: "LEADER", Leader: "aa", Term: 7, Voters: 3, Reachable: 3, Needed: 2, Tolerates: 1,
		Peers: []bus.Peer{{ID: "aa", Name: "cb1", Self: true, Leader: true, Voter: true, Gossip: "alive"}, {ID: "bb", Name: "cb2", Voter: true, Gossip: "alive", LastContactMs: 12}}}}
}

func (f *fakeXmpp) Status(ctx context.Context) (bus.XmppStatus, error) {
	f.mu.Lock()
	silent := f.silent
	f.mu.Unlock()
	if silent != nil {
		select {
		case <-silent:
		case <-ctx.Done():
			return bus.XmppStatus{}, ctx.Err()
		}
	}
	return bus.XmppStatus{Enabled: true, Running: true, Domain: "meet.example", State: "LEADER", ClientPort: 5222}, nil
}

func (f *fakeXmpp) ClusterStatus(context.Context) (bus.ClusterStatus, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.cluster, nil
}

func (f *fakeXmpp) Applied(context.Context, uint64) ([]bus.Step, error) { return nil, nil }
func (f *fakeXmpp) CallBridges(context.Context, bus.Caller) ([]bus.CallBridge, error) {
	return nil, nil
}
func (f *fakeXmpp) Users(context.Context) ([]bus.User, error)                    { return nil, nil }
func (f *fakeXmpp) CallBridgeCheck(context.Context) ([]bus.CheckedBridge, error) { return nil, nil }
func (f *fakeXmpp) Preflight(context.Context) ([]bus.Step, error)                { return nil, nil }
func (f *fakeXmpp) SetDomain(context.Context, bus.Caller, string) error          { return nil }

// fallSilent keeps Status from answering until the returned function is called.
func (f *fakeXmpp) fallSilent() (speak func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = make(chan struct{})
	silent := f.silent
	return func() { close(silent) }
}

// setState changes the cluster's state.
func (f *fakeXmpp) setState(state string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cluster.State = state
}

// fakeCertificates has one pair, which a test may renew.
type fakeCertificates struct {
	bus.CertificatesServer

	mu   sync.Mutex
	pair *pkitest.Issued // guarded by mu; nil: none
	key  []byte          // guarded by mu: of pair, in PEM
}

func (f *fakeCertificates) List(context.Context) ([]bus.Certificate, error)      { return nil, nil }
func (f *fakeCertificates) Services(context.Context) ([]bus.ServiceCheck, error) { return nil, nil }

func (f *fakeCertificates) Get(_ context.Context, file string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pair == nil {
		return nil, fault.New(fault.NotFound, "there is no "+file)
	}
	return f.pair.PEM(), nil
}

func (f *fakeCertificates) OpenKey(context.Context, bus.Caller, string) (*os.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = w.Write(f.key)
	w.Close()
	return r, err
}

// fakeMachine has no units, and nothing goes on there.
type fakeMachine struct{ confd.Machine }

func (fakeMachine) Units(context.Context, []string) ([]bus.Unit, error) { return nil, nil }
func (fakeMachine) Busy(context.Context, string) (bool, error)          { return false, nil }

// fakeBridge is connected.
type fakeBridge struct{}

func (f *fakeBridge) Status(context.Context) (bus.CallBridgeStatus, error) {
	return bus.CallBridgeStatus{Name: "cb1", State: "connected", Text: "connected to cb1.meet.example:5223 (secure)"}, nil
}
func (f *fakeBridge) Reconnect(context.Context, bus.Caller) error { return nil }

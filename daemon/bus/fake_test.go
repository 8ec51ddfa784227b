package bus_test

import (
	"context"
	"os"
	"slices"
	"sync"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// fakeXmpp answers with fixed values and records what it was asked.
type fakeXmpp struct {
	mu    sync.Mutex
	asked []string

	joining chan struct{} // closed when ClusterJoin is in progress
	joined  chan struct{} // ClusterJoin waits for it
}

func (f *fakeXmpp) note(words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := ""
	for _, w := range words {
		line += w + " "
	}
	f.asked = append(f.asked, line)
	return nil
}

// asks returns what was asked so far.
func (f *fakeXmpp) asks() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.asked)
}

var clusterStatus = bus.ClusterStatus{State: "LEADER", Term: 7, Voters: 3, Reachable: 2, Needed: 2,
	Peers: []bus.Peer{{ID: "aa", Name: "cb1", Self: true, Leader: true, LastContactMs: -1, Lag: 3}, {ID: "bb", Name: "cb2"}}}

func (f *fakeXmpp) Status(context.Context) (bus.XmppStatus, error) {
	return bus.XmppStatus{Enabled: true, Domain: "meet.example", Listen: []string{"a", "b"}, ClientPort: 5222}, nil
}
func (f *fakeXmpp) ClusterStatus(context.Context) (bus.ClusterStatus, error) {
	return clusterStatus, nil
}
func (f *fakeXmpp) Preflight(context.Context) ([]bus.Step, error) {
	return []bus.Step{{Name: "domain", OK: true}, {Name: "key", Text: "none set", Remedy: "xmpp certs"}}, nil
}
func (f *fakeXmpp) Applied(_ context.Context, g uint64) ([]bus.Step, error) {
	return []bus.Step{{Name: "generation", OK: g == 4}}, nil
}
func (f *fakeXmpp) SetDomain(_ context.Context, who bus.Caller, d string) error {
	if d == "bad domain" {
		return fault.Mend(fault.InvalidArgument, "bad domain is not a domain", "xmpp domain <name>")
	}
	return f.note("SetDomain", who.User, d)
}
func (f *fakeXmpp) DomainAdd(_ context.Context, _ bus.Caller, d string) error {
	return f.note("DomainAdd", d)
}
func (f *fakeXmpp) DomainDel(_ context.Context, _ bus.Caller, d string) error {
	return f.note("DomainDel", d)
}
func (f *fakeXmpp) Domains(context.Context) ([]bus.Domain, error) {
	return []bus.Domain{{Name: "second.example", Users: 3}}, nil
}
func (f *fakeXmpp) CallBridgeAdd(_ context.Context, _ bus.Caller, n string) (string, error) {
	return "s3cret", f.note("CallBridgeAdd", n)
}
func (f *fakeXmpp) CallBridgeAddSecret(_ context.Context, _ bus.Caller, n, s string) error {
	return f.note("CallBridgeAddSecret", n, s)
}
func (f *fakeXmpp) CallBridgeDel(_ context.Context, _ bus.Caller, n string) error {
	return f.note("CallBridgeDel", n)
}
func (f *fakeXmpp) CallBridges(_ context.Context, who bus.Caller) ([]bus.CallBridge, error) {
	return []bus.CallBridge{{Name: "cb1", Secret: who.Role.String()}}, nil
}
func (f *fakeXmpp) UserAdd(_ context.Context, _ bus.Caller, n, p string) error {
	return f.note("UserAdd", n, p)
}
func (f *fakeXmpp) UserDel(_ context.Context, _ bus.Caller, n string) error {
	return f.note("UserDel", n)
}
func (f *fakeXmpp) UserPasswd(_ context.Context, _ bus.Caller, n, p string) error {
	return f.note("UserPasswd", n, p)
}
func (f *fakeXmpp) Users(context.Context) ([]bus.User, error)        { return nil, nil }
func (f *fakeXmpp) ClusterEnable(context.Context, bus.Caller) error  { return f.note("ClusterEnable") }
func (f *fakeXmpp) ClusterDisable(context.Context, bus.Caller) error { return f.note("ClusterDisable") }
func (f *fakeXmpp) ClusterInitialize(context.Context, bus.Caller) error {
	return f.note("ClusterInitialize")
}
func (f *fakeXmpp) ClusterRemove(_ context.Context, _ bus.Caller, n string) error {
	return f.note("ClusterRemove", n)
}
func (f *fakeXmpp) ClusterJoin(ctx context.Context, _ bus.Caller, host string) error {
	close(f.joining)
	select {
	case <-f.joined:
		return f.note("ClusterJoin", host)
	case <-ctx.Done():
		return ctx.Err()
	}
}
func (f *fakeXmpp) ClusterRecover(context.Context, bus.Caller, bool) (string, error) {
	return "what two nodes knew", nil
}
func (f *fakeXmpp) CallBridgeCheck(context.Context) ([]bus.CheckedBridge, error) {
	return []bus.CheckedBridge{{Node: "cb2", Bridge: "cb1", Digest: "aa", OK: true}}, nil
}
func (f *fakeXmpp) WouldAccept(_ context.Context, pem []byte) ([]bus.Step, error) {
	return []bus.Step{{Name: "cb2", OK: len(pem) > 0}}, nil
}
func (f *fakeXmpp) RotateGossipKey(context.Context, bus.Caller) error {
	return f.note("RotateGossipKey")
}
func (f *fakeXmpp) Reset(_ context.Context, _ bus.Caller, force bool) error {
	if force {
		return f.note("Reset force")
	}
	return f.note("Reset")
}

func (f *fakeXmpp) Save(context.Context, bus.Caller) ([]byte, error) { return nil, f.note("Save") }
func (f *fakeXmpp) Restore(context.Context, bus.Caller, []byte, bool) ([]bus.Step, error) {
	return nil, f.note("Restore")
}

// fakeCertificates answers with a key file of its own.
type fakeCertificates struct{ key string }

func (f *fakeCertificates) List(context.Context) ([]bus.Certificate, error) {
	return []bus.Certificate{{File: "xmpp.cer", UsedBy: []string{"xmpp.certificate"}}}, nil
}
func (f *fakeCertificates) CSR(_ context.Context, _ bus.Caller, b string, attrs []string) ([]string, error) {
	return append([]string{b}, attrs...), nil
}
func (f *fakeCertificates) SelfSigned(context.Context, bus.Caller, string, []string) ([]string, error) {
	return nil, nil
}
func (f *fakeCertificates) Inspect(_ context.Context, file string) (bus.Certificate, error) {
	return bus.Certificate{File: file, DaysLeft: 12}, nil
}
func (f *fakeCertificates) Match(context.Context, string, string) error {
	return fault.New(fault.KeyMismatch, "they differ")
}
func (f *fakeCertificates) Verify(context.Context, string, string, string) error { return nil }
func (f *fakeCertificates) Import(_ context.Context, _ bus.Caller, file, _ string) ([]string, error) {
	return []string{file}, nil
}
func (f *fakeCertificates) Export(_ context.Context, _ bus.Caller, b, _ string) (string, error) {
	return b + ".p12", nil
}
func (f *fakeCertificates) Remove(context.Context, bus.Caller, string) error { return nil }
func (f *fakeCertificates) Check(context.Context, string, string, string, string) ([]string, error) {
	return []string{"self-signed"}, nil
}
func (f *fakeCertificates) CheckTrust(context.Context, string) ([]string, error)     { return nil, nil }
func (f *fakeCertificates) Get(context.Context, string) ([]byte, error)              { return []byte("PEM"), nil }
func (f *fakeCertificates) Unlock(context.Context, bus.Caller, string, string) error { return nil }
func (f *fakeCertificates) Upload(_ context.Context, _ bus.Caller, name string, content []byte) (bus.Certificate, error) {
	return bus.Certificate{File: name, State: "ready"}, nil
}
func (f *fakeCertificates) Services(context.Context) ([]bus.ServiceCheck, error) {
	return []bus.ServiceCheck{{Service: "xmpp", OK: true}}, nil
}
func (f *fakeCertificates) OpenKey(context.Context, bus.Caller, string) (*os.File, error) {
	return os.Open(f.key)
}
func (f *fakeCertificates) Scan(context.Context) error { return nil }

// dial connects for the length of the test.
func dial(t *testing.T) *bus.Conn {
	t.Helper()
	c, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}
func (f *fakeCertificates) Save(context.Context, bus.Caller) ([]byte, error) {
	return []byte(`{"certificates":"KEY"}`), nil
}
func (f *fakeCertificates) Restore(_ context.Context, _ bus.Caller, data []byte, apply bool) ([]bus.Step, error) {
	return []bus.Step{{Name: string(data), OK: apply}}, nil
}
func (f *fakeCertificates) Clear(context.Context, bus.Caller) error { return nil }

package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// desk is Web Admin beside services that know what a node in use knows, and
// note what they are asked to change.
type desk struct {
	*rig
	notes *notes
	node  *fakeNode
	store *fakeStore
	link  *fakeLink
}

// notes are the calls that change something, in order, and what refuses them.
type notes struct {
	mu      sync.Mutex
	calls   []string          // guarded by mu
	refuse  map[string]error  // guarded by mu: by method
	secrets map[string]string // guarded by mu: what was given blind, by method
	readers []string          // guarded by mu: bus names that listed the call bridges
}

// note records a call and returns what refuses it.
func (n *notes) note(method string, args ...string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.refuse[method]; err != nil {
		return err
	}
	n.calls = append(n.calls, strings.TrimSpace(method+" "+strings.Join(args, " ")))
	return nil
}

func (n *notes) blind(method, secret string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.secrets[method] = secret
}

func (n *notes) given(method string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.secrets[method]
}

// take returns the calls since the last time.
func (n *notes) take() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	calls := n.calls
	n.calls = nil
	return calls
}

func (n *notes) refuseWith(method string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refuse[method] = err
}

func (n *notes) read(who string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.readers = append(n.readers, who)
}

func (n *notes) takeReaders() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	readers := n.readers
	n.readers = nil
	return readers
}

// clusterSecret never stands in a page unless it was asked for.
const clusterSecret = "RITmSh4smhLYguGpAb1"

// fakeNode is the XMPP service of a member of a cluster of three.
type fakeNode struct {
	bus.XmppServer
	*notes
	state     string // of the cluster
	enabled   bool
	preflight []bus.Step
	applied   []bus.Step
	faults    []bus.Fault
}

func (f *fakeNode) Status(context.Context) (bus.XmppStatus, error) {
	return bus.XmppStatus{Enabled: f.enabled, Clustered: f.state != "STANDALONE", Running: f.enabled, Domain: "meet.example",
		Listen: []string{"a"}, Addresses: []string{"10.0.0.10"}, Key: "xmpp.key", Certificate: "xmpp.cer", Trust: "ca.cer",
		ClientPort: 5222, ComponentPort: 5223, ClusterPort: 5224, Sessions: 41, Components: 2, State: f.state, Faults: f.faults}, nil
}

func (f *fakeNode) ClusterStatus(context.Context) (bus.ClusterStatus, error) {
	c := bus.ClusterStatus{State: f.state, NodeID: "3f2a90cc17"}
	if f.state == "STANDALONE" || f.state == "NOT JOINED" {
		return c, nil
	}
	c.ClusterID, c.Leader, c.Term, c.LeaderSince = "b71c02d4", "3f2a90cc17", 7, "2026-11-20T10:04:11Z"
	c.Voters, c.Reachable, c.Needed, c.Tolerates = 3, 2, 2, 0
	c.Peers = []bus.Peer{
		{ID: "3f2a90cc17", Name: "cb1", Address: "10.0.0.10:5222", Leader: true, Self: true, Voter: true, Gossip: "alive", Version: "0.3.0"},
		{ID: "77aa01be02", Name: "cb2", Address: "10.0.0.11:5222", Voter: true, Gossip: "alive", LastContactMs: 84, Version: "0.3.0"},
		{ID: "90cd44ef31", Name: "cb3", Address: "10.0.0.12:5222", Voter: true, Gossip: "failed", LastContactMs: 93000, Lag: 12, Version: "0.3.0"},
	}
	return c, nil
}

func (f *fakeNode) Preflight(context.Context) ([]bus.Step, error)       { return f.preflight, nil }
func (f *fakeNode) Applied(context.Context, uint64) ([]bus.Step, error) { return f.applied, nil }

func (f *fakeNode) CallBridges(_ context.Context, who bus.Caller) ([]bus.CallBridge, error) {
	f.read(who.Name)
	return []bus.CallBridge{
		{Name: "cb1", Domain: "meet.example", Secret: clusterSecret, ConnectedTo: "cb1"},
		{Name: "cb2", Domain: "meet.example", Secret: "other" + clusterSecret, ConnectedTo: "cb2"},
		{Name: "cb3", Domain: "meet.example", Secret: "third" + clusterSecret},
	}, nil
}

func (f *fakeNode) CallBridgeCheck(context.Context) ([]bus.CheckedBridge, error) {
	return []bus.CheckedBridge{
		{Node: "cb1", Bridge: "cb1", Digest: "9c41f0", OK: true},
		{Node: "cb2", Bridge: "cb1", Digest: "1e88a3", Text: "another secret than the leader's", Remedy: "systemctl restart quorate-xmpp on cb2"},
	}, nil
}

func (f *fakeNode) Users(context.Context) ([]bus.User, error) {
	return []bus.User{{Name: "alice", Sessions: 2}, {Name: "bob"}}, nil
}

func (f *fakeNode) SetDomain(_ context.Context, _ bus.Caller, d string) error {
	return f.note("SetDomain", d)
}
func (f *fakeNode) DomainAdd(_ context.Context, _ bus.Caller, d string) error {
	return f.note("DomainAdd", d)
}
func (f *fakeNode) DomainDel(_ context.Context, _ bus.Caller, d string) error {
	return f.note("DomainDel", d)
}
func (f *fakeNode) Domains(context.Context) ([]bus.Domain, error) {
	return []bus.Domain{{Name: "second.example", Key: "second.key", Certificate: "second.cer", Users: 3}}, nil
}
func (f *fakeNode) CallBridgeAdd(_ context.Context, _ bus.Caller, name string) (string, error) {
	return "n3wS3cr3tN3wS3cr3tN", f.note("CallBridgeAdd", name)
}
func (f *fakeNode) CallBridgeAddSecret(_ context.Context, _ bus.Caller, name, secret string) error {
	f.blind("CallBridgeAddSecret", secret)
	return f.note("CallBridgeAddSecret", name)
}
func (f *fakeNode) CallBridgeDel(_ context.Context, _ bus.Caller, name string) error {
	return f.note("CallBridgeDel", name)
}
func (f *fakeNode) UserAdd(_ context.Context, _ bus.Caller, name, password string) error {
	f.blind("UserAdd", password)
	return f.note("UserAdd", name)
}
func (f *fakeNode) UserPasswd(_ context.Context, _ bus.Caller, name, password string) error {
	f.blind("UserPasswd", password)
	return f.note("UserPasswd", name)
}
func (f *fakeNode) UserDel(_ context.Context, _ bus.Caller, name string) error {
	return f.note("UserDel", name)
}
func (f *fakeNode) ClusterEnable(context.Context, bus.Caller) error { return f.note("ClusterEnable") }
func (f *fakeNode) ClusterDisable(context.Context, bus.Caller) error {
	return f.note("ClusterDisable")
}
func (f *fakeNode) ClusterInitialize(context.Context, bus.Caller) error {
	return f.note("ClusterInitialize")
}
func (f *fakeNode) ClusterJoin(_ context.Context, _ bus.Caller, host string) error {
	return f.note("ClusterJoin", host)
}
func (f *fakeNode) ClusterRemove(_ context.Context, _ bus.Caller, node string) error {
	return f.note("ClusterRemove", node)
}
func (f *fakeNode) ClusterRecover(_ context.Context, _ bus.Caller, force bool) (string, error) {
	if force {
		return "", f.note("ClusterRecover")
	}
	return "what only cb2 and cb3 had taken", nil
}
func (f *fakeNode) Reset(_ context.Context, _ bus.Caller, force bool) error {
	return f.note("Reset", fmt.Sprint(force))
}
func (f *fakeNode) RotateGossipKey(context.Context, bus.Caller) error {
	return f.note("RotateGossipKey")
}

// fakeStore is the certificate service of a node in use.
type fakeStore struct {
	bus.CertificatesServer
	*notes
	warnings []string
	uploaded bus.Certificate // what Upload answers, under the name given
}

const leafPrint = "9f:86:d0:81:88:4c:7d:65:9a:2f:ea:a0:c5:5a:d0:15:a3:bf:4f:1b:2b:0b:82:2c:d1:5d:6c:15:b0:f0:0a:08"

func (f *fakeStore) List(context.Context) ([]bus.Certificate, error) {
	return []bus.Certificate{
		{File: "ca.cer", Kind: "bundle", State: "ready", Subject: "CN=Example Root CA,O=Example", NotAfter: "2036-01-01T00:00:00Z", DaysLeft: 3329, UsedBy: []string{"xmpp.bundle", "cluster.trust"}},
		{File: "old.cer", Kind: "certificate", State: "ready", Subject: "CN=old.example", Names: "old.example", NotAfter: "2026-11-10T00:00:00Z", DaysLeft: -11},
		{File: "shared.p12", Kind: "pkcs12", State: "waiting", Reason: "it waits for its passphrase; pki import shared.p12"},
		{File: "locked.key", Kind: "key", State: "waiting", Reason: "it is encrypted; pki unlock locked.key"},
		{File: "half.cer", Kind: "certificate", State: "incomplete", Reason: "the file ends in the middle of a PEM block; upload it again"},
		{File: "web.csr", Kind: "csr", State: "ready", Subject: "CN=cb1.meet.example", Names: "cb1.meet.example"},
		{File: "xmpp.cer", Kind: "certificate", State: "ready", Subject: "CN=meet.example", Issuer: "CN=Example Root CA,O=Example", Names: "meet.example, cb1.meet.example, cb2.meet.example, cb3.meet.example",
			NotBefore: "2026-01-10T00:00:00Z", NotAfter: "2026-12-10T00:00:00Z", DaysLeft: 19, Fingerprint: leafPrint, UsedBy: []string{"xmpp.certificate"}},
		{File: "xmpp.key", Kind: "key", State: "ready", UsedBy: []string{"xmpp.key"}},
	}, nil
}

func (f *fakeStore) Inspect(ctx context.Context, file string) (bus.Certificate, error) {
	list, _ := f.List(ctx)
	for _, c := range list {
		if c.File == file {
			return c, nil
		}
	}
	return bus.Certificate{}, fault.Mend(fault.NotFound, "there is no file "+file, "pki list")
}

func (f *fakeStore) Services(context.Context) ([]bus.ServiceCheck, error) {
	return []bus.ServiceCheck{
		{Service: "xmpp", File: "xmpp.cer", Code: "Expired", Text: "clients and Call Bridges refuse this node when xmpp.cer ends", When: "2026-12-10T00:00:00Z", Days: 19, Remedy: "upload a new xmpp.cer"},
		{Service: "cluster", File: "ca.cer", OK: true, Text: "nothing will break"},
		{Service: "web", OK: true, Text: "Web Admin uses the certificate it made itself"},
	}, nil
}

func (f *fakeStore) Get(_ context.Context, file string) ([]byte, error) {
	if strings.HasSuffix(file, ".key") {
		return nil, fault.New(fault.NotPermitted, "a private key is never shown")
	}
	return []byte("-----BEGIN CERTIFICATE-----\n"), nil
}

func (f *fakeStore) OpenKey(context.Context, bus.Caller, string) (*os.File, error) {
	return nil, errors.New("no key here")
}

func (f *fakeStore) Check(_ context.Context, key, cert, bundle, domain string) ([]string, error) {
	return f.warnings, f.note("Check", key, cert, bundle, domain)
}
func (f *fakeStore) CheckTrust(_ context.Context, file string) ([]string, error) {
	return f.warnings, f.note("CheckTrust", file)
}
func (f *fakeStore) Match(_ context.Context, key, cert string) error {
	return f.note("Match", key, cert)
}
func (f *fakeStore) Verify(_ context.Context, cert, bundle, domain string) error {
	return f.note("Verify", cert, bundle, domain)
}
func (f *fakeStore) CSR(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".csr"}, f.note("CSR", append([]string{base}, attrs...)...)
}
func (f *fakeStore) SelfSigned(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".cer"}, f.note("SelfSigned", append([]string{base}, attrs...)...)
}
func (f *fakeStore) Import(_ context.Context, _ bus.Caller, file, passphrase string) ([]string, error) {
	f.blind("Import", passphrase)
	return []string{"shared.key", "shared.cer"}, f.note("Import", file)
}
func (f *fakeStore) Unlock(_ context.Context, _ bus.Caller, file, passphrase string) error {
	f.blind("Unlock", passphrase)
	return f.note("Unlock", file)
}
func (f *fakeStore) Export(_ context.Context, _ bus.Caller, base, passphrase string) (string, error) {
	f.blind("Export", passphrase)
	return base + ".p12", f.note("Export", base)
}
func (f *fakeStore) Remove(_ context.Context, _ bus.Caller, file string) error {
	return f.note("Remove", file)
}
func (f *fakeStore) Upload(_ context.Context, _ bus.Caller, name string, content []byte) (bus.Certificate, error) {
	c := f.uploaded
	c.File = name
	f.blind("Upload", string(content))
	return c, f.note("Upload", name)
}

// fakeLink is the Call Bridge service with a link that fails.
// It stays as it is, or, once it turns, is connecting for one look after
// Reconnect and connected from then on.
type fakeLink struct {
	*notes
	turns  bool
	object atomic.Pointer[bus.BridgeObject]
	looks  atomic.Int32 // since Reconnect, 0 before it
}

func (f *fakeLink) Status(context.Context) (bus.CallBridgeStatus, error) {
	if f.looks.Load() == 0 {
		return f.failed(), nil
	}
	s := bus.CallBridgeStatus{Name: "cb1", State: "connecting", Since: time.Now().Format(time.RFC3339), Text: `connecting to "meet.example"`}
	if f.looks.Add(1) > 2 {
		s.State, s.Text = "connected", "connected to cb7.meet.example:5223 (secure)"
		return s, nil
	}
	return s, f.object.Load().Publish(bus.BridgeProperties{State: "connected"})
}

func (f *fakeLink) failed() bus.CallBridgeStatus {
	return bus.CallBridgeStatus{Name: "cb1", Domain: "meet.example", Address: "cb1.meet.example", State: "failed", Since: "2026-11-20T10:00:00Z", Code: "DNS",
		Text:     `connection to "meet.example" failed (DNS failure): there is no SRV record _xmpp-component._tcp.meet.example`,
		Remedy:   "dns check meet.example",
		Retry:    "2026-11-20T10:05:00Z",
		Attempts: []bus.Attempt{{Server: "cb2.meet.example:5223", Code: "TCP", Text: "connection refused"}}}
}

func (f *fakeLink) Reconnect(context.Context, bus.Caller) error {
	if f.turns {
		f.looks.Store(1)
	}
	return f.note("Reconnect")
}

// newDesk starts all of it. options change the services before they are asked.
func newDesk(t *testing.T, options ...func(*desk)) *desk {
	t.Helper()
	n := &notes{refuse: map[string]error{}, secrets: map[string]string{}}
	d := &desk{notes: n, node: &fakeNode{notes: n, state: "LEADER", enabled: true}, store: &fakeStore{notes: n, uploaded: bus.Certificate{State: "ready"}}, link: &fakeLink{notes: n}}
	d.node.preflight = []bus.Step{{Name: "domain", OK: true, Text: "the domain is meet.example"}, {Name: "key", OK: true, Text: "Key and certificate pair match"}}
	for _, o := range options {
		o(d)
	}
	d.rig = bareRig(t)
	d.startConfig()
	d.serveDesk()
	log := slog.New(journal.NewHandler(d.log, "webd", slog.LevelDebug))
	s, err := New(Config{State: d.state, Hostname: func() string { return "cb1.meet.example" }, Version: "0.3.0", Log: log}, d.dial())
	if err != nil {
		t.Fatal(err)
	}
	d.server, s.open, s.wait = s, d.signIn, 0
	d.run()
	return d
}

// bareRig has a bus and an address; nothing runs on them yet.
func bareRig(t *testing.T) *rig {
	t.Helper()
	bustest.Start(t)
	return &rig{t: t, addr: freeAddr(t), state: t.TempDir(), log: &text{}}
}

func (d *desk) serveDesk() {
	if _, err := d.dial().ServeXmpp(d.node, bus.XmppProperties{Domain: "meet.example"}, nil); err != nil {
		d.t.Fatal(err)
	}
	if _, err := d.dial().ServeCertificates(d.store, nil); err != nil {
		d.t.Fatal(err)
	}
	object, err := d.dial().ServeBridge(d.link, bus.BridgeProperties{}, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	d.link.object.Store(object)
}

// setting returns a setting as `config show` has it.
func (d *desk) setting(key string) string {
	d.t.Helper()
	list, err := d.config.Settings(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	for _, s := range list {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// stored returns the Call Bridge's secret as its own service reads it; the test
// is root to the configuration service.
func (d *desk) stored() string {
	d.t.Helper()
	values, err := d.config.Values(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	secret, _ := values[linkSecret].(string)
	return secret
}

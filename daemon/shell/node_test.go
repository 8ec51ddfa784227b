package shell

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// testNode is a node small enough to see through: it keeps what it is told and
// refuses what a real one would. Its three services are exported on a bus.
type testNode struct {
	mu         sync.Mutex // guards all below
	log        []string   // the changes, in order
	values     map[string]any
	file       string
	xmppConn   *bus.Conn     // of the exported XMPP service
	joining    chan struct{} // ticks when the join of slow.example has begun
	release    chan struct{} // lets it end
	bridges    []bus.CallBridge
	users      []string
	files      []bus.Certificate
	faults     []bus.Fault
	cluster    string // "", "NOT JOINED", "LEADER" or "FOLLOWER"
	generation uint64
}

// startNode exports a node on a private bus for the length of the test.
func startNode(t *testing.T) *testNode {
	t.Helper()
	bustest.Start(t)
	n := &testNode{
		values: map[string]any{
			"xmpp.enabled": false, "xmpp.domain": "", "xmpp.listen": []string{}, "xmpp.client_port": int64(5222),
			"xmpp.key": "", "xmpp.certificate": "", "xmpp.bundle": "", "cluster.trust": "",
		},
		file:    "[xmpp]\n",
		joining: make(chan struct{}),
		release: make(chan struct{}),
	}
	n.serveXmpp(t)
	n.serveConfig(t)
	conn := dialTest(t)
	if _, err := conn.ServeCertificates(testCertificates{n}, nil); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *testNode) serveConfig(t *testing.T) {
	t.Helper()
	if _, err := dialTest(t).ServeConfig(testConfig{n}, bus.ConfigProperties{}, nil); err != nil {
		t.Fatal(err)
	}
}

func (n *testNode) serveXmpp(t *testing.T) {
	t.Helper()
	n.xmppConn = dialTest(t)
	if _, err := n.xmppConn.ServeXmpp(testXmpp{n}, bus.XmppProperties{}, nil); err != nil {
		t.Fatal(err)
	}
}

// stopXmpp takes the XMPP service off the bus.
func (n *testNode) stopXmpp(t *testing.T) {
	t.Helper()
	if err := n.xmppConn.Close(); err != nil {
		t.Fatal(err)
	}
}

func dialTest(t *testing.T) *bus.Conn {
	t.Helper()
	conn, err := bus.Dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// did notes a change; the caller holds mu.
func (n *testNode) did(format string, args ...any) {
	n.log = append(n.log, fmt.Sprintf(format, args...))
}

// changes returns what was changed since the last call.
func (n *testNode) changes() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	log := n.log
	n.log = nil
	return log
}

// act does something under the lock and notes it unless it fails.
func (n *testNode) act(note string, f func() error) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := f(); err != nil {
		return err
	}
	n.did("%s", note)
	return nil
}

func nothing() error { return nil }

type testXmpp struct{ *testNode }

func (x testXmpp) Status(context.Context) (bus.XmppStatus, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := configured(x.values)
	s.Running, s.Clustered, s.State, s.Faults = s.Enabled, x.cluster != "", x.state(), x.faults
	return s, nil
}

func (x testXmpp) state() string {
	if x.cluster == "" {
		return "STANDALONE"
	}
	return x.cluster
}

func (x testXmpp) ClusterStatus(context.Context) (bus.ClusterStatus, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := bus.ClusterStatus{State: x.state(), NodeID: "n1"}
	if x.cluster == "LEADER" {
		s.Leader, s.Term, s.Voters, s.Reachable, s.Needed = "n1", 2, 1, 1, 1
		s.Peers = []bus.Peer{{ID: "n1", Name: "cb1", Address: "10.0.0.10:5222", Leader: true, Self: true, Voter: true, Gossip: "alive"}}
	}
	return s, nil
}

func (x testXmpp) Preflight(context.Context) ([]bus.Step, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	steps := []bus.Step{{Name: "domain", OK: true, Text: "Domain is set"}, {Name: "pair", OK: true, Text: "Key and certificate pair match"}}
	if x.values["xmpp.domain"] == "" {
		steps[0] = bus.Step{Name: "domain", Text: "No XMPP domain is set", Remedy: "xmpp domain <domain>"}
	}
	if x.values["xmpp.key"] == "" {
		steps[1] = bus.Step{Name: "pair", Text: "No key and certificate are set", Remedy: "xmpp certs <key> <certificate>"}
	}
	return steps, nil
}

func (x testXmpp) Applied(_ context.Context, g uint64) ([]bus.Step, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if g != x.generation {
		return nil, fault.New(fault.Timeout, "the generation was not applied")
	}
	if x.values["xmpp.client_port"] == int64(22) {
		return []bus.Step{{Name: "listen", Text: "port 22 is in use", Remedy: "xmpp port client 5222"}}, nil
	}
	return nil, nil
}

func (x testXmpp) SetDomain(_ context.Context, _ bus.Caller, d string) error {
	return x.act("domain "+d, func() error { x.values["xmpp.domain"] = d; return nil })
}

func (x testXmpp) CallBridgeAdd(_ context.Context, _ bus.Caller, name string) (string, error) {
	const secret = "RITmSh4smhLYguGpAb1"
	return secret, x.CallBridgeAddSecret(context.Background(), bus.Caller{}, name, secret)
}

func (x testXmpp) CallBridgeAddSecret(_ context.Context, _ bus.Caller, name, secret string) error {
	return x.act("callbridge "+name+" "+secret, func() error {
		if strings.Contains(name, ".") {
			return fault.Mend(fault.InvalidName, "a call bridge name has no dot", "use letters and digits")
		}
		x.bridges = append(x.bridges, bus.CallBridge{Name: name, Domain: "meet.example", Secret: secret})
		return nil
	})
}

func (x testXmpp) CallBridgeDel(_ context.Context, _ bus.Caller, name string) error {
	return x.act("callbridge del "+name, func() error {
		before := len(x.bridges)
		x.bridges = slices.DeleteFunc(x.bridges, func(b bus.CallBridge) bool { return b.Name == name })
		if len(x.bridges) == before {
			return fault.Mend(fault.NotFound, "there is no call bridge "+name, "xmpp callbridge list")
		}
		return nil
	})
}

func (x testXmpp) CallBridges(context.Context, bus.Caller) ([]bus.CallBridge, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.bridges), nil
}

func (x testXmpp) UserAdd(_ context.Context, _ bus.Caller, name, password string) error {
	return x.act("user "+name+" "+password, func() error { x.users = append(x.users, name); return nil })
}

func (x testXmpp) UserDel(_ context.Context, _ bus.Caller, name string) error {
	return x.act("user del "+name, nothing)
}

func (x testXmpp) UserPasswd(_ context.Context, _ bus.Caller, name, password string) error {
	return x.act("user passwd "+name+" "+password, nothing)
}

func (x testXmpp) Users(context.Context) ([]bus.User, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var users []bus.User
	for _, name := range x.users {
		users = append(users, bus.User{Name: name})
	}
	return users, nil
}

// become changes the membership.
func (x testXmpp) become(note, state string) error {
	return x.act(note, func() error { x.cluster = state; return nil })
}

func (x testXmpp) ClusterEnable(context.Context, bus.Caller) error {
	return x.become("cluster enable", "NOT JOINED")
}

func (x testXmpp) ClusterDisable(context.Context, bus.Caller) error {
	return x.become("cluster disable", "")
}

func (x testXmpp) ClusterInitialize(context.Context, bus.Caller) error {
	return x.become("cluster initialize", "LEADER")
}

func (x testXmpp) ClusterJoin(ctx context.Context, _ bus.Caller, host string) error {
	if host == "slow.example" {
		x.joining <- struct{}{}
		select {
		case <-x.release:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if host == "nowhere.example" {
		return fault.Mend(fault.DNS, "nowhere.example does not resolve", "dns lookup a nowhere.example")
	}
	return x.become("cluster join "+host, "FOLLOWER")
}

func (x testXmpp) ClusterRemove(_ context.Context, _ bus.Caller, node string) error {
	return x.act("cluster remove "+node, nothing)
}

func (x testXmpp) ClusterRecover(_ context.Context, _ bus.Caller, force bool) (string, error) {
	if force {
		return "", x.act("cluster recover", nothing)
	}
	return "Writes after index 12 may be lost", nil
}

func (x testXmpp) Reset(_ context.Context, _ bus.Caller, force bool) error {
	return x.act(fmt.Sprintf("reset force=%v", force), nothing)
}

type testConfig struct{ *testNode }

func (c testConfig) Settings(context.Context, bus.Caller) ([]bus.Setting, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []bus.Setting
	for _, key := range slices.Sorted(maps.Keys(c.values)) {
		kind := "text"
		if _, is := c.values[key].([]string); is {
			kind = "list"
		}
		all = append(all, bus.Setting{Key: key, Type: kind, Value: fmt.Sprint(c.values[key]), Source: "default"})
	}
	return all, nil
}

func (c testConfig) Values(context.Context, bus.Caller) (map[string]any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.values), nil
}

func (c testConfig) Set(_ context.Context, _ bus.Caller, values map[string]any) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(values)) {
		c.values[key] = values[key]
		c.did("set %s=%v", key, values[key])
	}
	c.generation++
	return c.generation, nil
}

// next makes a new generation.
func (c testConfig) next(note string) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.did("%s", note)
	c.generation++
	return c.generation, nil
}

func (c testConfig) Unset(_ context.Context, _ bus.Caller, keys []string) (uint64, error) {
	return c.next("unset " + strings.Join(keys, " "))
}

func (c testConfig) Reload(context.Context, bus.Caller) (uint64, error) {
	return c.next("reload")
}

func (c testConfig) ReadFile(context.Context, bus.Caller) (string, error) { return c.file, nil }

func (c testConfig) WriteFile(_ context.Context, _ bus.Caller, text string) (uint64, error) {
	if strings.Contains(text, "bad") {
		return 0, fault.New(fault.InvalidConfiguration, "quorate.toml:2: bad: there is no such key\nquorate.toml:3: xmpp.enabled: not a boolean")
	}
	return c.next("write " + strings.TrimSpace(text))
}

func (c testConfig) UnitAction(_ context.Context, _ bus.Caller, unit, action string) error {
	return c.act(action+" "+unit, nothing)
}

func (c testConfig) Units(context.Context) ([]bus.Unit, error) {
	return []bus.Unit{{Name: "quorate-xmpp.service", Active: "active", Sub: "running"}}, nil
}

func (c testConfig) Power(_ context.Context, _ bus.Caller, act string) error {
	return c.act("power "+act, nothing)
}

func (c testConfig) SetHostname(_ context.Context, _ bus.Caller, name string) error {
	return c.act("hostname "+name, nothing)
}

func (c testConfig) Hostname(context.Context) (string, error) { return "cb1", nil }

type testCertificates struct{ *testNode }

func (c testCertificates) List(context.Context) ([]bus.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.files), nil
}

func (c testCertificates) CSR(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".csr"}, c.act("csr "+base+" "+strings.Join(attrs, "|"), nothing)
}

func (c testCertificates) SelfSigned(_ context.Context, _ bus.Caller, base string, attrs []string) ([]string, error) {
	return []string{base + ".key", base + ".cer"}, c.act("selfsigned "+base+" "+strings.Join(attrs, "|"), nothing)
}

func (c testCertificates) Inspect(_ context.Context, file string) (bus.Certificate, error) {
	if file == "nothing.cer" {
		return bus.Certificate{}, fault.Mend(fault.NotFound, "there is no file nothing.cer", "pki list")
	}
	return bus.Certificate{File: file, Kind: "certificate", State: "ready"}, nil
}

func (c testCertificates) Match(_ context.Context, key, cert string) error {
	if strings.TrimSuffix(key, ".key") != strings.TrimSuffix(cert, ".cer") {
		return fault.New(fault.KeyMismatch, key+" does not belong to "+cert)
	}
	return nil
}

func (c testCertificates) Verify(context.Context, string, string, string) error { return nil }

func (c testCertificates) Import(_ context.Context, _ bus.Caller, file, passphrase string) ([]string, error) {
	return []string{"xmpp.key", "xmpp.cer"}, c.act("import "+file+" "+passphrase, nothing)
}

func (c testCertificates) Export(_ context.Context, _ bus.Caller, base, passphrase string) (string, error) {
	return base + ".p12", c.act("export "+base+" "+passphrase, nothing)
}

func (c testCertificates) Remove(_ context.Context, _ bus.Caller, file string) error {
	return c.act("remove "+file, nothing)
}

func (c testCertificates) Check(_ context.Context, key, cert, bundle, domain string) ([]string, error) {
	if err := c.Match(context.Background(), key, cert); err != nil {
		return nil, err
	}
	return nil, c.act(fmt.Sprintf("check %s %s %q %q", key, cert, bundle, domain), nothing)
}

func (c testCertificates) CheckTrust(_ context.Context, file string) ([]string, error) {
	return []string{file + " is a leaf"}, nil
}

func (c testCertificates) Get(context.Context, string) ([]byte, error) { return nil, nil }

func (c testCertificates) OpenKey(context.Context, bus.Caller, string) (*os.File, error) {
	return nil, fault.New(fault.NotPermitted, "keys are for services")
}

func (c testCertificates) Scan(context.Context) error { return nil }

func callBridges(names ...string) []bus.CallBridge {
	var all []bus.CallBridge
	for _, name := range names {
		all = append(all, bus.CallBridge{Name: name})
	}
	return all
}

// certificateFiles are keys and certificates by the ends of their names.
func certificateFiles(names ...string) []bus.Certificate {
	var all []bus.Certificate
	for _, name := range names {
		kind := "certificate"
		if strings.HasSuffix(name, ".key") {
			kind = "key"
		}
		all = append(all, bus.Certificate{File: name, Kind: kind, State: "ready"})
	}
	return all
}

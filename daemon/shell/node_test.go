package shell

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
)

// testNode is a node small enough to see through: it keeps what it is told and
// refuses what a real one would. Its three services are exported on a bus.
type testNode struct {
	mu         sync.Mutex // guards all below
	log        []string   // the changes, in order
	values     map[string]any
	own        string // the key that the commands' drop-in sets
	scope      string // of every setting
	file       string
	xmppConn   *bus.Conn     // of the exported XMPP service
	joining    chan struct{} // ticks when the join of slow.example has begun
	release    chan struct{} // lets it end
	bridges    []bus.CallBridge
	checked    []bus.CheckedBridge
	users      []string
	domains    []string
	files      []bus.Certificate
	faults     []bus.Fault
	cluster    string // "", "NOT JOINED", "LEADER" or "FOLLOWER"
	generation uint64
	upgrade    bus.Upgrade
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

// set changes what the node has.
func (n *testNode) set(f func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f()
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

package shell

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/dnscheck"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/shell/grammar"
)

// zoneServer answers on loopback from a zone that a test may change.
type zoneServer struct {
	mu   sync.Mutex
	zone []dns.RR // guarded by mu
}

// serveZone starts a name server on an address.
func serveZone(t *testing.T, address, zone string) (*zoneServer, netip.AddrPort) {
	t.Helper()
	z := &zoneServer{}
	z.set(t, zone)
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	up, ended := make(chan struct{}), make(chan error, 1)
	server := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(z.answer), NotifyStartedFunc: func() { close(up) }}
	go func() { ended <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		server.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("the name server ended with %v", err)
		}
	})
	<-up
	return z, netip.MustParseAddrPort(packets.LocalAddr().String())
}

// set replaces the zone by the text of a zone file.
func (z *zoneServer) set(t *testing.T, text string) {
	t.Helper()
	var all []dns.RR
	parser := dns.NewZoneParser(strings.NewReader(text), "", "")
	for rr, ok := parser.Next(); ok; rr, ok = parser.Next() {
		all = append(all, rr)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	z.mu.Lock()
	z.zone = all
	z.mu.Unlock()
}

func (z *zoneServer) answer(w dns.ResponseWriter, q *dns.Msg) {
	z.mu.Lock()
	defer z.mu.Unlock()
	m := new(dns.Msg).SetReply(q)
	m.Rcode = dns.RcodeNameError
	for _, rr := range z.zone {
		if h := rr.Header(); strings.EqualFold(h.Name, q.Question[0].Name) {
			m.Rcode = dns.RcodeSuccess
			if h.Rrtype == q.Question[0].Qtype || h.Rrtype == dns.TypeCNAME {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	w.WriteMsg(m)
}

// members is an XMPP service that knows its cluster and nothing else.
type members struct {
	bus.XmppServer
	status  bus.XmppStatus
	cluster bus.ClusterStatus
	further []bus.Domain
}

func (m members) Status(context.Context) (bus.XmppStatus, error) { return m.status, nil }

func (m members) Domains(context.Context) ([]bus.Domain, error) { return m.further, nil }

func (m members) ClusterStatus(context.Context) (bus.ClusterStatus, error) { return m.cluster, nil }

// linked is a configuration service of a node with a Call Bridge.
type linked struct {
	bus.ConfigServer
	domain string
}

func (l linked) Values(context.Context, bus.Caller) (map[string]any, error) {
	return map[string]any{"callbridge.domain": l.domain}, nil
}

// listener opens a port on an address for the length of the test.
func listener(t *testing.T, address string) int {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// twoNodes are members on 127.0.0.1 and 127.0.0.3 whose ports are open.
func twoNodes(t *testing.T) members {
	t.Helper()
	client, component := listener(t, "127.0.0.1:0"), listener(t, "127.0.0.1:0")
	listener(t, fmt.Sprintf("127.0.0.3:%d", client))
	listener(t, fmt.Sprintf("127.0.0.3:%d", component))
	return members{
		status: bus.XmppStatus{Domain: "meet.example", Addresses: []string{"127.0.0.1"}, ClientPort: client, ComponentPort: component},
		cluster: bus.ClusterStatus{State: "LEADER", Peers: []bus.Peer{
			{Name: "cb1", Address: fmt.Sprintf("127.0.0.1:%d", client), Self: true}, {Name: "cb2", Address: fmt.Sprintf("127.0.0.3:%d", client)},
		}},
	}
}

// atDNS is someone at a shell whose name servers are those given.
func atDNS(t *testing.T, at netip.AddrPort, more ...string) person {
	t.Helper()
	p := sitDown(t, grammar.Operator, "")
	file := filepath.Join(t.TempDir(), "resolv.conf")
	text := ""
	for _, server := range append([]string{at.Addr().String()}, more...) {
		text += "nameserver " + server + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p.resolver = resolve.New(file, int(at.Port()))
	return p
}

func (p person) says(line string) (string, int) {
	p.seen.Reset()
	code := p.Execute(context.Background(), line)
	return p.seen.String(), code
}

func serveMembers(t *testing.T, m members) {
	t.Helper()
	if _, err := dialTest(t).ServeXmpp(m, bus.XmppProperties{}, nil); err != nil {
		t.Fatal(err)
	}
}

// From an empty zone to one that passes, with nothing but what is printed.
func TestDNSCheckMendsAZone(t *testing.T) {
	bustest.Start(t)
	m := twoNodes(t)
	serveMembers(t, m)
	zone, at := serveZone(t, "127.0.0.1:0", "")
	p := atDNS(t, at)
	out, code := p.says("dns check")
	component, client := m.status.ComponentPort, m.status.ClientPort
	want := fmt.Sprintf(`NEEDED
STATE     NAME                                TYPE  VALUE
missing   _xmpp-component._tcp.meet.example.  SRV   0 0 %[1]d cb1.meet.example.
missing   _xmpp-component._tcp.meet.example.  SRV   0 0 %[1]d cb2.meet.example.
missing   _xmpp-client._tcp.meet.example.     SRV   10 50 %[2]d cb1.meet.example.
missing   _xmpp-client._tcp.meet.example.     SRV   10 50 %[2]d cb2.meet.example.
optional  _xmpps-client._tcp.meet.example.    SRV   5 50 %[1]d cb1.meet.example.
optional  _xmpps-client._tcp.meet.example.    SRV   5 50 %[1]d cb2.meet.example.
missing   cb1.meet.example.                   A     127.0.0.1
missing   cb2.meet.example.                   A     127.0.0.3

FOUND
none

WRONG
FAILURE: there is no SRV record _xmpp-component._tcp.meet.example
REMEDY: put the zone lines below into the zone
FAILURE: there is no SRV record _xmpp-client._tcp.meet.example
REMEDY: put the zone lines below into the zone
FAILURE: the target cb1.meet.example of the node cb1 does not exist
REMEDY: put the zone lines below into the zone
FAILURE: the target cb2.meet.example of the node cb2 does not exist
REMEDY: put the zone lines below into the zone
WARNING: there is no SRV record _xmpps-client._tcp.meet.example; clients that know direct TLS (XEP-0368) save a round trip with it
REMEDY: add the optional records if clients shall use it

Zone lines:
`, component, client)
	shown, lines, _ := strings.Cut(out, "Zone lines:\n")
	if diff := cmp.Diff(want, shown+"Zone lines:\n"); diff != "" || code != 1 {
		t.Errorf("exit status %d (-want +got):\n%s", code, diff)
	}
	zone.set(t, lines)
	out, code = p.says("dns check MEET.example.")
	if code != 0 || !strings.HasSuffix(out, "SUCCESS: the DNS records of meet.example are right\n") || strings.Contains(out, "Zone lines") {
		t.Errorf("after the zone lines: exit status %d, printed\n%s", code, out)
	}
}

func TestDNSCheckFaults(t *testing.T) {
	bustest.Start(t)
	m := twoNodes(t)
	m.cluster.Peers = append(m.cluster.Peers, bus.Peer{Name: "cb3", Address: fmt.Sprintf("127.0.0.4:%d", m.status.ClientPort)}) // and nobody listens there
	serveMembers(t, m)
	var text strings.Builder
	for _, host := range []string{"cb1 127.0.0.1", "cb2 127.0.0.3", "cb3 127.0.0.4"} {
		name, addr, _ := strings.Cut(host, " ")
		fmt.Fprintf(&text, "%s.meet.example. 60 IN A %s\n_xmpp-component._tcp.meet.example. 60 IN SRV 0 0 %d %s.meet.example.\n_xmpp-client._tcp.meet.example. 60 IN SRV 0 0 %d %s.meet.example.\n",
			name, addr, m.status.ComponentPort, name, m.status.ClientPort, name)
	}
	_, at := serveZone(t, "127.0.0.1:0", text.String())
	serveZone(t, fmt.Sprintf("127.0.0.2:%d", at.Port()), strings.ReplaceAll(text.String(), "A 127.0.0.3", "A 127.0.0.9"))
	out, code := atDNS(t, at, "127.0.0.2", "127.0.0.5").says("dns check --json")
	var r dnscheck.Report
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 1 || r.OK || strings.Contains(out, "null") {
		t.Fatalf("exit status %d, %v in\n%s", code, err, out)
	}
	var said []string
	for _, f := range r.Findings {
		if !f.Hint || !strings.Contains(f.Text, "_xmpps-client") {
			said = append(said, string(f.Code)+": "+f.Text)
		}
	}
	want := []string{
		"DNS: the name servers disagree about cb2.meet.example A: 127.0.0.1 says 127.0.0.3; 127.0.0.2 says 127.0.0.9",
		fmt.Sprintf("TCP: cb3.meet.example:%d (127.0.0.4) of _xmpp-component._tcp.meet.example can not be reached: connection refused", m.status.ComponentPort),
		fmt.Sprintf("TCP: cb3.meet.example:%d (127.0.0.4) of _xmpp-client._tcp.meet.example can not be reached: connection refused", m.status.ClientPort),
		"DNS: the target cb2.meet.example has the address 127.0.0.9, and the node cb2 has 127.0.0.3",
		"DNS: the name server 127.0.0.5 gives no answer: connection refused",
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !slices.Contains(r.Zone, "; remove: cb2.meet.example. IN A 127.0.0.9") {
		t.Errorf("zone lines %q", r.Zone)
	}
}

func TestDNSCheckStandalone(t *testing.T) {
	bustest.Start(t)
	port := listener(t, "127.0.0.1:0")
	serveMembers(t, members{status: bus.XmppStatus{Domain: "one.example", Addresses: []string{"127.0.0.1", "fe80::1"}, ClientPort: port, ComponentPort: port}, cluster: bus.ClusterStatus{State: "STANDALONE"}})
	_, at := serveZone(t, "127.0.0.1:0", fmt.Sprintf("cb1.one.example. 60 IN A 127.0.0.1\n_xmpp-component._tcp.one.example. 60 IN SRV 0 0 %[1]d cb1.one.example.\n_xmpp-client._tcp.one.example. 60 IN SRV 0 0 %[1]d cb1.one.example.\n", port))
	if out, code := atDNS(t, at).says("dns check"); code != 0 {
		t.Errorf("exit status %d, printed\n%s", code, out)
	}
}

// A further domain is served by the same nodes, without call bridges.
func TestDNSCheckFurtherDomain(t *testing.T) {
	bustest.Start(t)
	port := listener(t, "127.0.0.1:0")
	serveMembers(t, members{status: bus.XmppStatus{Domain: "one.example", Addresses: []string{"127.0.0.1"}, ClientPort: port, ComponentPort: port},
		cluster: bus.ClusterStatus{State: "STANDALONE"}, further: []bus.Domain{{Name: "two.example"}}})
	zone, at := serveZone(t, "127.0.0.1:0", "")
	p := atDNS(t, at)
	out, code := p.says("dns check two.example")
	if want := fmt.Sprintf("_xmpp-client._tcp.two.example. 86400 IN SRV 10 50 %d cb1.one.example.", port); code != 1 || !strings.Contains(out, want) || strings.Contains(out, "component") {
		t.Errorf("exit status %d, printed\n%s", code, out)
	}
	zone.set(t, fmt.Sprintf("cb1.one.example. 60 IN A 127.0.0.1\n_xmpp-client._tcp.two.example. 60 IN SRV 0 0 %d cb1.one.example.\n", port))
	if out, code := p.says("dns check two.example"); code != 0 {
		t.Errorf("exit status %d, printed\n%s", code, out)
	}
}

// A node with a Call Bridge and no XMPP domain checks the servers it looks for.
func TestDNSCheckForACallBridge(t *testing.T) {
	bustest.Start(t)
	serveMembers(t, members{status: bus.XmppStatus{Addresses: []string{"127.0.0.1"}}, cluster: bus.ClusterStatus{State: "STANDALONE"}})
	if _, err := dialTest(t).ServeConfig(linked{domain: "far.example"}, bus.ConfigProperties{}, nil); err != nil {
		t.Fatal(err)
	}
	zone, at := serveZone(t, "127.0.0.1:0", "")
	p := atDNS(t, at)
	out, code := p.says("dns check")
	want := "NEEDED\nnone\n\nFOUND\nnone\n\nWRONG\nFAILURE: there is no SRV record _xmpp-component._tcp.far.example\nREMEDY: put the zone lines below into the zone\n" +
		"\nZone lines:\n; for each XMPP server: _xmpp-component._tcp.far.example. 86400 IN SRV 0 0 5223 <host name>.\n"
	if diff := cmp.Diff(want, out); diff != "" || code != 1 {
		t.Errorf("exit status %d (-want +got):\n%s", code, diff)
	}
	zone.set(t, fmt.Sprintf("x.far.example. 60 IN A 127.0.0.1\n_xmpp-component._tcp.far.example. 60 IN SRV 0 0 %d x.far.example.\n", listener(t, "127.0.0.1:0")))
	if out, code := p.says("dns check"); code != 0 {
		t.Errorf("exit status %d, printed\n%s", code, out)
	}
}

// With the XMPP service stopped, or the whole bus, the domain must be typed.
func TestDNSCheckWithoutService(t *testing.T) {
	bustest.Start(t)
	_, at := serveZone(t, "127.0.0.1:0", fmt.Sprintf("x.far.example. 60 IN A 127.0.0.1\n_xmpp-component._tcp.far.example. 60 IN SRV 0 0 %d x.far.example.\n", listener(t, "127.0.0.1:0")))
	p := atDNS(t, at)
	if out, code := p.says("dns check"); code != 1 || out != "FAILURE: the XMPP service is not running, so the domain is not known\nREMEDY: dns check <domain>\n" {
		t.Errorf("exit status %d, printed %q", code, out)
	}
	if out, code := p.says("dns check far.example"); code != 0 || !strings.Contains(out, "OK     _xmpp-component._tcp.far.example.") {
		t.Errorf("exit status %d, printed\n%s", code, out)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere")
	if out, code := atDNS(t, at).says("dns check far.example"); code != 0 {
		t.Errorf("without a bus: exit status %d, printed\n%s", code, out)
	}
	if out, code := p.says("dns check a..b"); code != 1 || !strings.Contains(out, `FAILURE: "a..b" is no domain`) {
		t.Errorf("exit status %d, printed %q", code, out)
	}
}

// What only could be better is not called wrong.
func TestFindingsHead(t *testing.T) {
	hint, fault := dnscheck.Finding{Hint: true}, dnscheck.Finding{}
	for _, c := range []struct {
		report dnscheck.Report
		want   string
	}{
		{dnscheck.Report{OK: true}, "WRONG"}, // none
		{dnscheck.Report{OK: true, Findings: []dnscheck.Finding{hint}}, "ADVICE"},
		{dnscheck.Report{Findings: []dnscheck.Finding{hint, fault}}, "WRONG"},
	} {
		if got := findingsHead(c.report); got != c.want {
			t.Errorf("%+v: %s", c.report, got)
		}
	}
}

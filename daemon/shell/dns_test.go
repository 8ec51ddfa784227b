package shell

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"quorate.org/daemon/shell/grammar"
)

// testServers are the ports of the name servers of the running test.
var testServers []string

// zone is what the test's name server knows.
var zone = []string{
	"cb1.meet.example. 60 IN A 10.0.0.10",
	"cb1.meet.example. 60 IN AAAA fd00::10",
	"_xmpp-component._tcp.meet.example. 86400 IN SRV 0 0 5223 cb1.meet.example.",
}

// serveDNS answers on loopback from the zone; every UDP answer for "big" is
// truncated, and "broken" is refused.
func serveDNS(t *testing.T) {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	var up sync.WaitGroup
	for _, s := range []*dns.Server{{PacketConn: packets}, {Listener: listener}} {
		up.Add(1)
		s.Handler, s.NotifyStartedFunc = dns.HandlerFunc(answerDNS), up.Done
		ended := make(chan error, 1)
		go func() { ended <- s.ActivateAndServe() }()
		t.Cleanup(func() {
			s.Shutdown()
			if err := <-ended; err != nil {
				t.Errorf("the name server ended with %v", err)
			}
		})
	}
	up.Wait()
	testServers = []string{packets.LocalAddr().String()}
}

func answerDNS(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg).SetReply(q)
	name := q.Question[0].Name
	known := false
	for _, line := range zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if rr.Header().Name == name {
			known = true
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	switch {
	case name == "big." && w.LocalAddr().Network() == "udp":
		m.Truncated = true
	case name == "big.":
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(10, 0, 0, 99)}}
	case name == "broken.":
		m.Rcode = dns.RcodeServerFailure
	case !known:
		m.Rcode = dns.RcodeNameError
	}
	w.WriteMsg(m)
}

func testResolver() (*dns.ClientConfig, error) {
	host, port, err := net.SplitHostPort(testServers[0])
	return &dns.ClientConfig{Servers: []string{host}, Port: port, Search: []string{"meet.example"}, Ndots: 1}, err
}

func TestDNSLookup(t *testing.T) {
	serveDNS(t)
	for _, tc := range []struct {
		line, out string
		code      int
	}{
		{"dns lookup a cb1", "NAME               TTL  TYPE  VALUE\ncb1.meet.example.  60   A     10.0.0.10\n", 0},
		{"dns lookup AAAA cb1.meet.example", "NAME               TTL  TYPE  VALUE\ncb1.meet.example.  60   AAAA  fd00::10\n", 0},
		{"dns lookup srv _xmpp-component._tcp.meet.example",
			"NAME                                TTL    TYPE  VALUE\n_xmpp-component._tcp.meet.example.  86400  SRV   0 0 5223 cb1.meet.example.\n", 0},
		{"dns lookup a big.", "NAME  TTL  TYPE  VALUE\nbig.  1    A     10.0.0.99\n", 0},
		{"dns lookup srv cb1.meet.example", "FAILURE: cb1.meet.example has no SRV record\nREMEDY: " + noRecord + "\n", 1},
		{"dns lookup a nowhere.example", "FAILURE: nowhere.example does not exist\nREMEDY: " + noRecord + "\n", 1},
		{"dns lookup a broken.", "FAILURE: no name server gives an answer: 127.0.0.1 answers SERVFAIL\nREMEDY: dns\n", 1},
		{"dns lookup mx meet.example", "FAILURE: \"mx\" is not one of a, aaaa, srv\nREMEDY: type: dns lookup <a|aaaa|srv> <name> [--json]\n", 1},
		{"dns", "Name servers            : 127.0.0.1\nSearch domains          : meet.example\n", 0},
	} {
		p := sitDown(t, grammar.Operator, "")
		p.resolver = testResolver
		code := p.Execute(context.Background(), tc.line)
		if diff := cmp.Diff(tc.out, p.seen.String()); diff != "" || code != tc.code {
			t.Errorf("%s: exit status %d (-want +got):\n%s", tc.line, code, diff)
		}
	}
}

func TestDNSWithoutServer(t *testing.T) {
	closed, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	testServers = []string{closed.LocalAddr().String()}
	closed.Close()
	p := sitDown(t, grammar.Operator, "")
	p.resolver = testResolver
	if code := p.Execute(context.Background(), "dns lookup a cb1.meet.example."); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if out := p.seen.String(); !strings.HasPrefix(out, "FAILURE: no name server gives an answer: 127.0.0.1: ") {
		t.Errorf("printed %q", out)
	}
}

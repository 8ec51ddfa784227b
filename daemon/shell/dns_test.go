package shell

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"

	"quorate.org/daemon/resolve"
	"quorate.org/daemon/shell/grammar"
)

// testServer is the address of the name server of the running test.
var testServer string

// zone is what the test's name server knows.
var zone = []string{
	"cb1.meet.example. 60 IN A 10.0.0.10",
	"cb1.meet.example. 60 IN AAAA fd00::10",
	"_xmpp-component._tcp.meet.example. 86400 IN SRV 0 0 5223 cb1.meet.example.",
}

// addRecord is the remedy of an answer that names nothing.
const addRecord = "add the record to the zone; dns shows which servers were asked"

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
	testServer = packets.LocalAddr().String()
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

func testResolver(t *testing.T) *resolve.Resolver {
	t.Helper()
	at, err := netip.ParseAddrPort(testServer)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+at.Addr().String()+"\nsearch meet.example\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return resolve.New(file, int(at.Port()))
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
		{"dns lookup srv cb1.meet.example", "FAILURE: cb1.meet.example has no SRV record\nREMEDY: " + addRecord + "\n", 1},
		{"dns lookup a nowhere.example", "FAILURE: nowhere.example does not exist\nREMEDY: " + addRecord + "\n", 1},
		{"dns lookup a broken.", "FAILURE: no name server gives an answer: 127.0.0.1 answers SERVFAIL\nREMEDY: check the name servers that dns shows, and the network to them: ping\n", 1},
		{"dns lookup mx meet.example", "FAILURE: \"mx\" is not one of a, aaaa, srv\nREMEDY: type: dns lookup <a|aaaa|srv> <name> [--json]\n", 1},
		{"dns", "Name servers            : 127.0.0.1\nSearch domains          : meet.example\n", 0},
	} {
		p := sitDown(t, grammar.Operator, "")
		p.resolver = testResolver(t)
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
	testServer = closed.LocalAddr().String()
	closed.Close()
	p := sitDown(t, grammar.Operator, "")
	p.resolver = testResolver(t)
	if code := p.Execute(context.Background(), "dns lookup a cb1.meet.example."); code != 1 {
		t.Errorf("exit status %d, want 1", code)
	}
	if out := p.seen.String(); !strings.HasPrefix(out, "FAILURE: no name server gives an answer: 127.0.0.1: ") {
		t.Errorf("printed %q", out)
	}
}

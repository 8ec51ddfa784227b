package resolve

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/miekg/dns"

	"quorate.org/daemon/fault"
)

// zone is what the test's name server knows.
var zone = []string{
	"cb1.meet.example. 60 IN A 10.0.0.10",
	"cb1.meet.example. 30 IN AAAA fd00::10",
	"cb2.meet.example. 60 IN AAAA fd00::11",
	"txt.meet.example. 60 IN TXT hello",
	"xn--bcher-kva.example. 60 IN A 10.0.0.12",
	"_xmpp-component._tcp.meet.example. 86400 IN SRV 10 20 5223 CB1.meet.example.",
	"_xmpp-component._tcp.meet.example. 86400 IN SRV 5 0 5224 cb2.meet.example.",
	"_xmpp-component._tcp.off.example. 60 IN SRV 0 0 0 .",
}

// nameServer answers on loopback; silent, it does not.
type nameServer struct {
	at     netip.AddrPort
	silent atomic.Bool
	asked  atomic.Int32
	code   atomic.Int32 // of every answer, unless 0
}

func serve(t *testing.T, addr string) *nameServer {
	t.Helper()
	packets, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{at: netip.MustParseAddrPort(packets.LocalAddr().String())}
	var up sync.WaitGroup
	up.Add(1)
	s := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(n.answer), NotifyStartedFunc: up.Done}
	ended := make(chan error, 1)
	go func() { ended <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		s.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("the name server ended with %v", err)
		}
	})
	up.Wait()
	return n
}

func (n *nameServer) answer(w dns.ResponseWriter, q *dns.Msg) {
	n.asked.Add(1)
	if n.silent.Load() {
		return
	}
	m := new(dns.Msg).SetReply(q)
	known := false
	for _, line := range zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if rr.Header().Name == q.Question[0].Name {
			known = true
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	if !known {
		m.Rcode = dns.RcodeNameError
	}
	if code := n.code.Load(); code != 0 {
		m.Answer, m.Rcode = nil, int(code)
	}
	w.WriteMsg(m)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// start returns a resolver of one name server.
func start(t *testing.T) (*Resolver, *nameServer) {
	t.Helper()
	n := serve(t, "127.0.0.1:0")
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, path, "nameserver 127.0.0.1\n")
	return New(path, int(n.at.Port())), n
}

func TestSRV(t *testing.T) {
	r, _ := start(t)
	got, err := r.SRV(t.Context(), "_xmpp-component._tcp.meet.example")
	want := []Server{
		{Target: "cb1.meet.example", Port: 5223, Priority: 10, Weight: 20, TTL: 24 * time.Hour},
		{Target: "cb2.meet.example", Port: 5224, Priority: 5, Weight: 0, TTL: 24 * time.Hour},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestAddresses(t *testing.T) {
	r, n := start(t)
	for host, want := range map[string]Addresses{
		"cb1.meet.example":  {[]netip.Addr{netip.MustParseAddr("10.0.0.10"), netip.MustParseAddr("fd00::10")}, 30 * time.Second},
		"cb2.meet.example.": {[]netip.Addr{netip.MustParseAddr("fd00::11")}, time.Minute},
		"bücher.example":    {[]netip.Addr{netip.MustParseAddr("10.0.0.12")}, time.Minute},
		"10.1.2.3":          {[]netip.Addr{netip.MustParseAddr("10.1.2.3")}, 0},
		"localhost":         {[]netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}, 0},
	} {
		got, err := r.Addresses(t.Context(), host)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{})); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", host, err, diff)
		}
	}
	if asked := n.asked.Load(); asked != 6 {
		t.Errorf("%d questions for three names, want 6", asked)
	}
}

// Each kind of failure has its reason and its words.
func TestFailures(t *testing.T) {
	r, n := start(t)
	for _, tc := range []struct {
		name string
		ask  func() error
		why  error
		text string
	}{
		{"no name", func() error { _, err := r.SRV(t.Context(), "_x._tcp.nowhere.example"); return err }, ErrNoName, "_x._tcp.nowhere.example does not exist"},
		{"no record", func() error { _, err := r.SRV(t.Context(), "cb1.meet.example"); return err }, ErrNoRecord, "cb1.meet.example has no SRV record"},
		{"not offered", func() error { _, err := r.SRV(t.Context(), "_xmpp-component._tcp.off.example"); return err }, ErrNotOffered,
			`the SRV record _xmpp-component._tcp.off.example says that the service is not offered (its target is ".")`},
		{"no host", func() error { _, err := r.Addresses(t.Context(), "nowhere.example"); return err }, ErrNoName, "nowhere.example does not exist"},
		{"no address", func() error { _, err := r.Addresses(t.Context(), "txt.meet.example"); return err }, ErrNoRecord, "txt.meet.example has no A or AAAA record"},
		{"server failure", func() error {
			n.code.Store(dns.RcodeServerFailure)
			_, err := r.Lookup(t.Context(), "cb1.meet.example", A)
			return err
		}, ErrNoAnswer, "no name server gives an answer: 127.0.0.1 answers SERVFAIL"},
		{"silence", func() error {
			n.code.Store(0)
			n.silent.Store(true)
			_, err := r.Lookup(t.Context(), "cb1.meet.example", A)
			return err
		}, ErrNoAnswer, "no name server gives an answer: 127.0.0.1: no answer"},
		{"no file", func() error { _, err := New("/nonexistent", Port).Servers(); return err }, ErrNoServer,
			"the name servers are not known: stat /nonexistent: no such file or directory"},
	} {
		err := tc.ask()
		var words *fault.Error
		if !errors.Is(err, tc.why) || !errors.As(err, &words) || words.Code != fault.DNS || words.Message != tc.text {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// A server that is down costs its time once: the one that answered is asked
// first from then on. A lost packet is asked for again.
func TestServersInTurn(t *testing.T) {
	second := serve(t, "127.0.0.2:0")
	first := serve(t, netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), second.at.Port()).String())
	first.silent.Store(true)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	write(t, path, "nameserver 127.0.0.1\nnameserver 127.0.0.2\n")
	r := New(path, int(second.at.Port()))
	for range 3 {
		if _, err := r.Lookup(t.Context(), "cb1.meet.example", A); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := first.asked.Load(), second.asked.Load(); a != 1 || b != 3 {
		t.Errorf("asked %d and %d times, want 1 and 3", a, b)
	}
}

func TestChangedFileIsReadAnew(t *testing.T) {
	r, _ := start(t)
	for _, want := range []Servers{
		{Addresses: []string{"10.0.0.1"}, Search: []string{"a.example"}},
		{Addresses: []string{"10.0.0.2", "10.0.0.3"}, Search: []string{"b.example"}},
	} {
		text := "search " + want.Search[0] + "\n"
		for _, a := range want.Addresses {
			text += "nameserver " + a + "\n"
		}
		write(t, r.path, text)
		got, err := r.Servers()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	write(t, r.path, "# nothing\n")
	if _, err := r.Servers(); !errors.Is(err, ErrNoServer) {
		t.Errorf("an empty file: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	r, n := start(t)
	n.silent.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Addresses(ctx, "cb1.meet.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

package callbridge

import (
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/journal/journaltest"
	"quorate.org/daemon/pki/pkitest"
	"quorate.org/daemon/resolve"
	"quorate.org/daemon/xmlwire"
)

const (
	domain = "meet.example"
	secret = "RITmSh4smhLYguGpAb1"
	record = "_xmpp-component._tcp.meet.example"
)

// rig is a bridge with a name server of its own.
type rig struct {
	t      *testing.T
	ca     *pkitest.Issued
	names  *nameServer
	log    *logText
	bridge *Bridge
	told   chan struct{} // holds one
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, ca: pkitest.NewCA(t, "CA of the tests"), names: serveNames(t), log: &logText{}, told: make(chan struct{}, 1)}
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r.bridge = NewBridge("0.1.0", resolve.New(file, r.names.port), slog.New(journal.NewHandler(r.log, "callbridged", slog.LevelInfo)), func() {
		select {
		case r.told <- struct{}{}:
		default:
		}
	})
	r.bridge.now = func() time.Time { return pkitest.Now }
	return r
}

// run runs the bridge for the length of the test.
func (r *rig) run() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); r.bridge.Run(ctx) }()
	r.t.Cleanup(func() { stop(); <-ended })
}

// use configures the bridge, with the tests' CA trusted.
func (r *rig) use(change func(*Setup)) {
	s := &Setup{Name: "cb1", Domain: domain, Secret: secret, Trust: NewTrust(pkitest.Certs(r.ca), nil)}
	if change != nil {
		change(s)
	}
	r.bridge.Use(s)
}

// await returns the first status that fits.
func (r *rig) await(what string, fits func(bus.CallBridgeStatus) bool) bus.CallBridgeStatus {
	r.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s := r.bridge.Status()
		if fits(s) {
			return s
		}
		select {
		case <-r.told:
		case <-limit:
			r.t.Fatalf("not %s, but %s: %s", what, s.State, s.Text)
		}
	}
}

func (r *rig) awaitState(state string) bus.CallBridgeStatus {
	r.t.Helper()
	return r.await(state, func(s bus.CallBridgeStatus) bool { return s.State == state })
}

// logText is what was journaled.
type logText struct{ journaltest.Datagrams }

// times counts the entries that have a message and an ID.
func (l *logText) times(message string, id journal.MessageID) int {
	n := 0
	for entry := range strings.SplitSeq(l.String(), "\n\n") {
		if strings.Contains(entry, "MESSAGE="+message+"\n") && strings.Contains(entry+"\n", "\nMESSAGE_ID="+string(id)+"\n") {
			n++
		}
	}
	return n
}

// nameServer knows the zone of the test; silent, it does not answer, and
// refusing, it answers nothing but that.
type nameServer struct {
	port int

	mu       sync.Mutex // guards what follows
	zone     []string
	silent   bool
	refusing bool
}

func serveNames(t *testing.T) *nameServer {
	t.Helper()
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &nameServer{port: int(netip.MustParseAddrPort(packets.LocalAddr().String()).Port())}
	up := make(chan struct{})
	s := &dns.Server{PacketConn: packets, Handler: dns.HandlerFunc(n.answer), NotifyStartedFunc: func() { close(up) }}
	ended := make(chan error, 1)
	go func() { ended <- s.ActivateAndServe() }()
	t.Cleanup(func() {
		s.Shutdown()
		if err := <-ended; err != nil {
			t.Errorf("the name server ended with %v", err)
		}
	})
	<-up
	return n
}

func (n *nameServer) set(zone ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.zone = zone
}

// quiet says whether the name server answers from now on.
func (n *nameServer) quiet(silent bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.silent = silent
}

// refuse says whether the name server refuses from now on.
func (n *nameServer) refuse(refusing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.refusing = refusing
}

// component names servers of the domain, each with the next priority, all with
// addresses on loopback.
func (n *nameServer) component(ttl int, servers ...*fakeServer) {
	var zone []string
	for i, s := range servers {
		zone = append(zone,
			fmt.Sprintf("%s. %d IN SRV %d 0 %d %s.", record, ttl, i, s.port, s.host),
			fmt.Sprintf("%s. %d IN A 127.0.0.1", s.host, ttl))
	}
	n.set(zone...)
}

func (n *nameServer) answer(w dns.ResponseWriter, q *dns.Msg) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.silent {
		return
	}
	m := new(dns.Msg).SetReply(q)
	if n.refusing {
		m.Rcode = dns.RcodeRefused
		w.WriteMsg(m)
		return
	}
	m.Rcode = dns.RcodeNameError
	for _, line := range n.zone {
		rr, err := dns.NewRR(line)
		if err != nil {
			panic(err)
		}
		if rr.Header().Name == q.Question[0].Name {
			m.Rcode = dns.RcodeSuccess
			if rr.Header().Rrtype == q.Question[0].Qtype {
				m.Answer = append(m.Answer, rr)
			}
		}
	}
	w.WriteMsg(m)
}

// fakeServer plays the server's side of XEP-0114 over direct TLS.
type fakeServer struct {
	t        *testing.T
	host     string
	port     int
	listener net.Listener
	config   *tls.Config // nil: no TLS

	mu       sync.Mutex // guards what follows
	greeting string     // sent instead of a stream header
	refusal  string     // sent instead of accepting the handshake
	mute     bool       // never answers the handshake
	conns    []net.Conn
	sni      string
	alpn     []string
	streams  int

	heard chan string // stanzas and the end of the stream
}

func (r *rig) serve(host string, cert *pkitest.Issued) *fakeServer {
	r.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		r.t.Fatal(err)
	}
	s := &fakeServer{t: r.t, host: host, listener: l, heard: make(chan string, 100),
		port: int(netip.MustParseAddrPort(l.Addr().String()).Port())}
	if cert != nil {
		s.config = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Cert.Raw}, PrivateKey: cert.Key}},
			GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				s.sni, s.alpn = h.ServerName, h.SupportedProtos
				return nil, nil
			}}
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.play(conn) })
		}
	})
	r.t.Cleanup(func() { s.die(); all.Wait() })
	return s
}

// good is a server with a certificate of the CA for the domain.
func (r *rig) good(host string) *fakeServer { return r.serve(host, r.ca.Leaf(r.t, domain)) }

// be changes how the server plays, for streams to come.
func (s *fakeServer) be(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// opened is how many streams were opened so far.
func (s *fakeServer) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams
}

// die closes the port and every stream, as a node that is killed.
func (s *fakeServer) die() {
	s.listener.Close()
	s.drop()
}

func (s *fakeServer) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

// send writes to every stream.
func (s *fakeServer) send(raw string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		fmt.Fprint(c, raw)
	}
}

func (s *fakeServer) play(raw net.Conn) {
	defer raw.Close()
	conn := raw
	if s.config != nil {
		conn = tls.Server(raw, s.config)
	}
	s.mu.Lock()
	s.conns = append(s.conns, conn)
	greeting, refusal, mute := s.greeting, s.refusal, s.mute
	s.mu.Unlock()
	if s.config == nil {
		fmt.Fprint(conn, greeting)
		return
	}
	scan, buf := xmlwire.NewScanner(xmlwire.Limits{}), []byte(nil)
	for {
		ev, n, err := scan.Next(buf)
		if err != nil {
			return
		}
		heard := string(ev.Raw)
		buf = append([]byte(nil), buf[n:]...)
		switch {
		case ev.Kind == xmlwire.NeedMore:
			more := make([]byte, 4096)
			n, err := conn.Read(more)
			if err != nil {
				return
			}
			buf = append(buf, more[:n]...)
		case ev.Kind == xmlwire.StreamOpen && greeting != "":
			fmt.Fprint(conn, greeting)
		case ev.Kind == xmlwire.StreamOpen:
			s.mu.Lock()
			s.streams++
			s.mu.Unlock()
			fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='%s' id='s1'>", ev.Stream.To.String())
		case ev.Kind == xmlwire.Stanza && string(ev.Header.Name) == "handshake":
			sum := sha1.Sum([]byte("s1" + secret))
			switch {
			case mute:
			case refusal != "":
				fmt.Fprint(conn, refusal, "</stream:stream>")
			case heard == "<handshake>"+hex.EncodeToString(sum[:])+"</handshake>":
				fmt.Fprint(conn, "<handshake/>")
			default:
				fmt.Fprint(conn, streamErrorOf("not-authorized", "the handshake does not match"), "</stream:stream>")
			}
		default:
			s.heard <- heard
		}
	}
}

func streamErrorOf(condition, text string) string {
	return "<stream:error><" + condition + " xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>" +
		text + "</text></stream:error>"
}

// hears returns the next thing the bridge said.
func (s *fakeServer) hears() string {
	s.t.Helper()
	select {
	case h := <-s.heard:
		return h
	case <-time.After(10 * time.Second):
		s.t.Fatal("the bridge says nothing")
		return ""
	}
}

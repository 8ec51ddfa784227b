package callbridge

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/pki/pkitest"
)

// Every class of failure is told in the same words by status and journal, with
// its code and what mends it.
func TestFailureInWords(t *testing.T) {
	const (
		dnsRemedy  = "add one for each node to the zone, as dns check prints them; or name a server: callbridge server <host>"
		startIt    = "is the server running there? xmpp status; and does a firewall let the port through?"
		startOrSRV = startIt + " If it listens elsewhere, mend the SRV record: dns check"
		portOfSRV  = "mend the port in the SRV record; the component port is mostly 5223: dns check"
	)
	for _, tc := range []struct {
		name    string
		prepare func(r *rig) *fakeServer // the server that the words name as %s
		setup   func(*Setup)
		code    fault.Code
		text    string
		remedy  string
	}{
		{"no SRV record", nil, nil, fault.DNS, "(DNS failure): there is no SRV record " + record, dnsRemedy},
		{"SRV record of another type", func(r *rig) *fakeServer { r.names.set(record + ". 60 IN TXT x"); return nil }, nil,
			fault.DNS, "(DNS failure): there is no SRV record " + record, dnsRemedy},
		{"not offered", func(r *rig) *fakeServer { r.names.set(record + ". 60 IN SRV 0 0 0 ."); return nil }, nil,
			fault.DNS, "(DNS failure): the SRV record " + record + ` says that the service is not offered (its target is ".")`, "let the record name the servers"},
		{"name servers silent", func(r *rig) *fakeServer { r.names.quiet(true); return nil }, nil,
			fault.DNS, "(DNS failure): no name server gives an answer: 127.0.0.1: no answer", "check the name servers that dns shows, and the network to them: ping"},
		{"SRV target without address", func(r *rig) *fakeServer { r.names.set(record + ". 60 IN SRV 0 0 5223 cb9.meet.example."); return nil }, nil,
			fault.DNS, "(DNS failure): cb9.meet.example, which the SRV record " + record + " names, has no address",
			"add an A or AAAA record for cb9.meet.example to the zone, or mend the SRV record; see dns check"},
		{"pinned server without address", nil, func(s *Setup) { s.Server = "nowhere.example" },
			fault.DNS, "(DNS failure): the server nowhere.example has no address",
			"mend the name: callbridge server <host>; or add an A or AAAA record for it to the zone"},
		{"refused", func(r *rig) *fakeServer { s := r.good("cb1.meet.example"); s.die(); r.names.component(60, s); return s }, nil,
			fault.TCP, "(connection refused or no answer): %s (host and port are from the SRV record " + record + ") refuses the connection", startOrSRV},
		{"refused, pinned", nil, func(s *Setup) { s.Server = "127.0.0.1:1" },
			fault.TCP, "(connection refused or no answer): 127.0.0.1:1 refuses the connection", startIt},
		{"no way", nil, func(s *Setup) { s.Server = "255.255.255.255:5223" },
			fault.TCP, "(connection refused or no answer): there is no way to 255.255.255.255:5223 in the network", "check the addresses and routes: ping 255.255.255.255"},
		{"not TLS", func(r *rig) *fakeServer {
			s := r.serve("cb1.meet.example", nil)
			s.be(func() { s.greeting = "<stream:error>not-well-formed</stream:error>" })
			r.names.component(60, s)
			return s
		}, nil, fault.TLS, "(TLS failure): what answers at %s (host and port are from the SRV record " + record + ") does not speak TLS", portOfSRV},
		{"a web server", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.config.NextProtos = []string{"h2", "http/1.1"}
			r.names.component(60, s)
			return s
		}, nil, fault.TLS, "(TLS failure): what answers at %s (host and port are from the SRV record " + record + ") does not speak XMPP", portOfSRV},
		{"not XMPP", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.be(func() { s.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n" })
			r.names.component(60, s)
			return s
		}, nil, fault.Unavailable, "(service not available): what answers at %s (host and port are from the SRV record " + record + ") does not speak XMPP to components", portOfSRV},
		{"no certificate", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.config.Certificates = nil
			r.names.component(60, s)
			return s
		}, nil, fault.TLS, "(TLS failure): the TLS handshake with %s (host and port are from the SRV record " + record + ") failed: unrecognized name",
			"does the server have its certificate? xmpp status there"},
		{"untrusted", func(r *rig) *fakeServer {
			s := r.serve("cb1.meet.example", pkitest.NewCA(r.t, "Another CA").Leaf(r.t, domain))
			r.names.component(60, s)
			return s
		}, nil, fault.Trust, "(certificate not trusted): the certificate of CN=meet.example at %s is issued by CN=Another CA, which is not trusted",
			"trust its issuer, or the certificate itself: callbridge trust <file>"},
		{"expired", func(r *rig) *fakeServer {
			s := r.serve("cb1.meet.example", r.ca.Leaf(r.t, domain, pkitest.Valid(pkitest.Now.AddDate(0, -2, 0), pkitest.Now.AddDate(0, 0, -1))))
			r.names.component(60, s)
			return s
		}, nil, fault.Trust, "(certificate not trusted): the certificate of CN=meet.example at %s expired on 2026-11-19 12:00:00 UTC",
			"renew it on the server; if it should be valid, check the clock of this node: date"},
		{"not yet valid", func(r *rig) *fakeServer {
			s := r.serve("cb1.meet.example", r.ca.Leaf(r.t, domain, pkitest.Valid(pkitest.Now.AddDate(0, 0, 1), pkitest.Now.AddDate(0, 2, 0))))
			r.names.component(60, s)
			return s
		}, nil, fault.Trust, "(certificate not trusted): the certificate of CN=meet.example at %s is not valid before 2026-11-21 12:00:00 UTC",
			"renew it on the server; if it should be valid, check the clock of this node: date"},
		{"certificate of the host", func(r *rig) *fakeServer {
			s := r.serve("cb1.meet.example", r.ca.Leaf(r.t, "cb1.meet.example"))
			r.names.component(60, s)
			return s
		}, nil, fault.CertificateName, "(wrong certificate name): at %s the certificate does not name meet.example: it names cb1.meet.example only",
			"give the server a certificate that names meet.example, or accept this one: callbridge trust <file>. If the server is of another domain, mend the SRV record: dns check"},
		{"unknown component", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.be(func() { s.refusal = streamErrorOf("host-unknown", "no call bridge has this address") })
			r.names.component(60, s)
			return s
		}, nil, fault.UnknownComponent, `(unknown call bridge): %s knows no call bridge "cb1"`, "correct the name: callbridge name <name>; or add it there, xmpp callbridge add cb1, and set its secret here: callbridge secret"},
		{"wrong secret", func(r *rig) *fakeServer { s := r.good("cb1.meet.example"); r.names.component(60, s); return s },
			func(s *Setup) { s.Secret = "other" }, fault.WrongSecret, `(wrong secret): %s does not accept the secret of call bridge "cb1"`,
			"compare it with xmpp callbridge list there, and set it here: callbridge secret"},
		{"no quorum", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.be(func() {
				s.refusal = streamErrorOf("resource-constraint", "no quorum: 1 of 3 voters reachable, 2 needed")
			})
			r.names.component(60, s)
			return s
		}, nil, fault.NoQuorum, "(no quorum): %s can not sign a call bridge in: no quorum: 1 of 3 voters reachable, 2 needed",
			"bring the missing nodes back: xmpp cluster status there"},
		{"another stream error", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.be(func() { s.refusal = streamErrorOf("policy-violation", "too many\nfailed sign-ins") })
			r.names.component(60, s)
			return s
		}, nil, fault.Unavailable, "(service not available): %s ended the stream: policy-violation, too many failed sign-ins", "look at the server's log: syslog there"},
		{"no answer to the sign-in", func(r *rig) *fakeServer {
			s := r.good("cb1.meet.example")
			s.be(func() { s.mute = true })
			r.bridge.limits.signIn = 200 * time.Millisecond
			r.names.component(60, s)
			return s
		}, nil, fault.Timeout, "(no answer in time): %s (host and port are from the SRV record " + record + ") does not answer the sign-in",
			"look at the server: xmpp status there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t)
			named := ""
			if tc.prepare != nil {
				if s := tc.prepare(r); s != nil {
					named = (target{host: s.host, port: s.port}).String()
				}
			}
			want := `connection to "meet.example" failed ` + strings.Replace(tc.text, "%s", named, 1)
			r.use(tc.setup)
			r.run()
			got := r.awaitState(Failed)
			if got.Text != want || got.Code != string(tc.code) || got.Remedy != tc.remedy || got.Retry == "" {
				t.Errorf("told\n%q, want\n%q\ncode %s, remedy %q, retry %q", got.Text, want, got.Code, got.Remedy, got.Retry)
			}
			if named != "" && (len(got.Attempts) != 1 || got.Attempts[0].Server != named || got.Attempts[0].Code != string(tc.code) || !strings.HasSuffix(want, ": "+got.Attempts[0].Text)) {
				t.Errorf("attempts: %+v", got.Attempts)
			}
			if n := r.log.times(want, journal.LinkDown); n != 1 {
				t.Errorf("journaled %d times:\n%s", n, r.log.String())
			}
		})
	}
}

// Each server of the last round is listed; what is told is of the one that let
// us come farthest.
func TestAttempts(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb2.meet.example")
	a.die()
	b.be(func() { b.refusal = streamErrorOf("host-unknown", "") })
	r.names.component(60, a, b)
	r.use(nil)
	r.run()
	got := r.awaitState(Failed)
	var codes []string
	for _, x := range got.Attempts {
		codes = append(codes, x.Server+" "+x.Code)
	}
	if want := fmt.Sprintf("[cb1.meet.example:%d TCP cb2.meet.example:%d UnknownComponent]", a.port, b.port); fmt.Sprint(codes) != want {
		t.Errorf("attempts %v, want %s", codes, want)
	}
	if got.Code != string(fault.UnknownComponent) {
		t.Errorf("told %q", got.Text)
	}
}

// A server that takes no connection is given up: its queue is full, so that it
// is silent as one behind a firewall.
func TestSilentHost(t *testing.T) {
	r := newRig(t)
	r.bridge.limits.connect = 200 * time.Millisecond
	r.use(func(s *Setup) { s.Server = fullQueue(t).String() })
	r.run()
	got := r.awaitState(Failed)
	if want := fmt.Sprintf("%s does not answer", got.Server); !strings.HasSuffix(got.Text, want) || got.Code != string(fault.TCP) {
		t.Errorf("told %q", got.Text)
	}
}

// A certificate of the trust file is accepted by its key, whatever it names and
// however old it is.
func TestPinned(t *testing.T) {
	r := newRig(t)
	own := pkitest.SelfSigned(t, "localhost", pkitest.Valid(pkitest.Now.AddDate(-2, 0, 0), pkitest.Now.AddDate(-1, 0, 0)))
	a := r.serve("cb1.meet.example", own)
	r.names.component(60, a)
	r.use(func(s *Setup) { s.Trust = NewTrust(pkitest.Certs(own), nil) })
	r.run()
	r.awaitState(Connected)
	r.use(nil)
	r.await("untrusted", func(s bus.CallBridgeStatus) bool { return s.Code == string(fault.Trust) })
}

// The failure is told once while it lasts, and the link when it comes.
func TestMended(t *testing.T) {
	r := newRig(t)
	a := r.good("cb1.meet.example")
	r.use(nil)
	r.run()
	first := r.awaitState(Failed)
	for range 3 {
		<-r.told
	}
	if n := r.log.times(first.Text, journal.LinkDown); n != 1 {
		t.Errorf("journaled %d times", n)
	}
	r.names.component(60, a)
	if got := r.awaitState(Connected); got.Code != "" || got.Remedy != "" || got.Retry != "" || got.Attempts != nil {
		t.Errorf("the failure is still told: %+v", got)
	}
}

// What was wrong in the zone is not held for its TTL once it was mended.
func TestMendedZone(t *testing.T) {
	r := newRig(t)
	a, b := r.good("cb1.meet.example"), r.good("cb1.meet.example")
	a.die()
	r.names.component(3600, a)
	r.use(nil)
	r.run()
	r.awaitState(Failed)
	r.names.component(3600, b)
	r.awaitState(Connected)
}

func TestTargets(t *testing.T) {
	for given, want := range map[string]string{
		"cb1.meet.example": "cb1.meet.example:5223", "localhost:5224": "localhost:5224", "10.0.0.1": "10.0.0.1:5223",
		"fd00::1": "[fd00::1]:5223", "[fd00::1]": "[fd00::1]:5223", "[fd00::1]:99": "[fd00::1]:99",
	} {
		s := pinned(given)
		if got := address(s); got != want {
			t.Errorf("%s is %s, want %s", given, got, want)
		}
	}
}

// fullQueue is a port that accepts nothing and whose queue is full.
func fullQueue(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port))
	for { // until one is not taken any more
		conn, err := net.DialTimeout("tcp", at.String(), 100*time.Millisecond)
		if err != nil {
			return at
		}
		t.Cleanup(func() { conn.Close() })
	}
}

package local

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xdg-go/scram"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/flow"
	"quorate.org/daemon/internal/lab/labtest"
)

const (
	nsSASL   = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsSASL2  = "urn:xmpp:sasl:2"
	patience = 20 * time.Second
)

// stranger is a client that has not signed in, over direct TLS.
type stranger struct {
	t    *testing.T
	conn *tls.Conn
}

// meet opens a stream at a node's direct-TLS port and returns the features.
func meet(t *testing.T, l *lab.Lab, n *lab.Node) (*stranger, string) {
	t.Helper()
	conn, err := l.Dial(t.Context(), "tcp", n.Addr()+":5223")
	must(t, err)
	s := &stranger{t, tls.Client(conn, labtest.TLS(l))}
	t.Cleanup(func() { conn.Close() })
	must(t, s.conn.SetDeadline(time.Now().Add(patience)))
	must(t, s.conn.HandshakeContext(t.Context()))
	return s, s.ask(clientHeader, "</stream:features>")
}

// ask sends and reads up to the first match.
func (s *stranger) ask(send, until string) string {
	s.t.Helper()
	_, err := io.WriteString(s.conn, send)
	must(s.t, err)
	re, got, buf := regexp.MustCompile(until), "", make([]byte, 16<<10)
	for !re.MatchString(got) {
		n, err := s.conn.Read(buf)
		got += string(buf[:n])
		if err != nil {
			s.t.Fatalf("waiting for %s: %v; got %.2000s", until, err, got)
		}
	}
	return got
}

func (s *stranger) auth(mechanism, data string) string {
	s.t.Helper()
	return s.ask("<auth xmlns='"+nsSASL+"' mechanism='"+mechanism+"'>"+base64.StdEncoding.EncodeToString([]byte(data))+"</auth>", "</(challenge|failure|success)>")
}

// scram plays SCRAM-SHA-256 to its end, with the authorization identity.
func (s *stranger) scram(user, password, authzid string) string {
	s.t.Helper()
	client, err := scram.SHA256.NewClient(user, password, authzid)
	must(s.t, err)
	conv := client.NewConversation()
	first, err := conv.Step("")
	must(s.t, err)
	challenge := s.auth("SCRAM-SHA-256", first)
	_, rest, ok := strings.Cut(challenge, "'>")
	if !ok || !strings.HasPrefix(challenge, "<challenge") {
		return challenge
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(rest, "</challenge>"))
	must(s.t, err)
	final, err := conv.Step(string(data))
	must(s.t, err)
	return s.ask("<response xmlns='"+nsSASL+"'>"+base64.StdEncoding.EncodeToString([]byte(final))+"</response>", "</(failure|success)>")
}

// lenient gives a node a short memory for failed sign-ins, since all clients of
// the lab have one address. Behind the test that memory is empty.
func lenient(t *testing.T, n *lab.Node, more ...string) {
	t.Helper()
	const short = "xmpp.auth_failure_window 1s"
	for _, set := range append([]string{short}, more...) {
		typed(t, n, "config set "+set)
		key, _, _ := strings.Cut(set, " ")
		t.Cleanup(func() { // t.Context is over
			if _, err := n.Exec(context.Background(), "config unset "+key); err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() { forgive(t, n, short) })
}

// forgive has a node forget the failed sign-ins of the lab: it does when it is
// called behind its window.
func forgive(t *testing.T, n *lab.Node, short string) {
	if _, err := n.Exec(context.Background(), "config set "+short); err != nil {
		t.Error(err)
	}
	began := time.Now()
	err := lab.Wait(context.Background(), patience, n.Name()+" to forget failed sign-ins", func() error {
		if took := time.Since(began); took < time.Second {
			return fmt.Errorf("its window ends in %v", time.Second-took)
		}
		conn, err := n.Lab().Dial(context.Background(), "tcp", n.Addr()+":5222")
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		if _, err := io.WriteString(conn, clientHeader); err != nil {
			return err
		}
		_, err = conn.Read(make([]byte, 64))
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// What may be tried to get in, against a follower: each is answered with the
// condition of RFC 6120 §6.5, nobody gets in, and others sign in meanwhile.
func TestM5_4_SignIn(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n := others[0]
	labtest.Account(t, l, "alice")
	labtest.Account(t, l, "bob")
	lenient(t, n, "xmpp.max_auth_failures_per_address 1000")
	alice := "alice@" + lab.Domain
	for _, c := range []struct {
		name string
		try  func(s *stranger) string
		want string
	}{
		{"PLAIN", func(s *stranger) string { return s.auth("PLAIN", "\x00alice\x00"+labtest.Password) }, "invalid-mechanism"},
		{"DIGEST-MD5", func(s *stranger) string { return s.auth("DIGEST-MD5", "") }, "invalid-mechanism"},
		{"ANONYMOUS", func(s *stranger) string { return s.auth("ANONYMOUS", "") }, "invalid-mechanism"},
		{"EXTERNAL without a certificate", func(s *stranger) string { return s.auth("EXTERNAL", alice) }, "invalid-mechanism"},
		{"someone else's authzid", func(s *stranger) string { return s.scram("alice", labtest.Password, "bob@"+lab.Domain) }, "invalid-authzid"},
		{"a full authzid", func(s *stranger) string { return s.scram("alice", labtest.Password, alice+"/x") }, "invalid-authzid"},
		{"a wrong password", func(s *stranger) string { return s.scram("alice", "x", "") }, "not-authorized"},
		{"nobody's password", func(s *stranger) string { return s.scram("nobody", "x", "") }, "not-authorized"},
		{"a downgrade", func(s *stranger) string { return s.auth("SCRAM-SHA-256", "y,,n=alice,r=abc") }, "not-authorized"},
		{"a binding nobody has", func(s *stranger) string { return s.auth("SCRAM-SHA-256-PLUS", "p=tls-unique,,n=alice,r=abc") }, "not-authorized"},
		{"no binding in -PLUS", func(s *stranger) string { return s.auth("SCRAM-SHA-256-PLUS", "n,,n=alice,r=abc") }, "not-authorized"},
		{"a mandatory extension", func(s *stranger) string { return s.auth("SCRAM-SHA-256", "n,,m=x,n=alice,r=abc") }, "malformed-request"},
		{"an empty name", func(s *stranger) string { return s.auth("SCRAM-SHA-256", "n,,n=,r=abc") }, "malformed-request"},
		{"no UTF-8", func(s *stranger) string { return s.auth("SCRAM-SHA-256", "n,,n=\xff,r=abc") }, "malformed-request"},
		{"no base64", func(s *stranger) string {
			return s.ask("<auth xmlns='"+nsSASL+"' mechanism='SCRAM-SHA-256'>*</auth>", "</failure>")
		}, "incorrect-encoding"},
		{"a response to nothing", func(s *stranger) string {
			return s.ask("<response xmlns='"+nsSASL+"'>YQ==</response>", "</failure>")
		}, "malformed-request"},
		{"abort", func(s *stranger) string { return s.ask("<abort xmlns='"+nsSASL+"'/>", "</failure>") }, "aborted"},
		{"SASL2 by PLAIN", func(s *stranger) string {
			return s.ask("<authenticate xmlns='"+nsSASL2+"' mechanism='PLAIN'><initial-response>AGEAYg==</initial-response></authenticate>", "</failure>")
		}, "invalid-mechanism"},
		{"a sign-in within a sign-in", func(s *stranger) string {
			s.auth("SCRAM-SHA-256", "n,,n=alice,r=abc")
			return s.ask("<authenticate xmlns='"+nsSASL2+"' mechanism='SCRAM-SHA-1'/>", "</stream:stream>")
		}, "not-authorized"},
		{"a stanza within a sign-in", func(s *stranger) string {
			s.auth("SCRAM-SHA-256", "n,,n=alice,r=abc")
			return s.ask("<presence/>", "</stream:stream>")
		}, "not-authorized"},
		{"four wrong passwords", func(s *stranger) string {
			for range 3 {
				s.scram("alice", "x", "")
			}
			s.auth("SCRAM-SHA-256", "n,,n=alice,r=abc")
			return s.ask("<response xmlns='"+nsSASL+"'>Yz1iaXdzLHI9YWJjLHA9QUFBQQ==</response>", "</stream:stream>")
		}, "policy-violation"},
		{"jabber:iq:auth", func(s *stranger) string { // CVE-2016-6445
			return s.ask("<iq type='set' id='1'><query xmlns='jabber:iq:auth'><username>alice</username><password>x</password><resource>x</resource></query></iq>", "</stream:stream>")
		}, "not-authorized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := meet(t, l, n)
			if got := c.try(s); !strings.Contains(got, "<"+c.want) || strings.Contains(got, "<success") {
				t.Errorf("want <%s/>, got %s", c.want, got)
			}
		})
	}
	labtest.Client(t, l, "bob", n)
	t.Logf("M5.4 sign-in: 22 tries, each answered with its condition, and nobody got in")
}

// Fifty wrong passwords side by side: eight are looked at, the account is held
// back for the others and for whoever it never let in; its owner signs in from
// where she was before, and another account does not feel it.
func TestM5_4_FiftyWrongPasswords(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n := others[1]
	labtest.Account(t, l, "bob")
	labtest.Client(t, l, "alice", n).Close() // she has been here
	lenient(t, n, "xmpp.auth_failure_window 5m", "xmpp.max_auth_failures_per_address 1000", "xmpp.max_auth_failures_per_account 8")
	for user, want := range map[string]int{"mallory": 8, "alice": 50} { // who does not exist, and who was here
		var looked, held atomic.Int32
		var all sync.WaitGroup
		begun := time.Now()
		for range 50 {
			s, _ := meet(t, l, n)
			all.Go(func() {
				switch got := s.scram(user, "guess", ""); {
				case strings.Contains(got, "<not-authorized"):
					looked.Add(1)
				case strings.Contains(got, "<temporary-auth-failure"):
					held.Add(1)
				default:
					t.Errorf("a guess got %s", got)
				}
			})
		}
		all.Wait()
		must(t, wantf(int(looked.Load()) == want && looked.Load()+held.Load() == 50, "%s: %d guesses are looked at and %d held back", user, looked.Load(), held.Load()))
		t.Logf("M5.4 wrong passwords: of 50 for %s at once %d are looked at, %d held back, in %.1f s", user, looked.Load(), held.Load(), time.Since(begun).Seconds())
	}
	labtest.Client(t, l, "alice", n)
	labtest.Client(t, l, "bob", n)
	t.Log("M5.4 wrong passwords: the owner and another account sign in meanwhile")
}

// Who asks for a challenge can not tell by its time whether the account exists:
// of two answers, one each, either is as often the slower.
func TestM5_4_ProbingByTiming(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	n := others[0]
	labtest.Account(t, l, "alice")
	// A sign-in that is not completed has failed.
	lenient(t, n, "xmpp.max_auth_failures_per_account 1000", "xmpp.max_auth_failures_per_address 1000")
	const rounds = 150
	var known, unknown []time.Duration
	ask := func(user string) time.Duration {
		s, _ := meet(t, l, n)
		defer s.conn.Close()
		begun := time.Now()
		got := s.auth("SCRAM-SHA-256", "n,,n="+user+",r=abc")
		took := time.Since(begun)
		must(t, wantf(strings.HasPrefix(got, "<challenge"), "%s got %s", user, got))
		return took
	}
	for i := range rounds {
		if i%2 == 0 {
			known = append(known, ask("alice"))
			unknown = append(unknown, ask("alyce"))
		} else {
			unknown = append(unknown, ask("alyce"))
			known = append(known, ask("alice"))
		}
	}
	share := slower(known, unknown)
	must(t, wantf(share > 0.35 && share < 0.65, "a known user is the slower of two in %.0f %% of the pairs", share*100))
	slices.Sort(known)
	slices.Sort(unknown)
	t.Logf("M5.4 probing: a known user is the slower of two in %.0f %% of the pairs, medians %s and %s", share*100, known[rounds/2], unknown[rounds/2])
}

// slower is in what share of all pairs the first is the slower (Mann-Whitney).
func slower(a, b []time.Duration) float64 {
	n := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				n++
			case x == y:
				n += 0.5
			}
		}
	}
	return n / float64(len(a)*len(b))
}

// TLS that is too old, broken off or no TLS at all costs nobody anything.
func TestM5_4_TLS(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Node("cb2")
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		conn, err := l.Dial(t.Context(), "tcp", n.Addr()+":5223")
		must(t, err)
		old := labtest.TLS(l)
		old.MinVersion, old.MaxVersion = version, version
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		must(t, wantf(tls.Client(conn, old).HandshakeContext(t.Context()) != nil, "%s is spoken", tls.VersionName(version)))
		conn.Close()
	}
	for _, bytes := range []string{"", "\x16", "\x16\x03\x01\xff\xff", "\x16\x03\x01\x00\x05\x01\x00\x00\x01", "GET / HTTP/1.1\r\n\r\n", strings.Repeat("\x00", 4096)} {
		conn, err := l.Dial(t.Context(), "tcp", n.Addr()+":5223")
		must(t, err)
		must(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = io.WriteString(conn, bytes)
		must(t, err)
		if c, ok := conn.(*net.TCPConn); ok {
			_ = c.CloseWrite() // the server may have closed first
		}
		_, err = io.Copy(io.Discard, conn)
		must(t, wantf(err == nil || closedEarly(err), "%q: the connection stays open: %v", bytes, err))
		conn.Close()
	}
	labtest.Client(t, l, "alice", n)
	t.Log("M5.4 TLS: 1.0 and 1.1 refused, six broken handshakes closed, clients sign in")
}

// A further domain beside the first: it is added once, each node shows its own certificate for it, accounts of one name are two, and
// all of it outlives the leader.
func TestM5_1_MultiDomain(t *testing.T) {
	l := labtest.Form(t, lab.Shared)
	const second = "second.example"
	for _, n := range l.Members() {
		cert, key, err := l.CA.Issue(time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 90), second, n.Name()+"."+second)
		must(t, err)
		must(t, n.Put(t.Context(), "second.key", key))
		must(t, n.Put(t.Context(), "second.cer", cert))
		listed(t, n, "second.key", "ready")
		listed(t, n, "second.cer", "ready")
		typed(t, n, "xmpp multi_domain add "+second+" second.key second.cer ca.cer")
	}
	labtest.Account(t, l, "alice")
	typed(t, l.Node("cb1"), "xmpp user add alice@"+second, "another password", "another password")
	refused(t, l.Node("cb2"), "xmpp multi_domain del "+second, "1 users", "alice@"+second)

	verified := &tls.Config{RootCAs: l.CA.Pool(), ServerName: second}
	signIn := func(at *lab.Node, resource string) *flow.Peer {
		t.Helper()
		var p *flow.Peer
		must(t, lab.Wait(t.Context(), patience, "a sign-in at "+at.Name(), func() (err error) {
			p, err = flow.Client(t.Context(), l.Dial, at.Addr()+":5222", verified,
				flow.Account{Local: "alice", Domain: second, Password: "another password", Resource: resource})
			return err
		}))
		t.Cleanup(p.Close)
		return p
	}
	talk := func(from, to *flow.Peer) {
		t.Helper()
		got := make(chan string, 16)
		to.Handle(func(elem []byte) {
			if strings.HasPrefix(string(elem), "<message") {
				got <- string(elem)
			}
		})
		must(t, from.Send([]byte("<message type='chat' to='"+to.JID+"'><body>hello</body></message>")))
		select {
		case m := <-got:
			must(t, wantf(strings.Contains(m, "from='"+from.JID+"'") && strings.Contains(m, "hello"), "got %s", m))
		case <-time.After(patience):
			t.Fatalf("nothing came from %s to %s", from.JID, to.JID)
		}
	}
	leader, others := leaderOf(t, l)
	a, b := labtest.Client(t, l, "alice", others[0]), signIn(others[1], "x")
	must(t, wantf(b.JID == "alice@"+second+"/x", "bound as %s", b.JID))
	talk(a, b)
	talk(b, a)
	_, err := flow.Client(t.Context(), l.Dial, others[0].Addr()+":5222", verified,
		flow.Account{Local: "alice", Domain: second, Password: labtest.Password, Resource: "x"})
	must(t, wantf(err != nil && strings.Contains(err.Error(), "not-authorized"), "the password of the other domain's alice: %v", err))

	must(t, leader.Kill(t.Context()))
	c := signIn(others[0], "y")
	talk(a, c)
	talk(c, b)
	for _, n := range others {
		out := typed(t, n, "xmpp multi_domain list")
		must(t, wantf(strings.Contains(out, second) && !strings.Contains(out, "WARNING"), "%s lists %s", n.Name(), out))
	}
	typed(t, others[0], "xmpp user del alice@"+second)
	typed(t, others[1], "xmpp multi_domain del "+second)
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatal("the streams of a domain that is gone stay open")
	}
	t.Log("M5.1 multi-domain: two domains on three nodes, each with its certificate by SNI and its accounts, messages between them before and after the leader was killed")
}

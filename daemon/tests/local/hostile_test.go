package local

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/internal/lab/labtest"
)

const (
	clientHeader    = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='" + lab.Domain + "'>"
	componentHeader = "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='cb1." + lab.Domain + "'>"
)

// What a stranger may send before it has signed in, and the stream error of
// RFC 6120 §4.9.3 that must answer it.
func TestM2_10_BeforeSignIn(t *testing.T) {
	l := labtest.Cluster(t)
	big := strings.Repeat("x", 20<<10)
	tests := []struct{ name, send, want string }{
		{"malformed", clientHeader + "<auth <", "not-well-formed"},
		{"mismatched tags", clientHeader + "<a></b>", "not-well-formed"},
		{"undeclared prefix", clientHeader + "<q:a/>", "not-well-formed|bad-namespace-prefix"},
		{"DTD", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>" + clientHeader[21:], "restricted-xml"},
		{"comment", clientHeader + "<!-- -->", "restricted-xml"},
		{"processing instruction", clientHeader + "<?a b?>", "restricted-xml"},
		{"entity", clientHeader + "<a>&b;</a>", "restricted-xml"},
		{"invalid UTF-8", clientHeader + "<a>\xff\xfe</a>", "bad-format|not-well-formed|unsupported-encoding"},
		{"wrong namespace", strings.Replace(clientHeader, "jabber:client", "jabber:nothing", 1), "invalid-namespace"},
		{"wrong stream namespace", strings.Replace(clientHeader, "etherx.jabber.org", "elsewhere.example", 1), "invalid-namespace"},
		{"other host", strings.Replace(clientHeader, lab.Domain, "elsewhere.example", 1), "host-unknown"},
		{"oversized stanza", clientHeader + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + big, "policy-violation"},
		{"deep nesting", clientHeader + strings.Repeat("<a>", 1000), "policy-violation"},
		{"many attributes", clientHeader + "<a" + attributes(1000) + "/>", "policy-violation"},
		{"stanza before sign-in", clientHeader + "<message to='a@" + lab.Domain + "'/>", "not-authorized"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			conn, err := l.Dial(t.Context(), "tcp", l.Node("cb2").Addr()+":5222")
			must(t, err)
			defer conn.Close()
			wantStreamError(t, conn, tc.send, tc.want)
		})
	}
	t.Logf("M2.10 before sign-in: %d kinds of bad input, each answered with its stream error and closed", len(tests))
}

func attributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " a%d=''", i)
	}
	return b.String()
}

// The same from a signed-in component, with the larger limits it has.
func TestM2_10_AfterSignIn(t *testing.T) {
	l := labtest.Cluster(t)
	tests := []struct{ name, send, want string }{
		{"malformed", "<message><body></message>", "not-well-formed"},
		{"DTD", "<!DOCTYPE a>", "restricted-xml"},
		{"oversized stanza", "<message to='alice@" + lab.Domain + "'><body>" + strings.Repeat("x", 300<<10), "policy-violation"},
		{"deep nesting", "<message>" + strings.Repeat("<a>", 10_000), "policy-violation"},
		{"forged sender", "<message from='cb2." + lab.Domain + "' to='alice@" + lab.Domain + "'/>", "invalid-from"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := labtest.Component(t, l, "cb3", l.Node("cb3"))
			if err := p.Send([]byte(tc.send)); err != nil && !closedEarly(err) {
				t.Fatal(err)
			}
			select {
			case <-p.Done():
			case <-time.After(10 * time.Second):
				t.Fatal("the stream is still open")
			}
			must(t, wantf(strings.Contains(p.Err().Error(), "<"+tc.want), "want %s, got %v", tc.want, p.Err()))
		})
	}
	t.Logf("M2.10 after sign-in: %d kinds of bad input, each answered with its stream error and closed", len(tests))
}

// wantStreamError sends and reads until the server closes. A limit may close
// while the sender still writes.
func wantStreamError(t *testing.T, conn net.Conn, send, want string) {
	t.Helper()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(conn, send) }() // the server may close first
	got, err := io.ReadAll(conn)
	if err != nil && !closedEarly(err) {
		t.Fatalf("the server did not close: %v after %q", err, got)
	}
	for _, condition := range strings.Split(want, "|") {
		if bytes.Contains(got, []byte("<"+condition+" ")) || bytes.Contains(got, []byte("<"+condition+"/")) {
			return
		}
	}
	t.Errorf("want %s, got %q", want, got)
}

func closedEarly(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout() || errors.Is(err, io.EOF)
}

// A stream header without end is cut off after a bounded number of bytes.
func TestM2_10_EndlessHeader(t *testing.T) {
	l := labtest.Cluster(t)
	for _, port := range []string{"5222", "5223"} {
		conn, err := l.Dial(t.Context(), "tcp", l.Node("cb2").Addr()+":"+port)
		must(t, err)
		if port == "5223" {
			conn = tls.Client(conn, labtest.TLS(l))
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		sent, err := io.Copy(conn, io.MultiReader(strings.NewReader("<stream:stream a='"), endless{}))
		_ = conn.Close()
		must(t, wantf(err != nil && !errors.Is(err, net.ErrClosed) && sent < 16<<20, "port %s took %d bytes: %v", port, sent, err))
		t.Logf("M2.10 endless header on %s: cut off, at most %d KiB were in flight", port, sent>>10)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// Connections that say nothing are closed at the time limit, and together
// cost a bounded amount of memory.
func TestM2_10_HalfOpen(t *testing.T) {
	l := labtest.Cluster(t)
	n := l.Node("cb2")
	typed(t, n, "config set xmpp.auth_timeout 3s")
	defer typed(t, n, "config unset xmpp.auth_timeout")
	before := rss(t, n)
	conns := make([]net.Conn, 0, 300)
	for range cap(conns) {
		conn, err := l.Dial(t.Context(), "tcp", n.Addr()+":5222")
		if err != nil {
			break // past the limit of connections for one address
		}
		defer conn.Close()
		conns = append(conns, conn)
	}
	grown := rss(t, n) - before
	for i, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, conn); err != nil && !closedEarly(err) {
			t.Fatalf("connection %d of %d is still open: %v", i+1, len(conns), err)
		}
	}
	must(t, wantf(grown < 32<<20, "%d half-open connections cost %d MiB", len(conns), grown>>20))
	t.Logf("M2.10 half-open: %d connections closed at the time limit, %d KiB of memory", len(conns), grown>>10)
}

// A client that does not read is closed when its bounded queue is full; others
// are not held up, and memory stays bounded.
func TestM2_10_SlowReader(t *testing.T) {
	l := labtest.Cluster(t)
	_, others := leaderOf(t, l)
	slow := sleeper(t, l, others[1])
	sender := labtest.Component(t, l, "cb1", others[0])
	other := labtest.Client(t, l, "bob", others[1])
	before := rss(t, others[1])
	echoed := make(chan struct{}, 1)
	other.Handle(func(elem []byte) {
		if bytes.Contains(elem, []byte("id='after'")) {
			echoed <- struct{}{}
		}
	})
	const flood = 24 << 20
	msg := []byte("<message from='cb1." + lab.Domain + "' to='" + slow + "'><body>" + strings.Repeat("x", 16<<10) + "</body></message>")
	for sent := 0; sent < flood; sent += len(msg) {
		must(t, sender.Send(msg))
	}
	must(t, sender.Send([]byte("<message from='cb1."+lab.Domain+"' to='"+other.JID+"' id='after'><body>x</body></message>")))
	select {
	case <-echoed:
	case <-time.After(15 * time.Second):
		t.Fatal("the slow reader held another recipient up")
	}
	grown := rss(t, others[1]) - before
	must(t, wantf(grown < 64<<20, "the slow reader cost %d MiB", grown>>20))
	t.Logf("M2.10 slow reader: %d MiB sent to it, others served, memory grew by %d KiB", flood>>20, max(0, grown)>>10)
}

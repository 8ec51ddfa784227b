package web

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"quorate.org/daemon/internal/lab"
	"quorate.org/daemon/journal"
)

// grown runs an attack and returns by how much Web Admin's memory grew, at most
// limit bytes.
func (s *siege) grown(limit int, attack func()) (bytes int) {
	s.t.Helper()
	before, err := s.node.Memory("webd")
	must(s.t, err)
	attack()
	after, err := s.node.Memory("webd")
	must(s.t, err)
	must(s.t, wantf(after-before < limit, "the attack cost %d MiB", (after-before)>>20))
	return max(0, after-before)
}

// Headers and forms that trickle in are cut off after ten seconds, and hold
// nobody up.
func TestM3_5_SlowLoris(t *testing.T) {
	s := besiege(t)
	slow := s.stranger()
	starts := []string{
		"", // a handshake and nothing more
		"GET /sig", "GET /signin HTTP/1.1\r\nHost: cb2\r\nX-A: ",
		"POST /signin HTTP/1.1\r\nHost: cb2\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nuser=",
	}
	var conns []net.Conn
	for i := range 40 {
		c := slow.tls("http/1.1")
		defer c.Close()
		_, err := io.WriteString(c, starts[i%len(starts)])
		must(t, err)
		conns = append(conns, c)
	}
	begun := time.Now()
	stop := make(chan struct{})
	defer close(stop)
	go trickle(conns, stop) // ends with the test
	s.elsewhere().signIn("admin")
	must(t, wantf(time.Since(begun) < 5*time.Second, "signing in takes %v beside them", time.Since(begun)))
	var wg sync.WaitGroup
	for i, c := range conns {
		wg.Go(func() {
			_, _ = io.Copy(io.Discard, c) // however it ends
			if took := time.Since(begun); took > 15*time.Second {
				t.Errorf("%q is cut off after %v", starts[i%len(starts)], took)
			}
		})
	}
	wg.Wait()
	s.told(journal.WebRefused, "did not arrive in time", "POST /signin")
	s.held()
	t.Logf("M3.5 slow loris: %d connections that trickle are cut off after 10 s; another signs in meanwhile", len(conns))
}

// trickle sends a byte a second into each connection until stop is closed.
func trickle(conns []net.Conn, stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			for _, c := range conns {
				_, _ = io.WriteString(c, "x") // it may be cut off
			}
		}
	}
}

// One address has so many connections; the others are not its.
func TestM3_5_IdleConnections(t *testing.T) {
	s := besiege(t)
	var open []net.Conn
	grown := s.grown(32<<20, func() {
		for range 200 {
			c, err := s.lab.Dial(t.Context(), "tcp", s.node.Addr()+":445")
			must(t, err)
			open = append(open, c)
		}
		s.elsewhere().signIn("admin")
	})
	cut := 0
	for _, c := range open {
		defer c.Close()
		must(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		if _, err := c.Read(make([]byte, 1)); !timedOut(err) {
			cut++
		}
	}
	must(t, wantf(cut >= 200-48, "only %d of %d connections were cut off", cut, len(open)))
	s.held()
	t.Logf("M3.5 idle connections: of %d from one address %d were cut off at once, %d KiB; another address signs in", len(open), cut, grown>>10)
}

// Frames of HTTP/2 (RFC 9113 §6) as an attacker writes them.
const (
	frameHeaders, frameReset, frameSettings, framePing, frameContinuation = 1, 3, 4, 6, 9
	flagEnd, flagEndHeaders                                               = 1, 4
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := make([]byte, 9, 9+len(payload))
	b[0], b[1], b[2], b[3], b[4] = byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, flags
	binary.BigEndian.PutUint32(b[5:], stream)
	return append(b, payload...)
}

// getSignIn is the header block of GET /signin in HPACK (RFC 7541): entries of
// the static table, and :path and :authority as literals.
var getSignIn = []byte("\x82\x87\x04\x07/signin\x01\x03cb2")

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// Floods of HTTP/2 end their connection, or are answered at a bounded rate, and
// hold nobody up.
func TestM3_5_HTTP2Flood(t *testing.T) {
	s := besiege(t)
	settings := frame(frameSettings, 0, 0, nil)
	floods := map[string]func(i uint32) []byte{
		"rapid reset": func(i uint32) []byte { // CVE-2023-44487
			return append(frame(frameHeaders, flagEnd|flagEndHeaders, 2*i+1, getSignIn), frame(frameReset, 0, 2*i+1, []byte{0, 0, 0, 8})...)
		},
		"streams without end": func(i uint32) []byte { return frame(frameHeaders, flagEndHeaders, 2*i+1, getSignIn) },
		"settings":            func(uint32) []byte { return settings },
		"pings":               func(uint32) []byte { return frame(framePing, 0, 0, make([]byte, 8)) },
		"header without end": func(i uint32) []byte { // CVE-2023-45288
			if i == 0 {
				return frame(frameHeaders, flagEnd, 1, getSignIn)
			}
			return frame(frameContinuation, 0, 1, []byte("\x00\x01a\x7f\x81\x7f"+strings.Repeat("x", 256)))
		},
	}
	const frames = 20_000
	var ended []string
	grown := s.grown(64<<20, func() {
		for name, next := range floods {
			c := s.stranger().tls("h2")
			out := bufio.NewWriter(c)
			_, err := out.WriteString(preface)
			must(t, err)
			_, err = out.Write(settings)
			must(t, err)
			closed := make(chan struct{})
			go func() { defer close(closed); _, _ = io.Copy(io.Discard, c) }() // until the node has had enough
			sent := uint32(0)
			for ; err == nil && sent < frames; sent++ {
				_, err = out.Write(next(sent))
			}
			if err == nil {
				_ = out.Flush() // it may be closed meanwhile
			}
			if name == "rapid reset" || name == "header without end" { // the others are answered as they are read
				select {
				case <-closed:
					ended = append(ended, name)
				case <-time.After(10 * time.Second):
					t.Errorf("%s goes on", name)
				}
			}
			begun := time.Now()
			s.elsewhere().signIn("admin")
			must(t, wantf(time.Since(begun) < 5*time.Second, "beside %s a sign-in takes %v", name, time.Since(begun)))
			_ = c.Close() // most are already
		}
	})
	s.held()
	t.Logf("M3.5 HTTP/2 flood: of %d floods of %d frames these are cut off: %s; sign-ins go on beside all, %d KiB", len(floods), frames, strings.Join(ended, ", "), grown>>10)
}

// One request is one request.
func TestM3_5_Smuggling(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	const host, hidden = "Host: cb2\r\nContent-Type: application/x-www-form-urlencoded\r\n", "GET /smuggled HTTP/1.1\r\nHost: cb2\r\n\r\n"
	tests := []struct{ name, text string }{
		{"TE and CL", host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"CL and TE", host + "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n" + hidden},
		{"TE alone", host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"TE of two", host + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + hidden},
		{"TE unknown", host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden},
		{"TE twice", host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n" + hidden},
		{"a blank before the colon", host + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"a folded TE", host + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + hidden},
		{"two lengths", host + "Content-Length: 0\r\nContent-Length: 40\r\n\r\n" + hidden},
		{"a signed length", host + "Content-Length: +0\r\n\r\n" + hidden},
		{"a list of lengths", host + "Content-Length: 0, 40\r\n\r\n" + hidden},
		{"a bare CR", host + "X: a\rContent-Length: 0\r\n\r\n" + hidden},
	}
	for _, tc := range tests {
		a := admin.raw("POST /signin HTTP/1.1\r\n" + tc.text)
		if !strings.HasPrefix(a, "HTTP/1.1 4") && !strings.HasPrefix(a, "HTTP/1.1 501 ") || strings.Count(a, "HTTP/1.1 ") != 1 {
			t.Errorf("%s answers %.300q", tc.name, a)
		}
	}
	s.told(journal.WebRefused, "must have a Content-Length")
	s.held()
	t.Logf("M3.5 request smuggling: %d forms refused, and what follows is not read", len(tests))
}

// A session has so many live pages; others are not held up.
func TestM3_5_StreamExhaustion(t *testing.T) {
	s := besiege(t)
	admin := s.signedIn("admin")
	cookie := admin.cookie().Value
	codes := map[string]int{}
	for i := range 12 {
		c := admin.tls("http/1.1")
		defer c.Close()
		path := []string{"/status/live", "/logs/live"}[i%2]
		_, err := io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: cb2\r\nCookie: __Host-quorate="+cookie+"\r\n\r\n")
		must(t, err)
		line, err := bufio.NewReader(c).ReadString('\n')
		must(t, err)
		codes[strings.TrimSpace(line)]++
	}
	must(t, wantf(codes["HTTP/1.1 200 OK"] == 4 && codes["HTTP/1.1 503 Service Unavailable"] == 8, "12 live pages are answered %v", codes))
	s.want(admin.get("/status"), http.StatusOK)
	operator := s.signedIn("operator", s.lab.Node("cb3").Dial)
	r := operator.request(http.MethodGet, "/status/live", nil)
	answer, err := operator.client.Do(r)
	must(t, err)
	defer answer.Body.Close()
	must(t, wantf(answer.StatusCode == http.StatusOK, "another's live page answers %s", answer.Status))
	// Signing out ends those that are open.
	live := admin.tls("http/1.1")
	s.want(admin.post("/signout", url.Values{"csrf": {admin.token()}}), http.StatusSeeOther)
	_ = live.Close()
	must(t, lab.Wait(t.Context(), 10*time.Second, "the live pages to end", func() error {
		again := s.signedIn("admin")
		return wantf(again.get("/status").code == http.StatusOK, "no page")
	}))
	s.held()
	t.Log("M3.5 stream exhaustion: 4 live pages of a session, the rest 503; another's go on")
}

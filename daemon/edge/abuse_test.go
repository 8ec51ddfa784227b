package edge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/jid"
)

// TestBadInput sends what no peer should, before TLS, before authentication and
// on a bound stream; the answer is the error that RFC 6120 §4.9.3 names.
func TestBadInput(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	deep := "<message>" + strings.Repeat("<a>", 100)
	attrs := "<message"
	for i := range 100 {
		attrs += fmt.Sprintf(" a%d=''", i)
	}
	for name, c := range map[string]struct{ in, condition string }{
		"not well-formed":   {"<message></presence>", "not-well-formed"},
		"undeclared prefix": {"<message><x:y/></message>", "not-well-formed"},
		"text":              {"hello", "bad-format"},
		"DTD":               {"<!DOCTYPE a [<!ENTITY x 'y'>]>", "restricted-xml"},
		"comment":           {"<message><!-- x --></message>", "restricted-xml"},
		"instruction":       {"<?php x?>", "restricted-xml"},
		"entity":            {"<message>&nbsp;</message>", "restricted-xml"},
		"deep nesting":      {deep, "policy-violation"},
		"attributes":        {attrs + "/>", "policy-violation"},
		"oversized stanza":  {"<message><body>" + strings.Repeat("x", 300<<10), "policy-violation"},
		"unknown element":   {"<pubsub/>", "unsupported-stanza-type"},
		"wrong namespace":   {"<message xmlns='jabber:server'/>", "invalid-namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain, secure, bound := r.dial(false), r.dial(true), r.client("juliet", strconv.Itoa(len(name)))
			plain.send(clientOpen)
			secure.send(clientOpen)
			for _, p := range []*peer{plain, secure, bound} {
				p.t = t
				go io.WriteString(p.conn, c.in) // the server may not read all of it
				p.fails(c.condition)
			}
		})
	}
}

// TestBadHeader sends bad beginnings of a stream.
func TestBadHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	for name, c := range map[string]struct{ in, condition string }{
		"endless header":      {"<stream:stream xmlns='" + strings.Repeat("x", 64<<10), "policy-violation"},
		"endless declaration": {"<?xml version='1.0'" + strings.Repeat(" ", 64<<10), "policy-violation"},
		"DTD":                 {"<!DOCTYPE stream>", "restricted-xml"},
		"UTF-16":              {"\xff\xfe<\x00?\x00x\x00", "unsupported-encoding"},
		"other root":          {"<html xmlns='http://www.w3.org/1999/xhtml'>", "invalid-namespace"},
		"HTTP":                {"GET / HTTP/1.1\r\n\r\n", "not-well-formed"},
		"unknown host":        {strings.Replace(clientOpen, "meet.", "other.", 1), "host-unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, direct := range []bool{false, true} {
				p := r.dial(direct)
				p.t = t
				go io.WriteString(p.conn, c.in)
				p.fails(c.condition)
			}
		})
	}
}

// TestMemoryBefore sends endless headers on many connections at once: what the
// server holds for each stays within the limit of a header.
func TestMemoryBefore(t *testing.T) {
	r := newRig(t, Limits{})
	const conns = 200
	before := heap()
	begin := strings.Repeat("x", 8000)
	var peers []*peer
	for range conns {
		p := r.dial(false)
		p.send("<stream:stream xmlns='" + begin)
		peers = append(peers, p)
	}
	if grown := heap() - before; grown > conns*64<<10 {
		t.Errorf("%d KiB for each connection", grown/conns>>10)
	}
	for _, p := range peers {
		go io.WriteString(p.conn, begin)
		p.until("<policy-violation ")
	}
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestSlowReader floods a client that does not read. It is cut off at the bound
// of its outbox, and each message taken in was written or is given back, once
// and in order.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	const bound = 256 << 10
	r := newRig(t, Limits{Outbox: bound})
	p := r.client("juliet", "slow")
	s := r.hub.find(jid.MustParse("juliet@meet.example/slow"))
	taken := 0
	for body := strings.Repeat("x", 1000); ; taken++ {
		if !s.out.Enqueue(fmt.Appendf(nil, "<message id='%d'>%s</message>", taken, body)) {
			break
		}
	}
	if s.out.Enqueue([]byte("<message/>")) {
		t.Error("taken in behind the end")
	}
	if closed := r.closedSession(); closed != s {
		t.Fatalf("closed %s", closed.jid)
	}
	held := 0
	for _, u := range s.unwritten {
		held += len(u)
	}
	if held > bound {
		t.Errorf("%d bytes held, bound %d", held, bound)
	}
	p.conn.SetReadDeadline(time.Now().Add(patience))
	got, _ := io.ReadAll(p.conn) // ends anyhow, since the connection was cut off
	next := 0
	for _, part := range append(strings.SplitAfter(string(got), "</message>"), texts(s.unwritten)...) {
		if !strings.HasPrefix(part, "<message id='") || !strings.HasSuffix(part, "</message>") {
			continue // cut off in the middle of a stanza, or the stream error
		}
		if want := fmt.Sprintf("<message id='%d'>", next); !strings.HasPrefix(part, want) {
			t.Fatalf("got %.30s, want %s", part, want)
		}
		next++
	}
	if next != taken {
		t.Errorf("%d of %d messages written or given back", next, taken)
	}
	found := r.logged(1, "message", "session ended")
	if len(found) != 1 || !strings.Contains(found[0]["reason"], "resource-constraint") {
		t.Errorf("in the journal: %v", found)
	}
}

func texts(list [][]byte) []string {
	var s []string
	for _, b := range list {
		s = append(s, string(b))
	}
	return s
}

// TestStalledWrite has a client that does not read but gets little: the sweep
// finds it.
func TestStalledWrite(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{Outbox: 64 << 20})
	r.client("juliet", "slow")
	s := r.hub.find(jid.MustParse("juliet@meet.example/slow"))
	big := []byte("<message>" + strings.Repeat("x", 100<<10) + "</message>")
	for range 100 { // more than the buffers of both sockets hold
		s.out.Enqueue(big)
	}
	for now := time.Now(); s.out.(*conn).shut.Load() == nil; runtime.Gosched() {
		r.edge.sweep(now) // as time goes by, while a write goes on or hangs
		now = now.Add(DefaultLimits.WriteTimeout)
	}
	if closed := r.closedSession(); closed != s || len(closed.unwritten) == 0 {
		t.Fatalf("closed %s, %d unwritten", closed.jid, len(closed.unwritten))
	}
	if n := r.edge.Seen().Reached[boundWrite]; n == 0 {
		t.Error("that is not counted")
	}
}

// TestHalfOpen has peers that fall silent before they are signed in.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{AuthTimeout: time.Second})
	handshake, err := net.Dial("tcp", r.address(true))
	if err != nil {
		t.Fatal(err)
	}
	defer handshake.Close()
	silent, header, secured := r.dial(false), r.dial(false), r.dial(true)
	header.send("<stream:stream xmlns='jabber:cl")
	secured.send(clientOpen)
	for _, p := range []*peer{silent, header, secured} {
		p.fails("connection-timeout")
	}
	if got := (&peer{t: t, conn: handshake}).rest(); got != "" {
		t.Errorf("in the middle of the TLS handshake: %q", got)
	}
}

// TestNoTimeLimitOnceBound waits for a slow grant, and then on a bound stream,
// for longer than the limit.
func TestNoTimeLimitOnceBound(t *testing.T) {
	t.Parallel()
	const limit = time.Second
	r := newRig(t, Limits{AuthTimeout: limit})
	r.hub.granting = func(context.Context, jid.JID) error {
		<-time.After(limit + limit/10)
		return nil
	}
	p := r.component("cb1")
	p.conn.SetReadDeadline(time.Now().Add(limit + limit/10))
	if n, err := p.conn.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

// TestBindRefused has a router that grants nothing.
func TestBindRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	r.hub.granting = func(context.Context, jid.JID) error {
		return &Refusal{Condition: "remote-server-timeout", Text: "no leader"}
	}
	p := r.dial(true)
	p.signIn(login{"juliet", "pencil", ""})
	p.send(clientOpen)
	p.until("</stream:features>")
	p.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
	p.until("<iq type='error' id='b'><error type='wait'><remote-server-timeout [^>]*/><text [^>]*>no leader</text></error></iq>")
	cb := r.dial(true)
	cb.handshake("cb1", "secret of cb1")
	cb.fails("internal-server-error")
}

func TestAddressLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{PerAddress: 3, AuthFailures: 2})
	var held []*peer
	for range 3 {
		p := r.dial(false)
		p.send(clientOpen)
		p.until("</stream:features>")
		held = append(held, p)
	}
	for range 2 {
		turnedAway(t, r)
	}
	if n := len(r.logged(1, "message", "connections refused: too many of this node, of this address, or too many failed sign-ins")); n != 1 {
		t.Errorf("%d times in the journal", n)
	}
	for _, p := range held {
		p.send("</stream:stream>")
		p.rest()
	}
	for !r.empty() { // the server's end may still be closing
		runtime.Gosched()
	}
	for i, want := range []string{"<failure", "policy-violation"} {
		p := r.dial(true)
		p.send(clientOpen + "<auth xmlns='" + nsSASL + "' mechanism='PLAIN'/>")
		p.until(want)
		if i == 0 {
			p.conn.Close()
		}
	}
	turnedAway(t, r)
}

// empty reports whether no connection is left.
func (r *rig) empty() bool {
	r.edge.mu.Lock()
	defer r.edge.mu.Unlock()
	return len(r.edge.conns) == 0
}

// turnedAway expects that a new connection is closed without a word.
func turnedAway(t *testing.T, r *rig) {
	t.Helper()
	c, err := net.Dial("tcp", r.address(false))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := (&peer{t: t, conn: c}).rest(); got != "" {
		t.Errorf("got %q", got)
	}
}

// TestOldTLS refuses what is older than TLS 1.2, and its weak suites (RFC 7590 §3,
// RFC 9325).
func TestOldTLS(t *testing.T) {
	t.Parallel()
	r := newRig(t, Limits{})
	old := clientTLS.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	if c, err := tls.Dial("tcp", r.address(true), old); err == nil {
		c.Close()
		t.Error("TLS 1.1 is spoken")
	}
	weak := clientTLS.Clone()
	weak.MaxVersion, weak.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
	if c, err := tls.Dial("tcp", r.address(true), weak); err == nil {
		c.Close()
		t.Error("a suite without authenticated encryption, or without forward secrecy, is spoken")
	}
	if n := len(r.logged(2, "message", "TLS handshake failed")); n != 2 {
		t.Errorf("%d times in the journal", n)
	}
}

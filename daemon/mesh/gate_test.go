package mesh

import (
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

// errTooLong is what a read of a connection that stays open ends with.
var errTooLong = os.ErrDeadlineExceeded

func dialRaw(t *testing.T, p *peer) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}

func TestGate(t *testing.T) {
	var g gate
	for i := range maxStrangersFrom {
		if !g.enter("a") {
			t.Fatalf("number %d does not get in", i)
		}
	}
	if g.enter("a") {
		t.Error("one address gets in too often")
	}
	n := maxStrangersFrom
	for ; g.enter("host " + strconv.Itoa(n)); n++ {
	}
	if n != maxStrangers {
		t.Errorf("%d get in, want %d", n, maxStrangers)
	}
	g.leave("a")
	if !g.enter("b") || g.enter("c") {
		t.Error("the place given back is not one place")
	}
	g.leave("b")
	for range maxStrangersFrom - 1 {
		g.leave("a")
	}
	for i := maxStrangersFrom; i < maxStrangers; i++ {
		g.leave("host " + strconv.Itoa(i))
	}
	if g.all != 0 || len(g.from) != 0 {
		t.Errorf("%d places of %d hosts are kept", g.all, len(g.from))
	}
}

func TestComplaints(t *testing.T) {
	var c complaints
	now := time.Now()
	for _, step := range []struct {
		after time.Duration
		what  string
		due   bool
	}{{0, "a", true}, {0, "a", false}, {complainEvery / 2, "b", true}, {complainEvery / 2, "a", true}, {0, "b", false}, {complainEvery / 2, "b", true}} {
		now = now.Add(step.after)
		if got := c.due(step.what, now); got != step.due {
			t.Errorf("%s at %v: %v", step.what, now, got)
		}
	}
	for i := range 10 * maxComplaints {
		c.due(strconv.Itoa(i), now)
	}
	if len(c.said) > maxComplaints {
		t.Errorf("%d are remembered", len(c.said))
	}
}

// A flood of connections that say nothing is turned away and keeps no member
// out for good.
func TestFlood(t *testing.T) {
	p := newPeer(t, NewIdentity()).listen()
	p.call = func(Caller, string, []byte) ([]byte, error) { return []byte("{}"), nil }
	var flood []net.Conn
	for range maxStrangersFrom {
		flood = append(flood, dialRaw(t, p))
	}
	if _, err := dialRaw(t, p).Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("one too many: %v", err)
	}
	for _, c := range flood {
		c.Close()
	}
	other := newPeer(t, NewIdentity())
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err = other.CallAddress(t.Context(), p.addr, "x", nil, nil); err == nil {
			return
		}
	}
	t.Errorf("when the flood is over: %v", err)
}

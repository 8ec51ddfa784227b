package mesh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/fault"
)

func TestCalls(t *testing.T) {
	a, b := pair(t)
	var from Caller
	b.call = func(c Caller, method string, body []byte) ([]byte, error) {
		from = c
		switch method {
		case "echo":
			return body, nil
		case "refuse":
			return nil, fault.Mend(fault.WrongDomain, "no", "do this")
		case "fail":
			return nil, errors.New("disk on fire")
		case "huge":
			return json.Marshal(strings.Repeat("x", maxRequest))
		}
		return nil, nil
	}
	var got []string
	if err := a.CallMember(t.Context(), b.id(), "echo", []string{"x", "y"}, &got); err != nil || !cmp.Equal(got, []string{"x", "y"}) {
		t.Errorf("echo: %v, %v", got, err)
	}
	if !from.Member || from.ID != a.id() || from.Addr != "127.0.0.1" || from.Name != a.cfg.Name || !bytes.Equal(from.Key, a.cfg.Identity.Public()) {
		t.Errorf("the caller is %+v", from)
	}
	err := a.CallMember(t.Context(), b.id(), "refuse", nil, nil)
	if want := fault.Mend(fault.WrongDomain, "no", "do this"); !cmp.Equal(err, error(want)) {
		t.Errorf("a refusal arrives as %#v", err)
	}
	wantFault(t, a.CallMember(t.Context(), b.id(), "fail", nil, nil), fault.Internal, "disk on fire")
	wantFault(t, a.CallMember(t.Context(), b.id(), "huge", nil, nil), fault.Internal, "is too large")
	wantFault(t, a.CallMember(t.Context(), b.id(), "echo", strings.Repeat("x", maxRequest), nil), fault.InvalidArgument, "is too large for a peer")
	wantFault(t, a.CallMember(t.Context(), "nobody", "echo", nil, nil), fault.NotFound, "there is no member nobody")
	var number int
	if err := a.CallMember(t.Context(), b.id(), "echo", "text", &number); err == nil {
		t.Error("an answer of another shape is taken")
	}

	stranger := newPeer(t, NewIdentity())
	if err := stranger.CallAddress(t.Context(), b.addr, "echo", nil, nil); err != nil {
		t.Error(err)
	}
	if from.Member || from.ID != stranger.id() {
		t.Errorf("the stranger is %+v", from)
	}
}

func TestCallTimeout(t *testing.T) {
	a, b := pair(t)
	release := make(chan struct{})
	b.call = func(Caller, string, []byte) ([]byte, error) { <-release; return nil, nil }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	wantFault(t, a.CallMember(ctx, b.id(), "x", nil, nil), fault.Timeout, "did not answer in time")
	close(release)
}

// A caller that goes away in mid call, or says what is no request.
func TestCallBrokenOff(t *testing.T) {
	a, b := pair(t)
	b.call = func(Caller, string, []byte) ([]byte, error) {
		t.Error("it was called")
		return nil, nil
	}
	for _, say := range [][]byte{{}, {2, 0, 0, 0, '{'}, {2, 0, 0, 0, 'n', 'o'}, {0xff, 0xff, 0xff, 0xff}} {
		conn, _, err := a.connect(t.Context(), b.addr, protoControl, b.id())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(say); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(patience))
		if b, err := io.ReadAll(conn); err != nil || len(b) > 0 {
			t.Errorf("%q is answered with %q, %v", say, b, err)
		}
		conn.Close()
	}
}

// A peer that ends in mid call is no TLS fault.
func TestCallPeerEnds(t *testing.T) {
	a, b := pair(t)
	b.call = func(Caller, string, []byte) ([]byte, error) {
		b.mu.Lock()
		for c := range b.conns {
			c.Close()
		}
		b.mu.Unlock()
		return nil, nil
	}
	wantFault(t, a.CallMember(t.Context(), b.id(), "x", nil, nil), fault.TCP, "the peer closed the connection")
}

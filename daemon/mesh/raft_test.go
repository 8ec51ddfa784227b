package mesh

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"quorate.org/daemon/fault"
)

func TestStreams(t *testing.T) {
	a, b := pair(t)
	from, to := a.Streams(), b.Streams()
	if to.Addr().String() != b.addr {
		t.Errorf("the address is %v", to.Addr())
	}
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := to.Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	out, err := from.Dial(b.id(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	in := <-accepted
	if _, err := out.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if got, err := io.ReadAll(in); err != nil || string(got) != "hello" {
		t.Errorf("read %q, %v", got, err)
	}
	in.Close()
	_, err = from.Dial("nobody", time.Second)
	wantFault(t, err, fault.NotFound, "there is no member nobody")

	ended := make(chan error, 1)
	go func() { _, err := to.Accept(); ended <- err }()
	to.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept ended with %v", err)
	}
	from.Close()
	if _, err := from.Dial(b.id(), time.Second); err == nil {
		t.Error("a closed lender dials")
	}
	b.Close()
	if _, err := b.Streams().Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept on a closed mesh: %v", err)
	}
	if b.Streams().Addr().String() != "closed" {
		t.Errorf("the address of a closed mesh is %v", b.Streams().Addr())
	}
}

// A raft connection nobody accepts is given back.
func TestNobodyAccepts(t *testing.T) {
	ids := identities(2)
	a, b := newPeer(t, ids[0]), newPeer(t, ids[1])
	b.limit = 500 * time.Millisecond
	b.listen()
	join(a, b)
	c, err := a.Streams().Dial(b.id(), time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("it ends with %v", err)
	}
}

func TestAwait(t *testing.T) {
	a, b := pair(t)
	s := a.Streams()
	s.Await(t.Context(), b.id()) // linked
	s.Await(t.Context(), "nobody")
	b.Close()
	a.want("down " + b.id())
	a.want("dead " + b.id())
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.Await(ctx, b.id())
	if ctx.Err() == nil {
		t.Fatal("it does not wait for a dead peer")
	}
	back := make(chan struct{})
	go func() { s.Await(t.Context(), b.id()); close(back) }()
	join(newPeerAt(t, b.cfg.Identity, b.addr).listen(), a)
	a.want("up " + b.id())
	select {
	case <-back:
	case <-time.After(patience):
		t.Error("it waits though the peer is back")
	}
	s.Close()
	s.Await(t.Context(), b.id())
}

package mesh

import (
	"net"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

// stream is a connection lent to consensus, at both ends.
func stream(t *testing.T, from, to *peer) (out, in net.Conn) {
	t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := to.Streams().Accept()
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	out, err := from.Streams().Dial(to.id(), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	select {
	case in = <-accepted:
	case <-time.After(patience):
		t.Fatal("the stream was not accepted")
	}
	t.Cleanup(func() { in.Close() })
	return out, in
}

// broken reports whether the other end of a connection was taken away.
func broken(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(patience))
	_, err := c.Read(make([]byte, 1))
	timeout, ok := err.(net.Error)
	return err != nil && !(ok && timeout.Timeout())
}

// When the trust changes, who is no longer in it loses link and streams, and the
// others keep theirs.
func TestRejudge(t *testing.T) {
	ids := identities(3)
	a, b, c := newPeerWith(t, ids[0], newAddr(), calm).listen(), newPeerWith(t, ids[1], newAddr(), calm).listen(), newPeerWith(t, ids[2], newAddr(), calm).listen()
	join(a, b, c)
	for range 2 {
		<-a.events
		<-b.events
		<-c.events
	}
	dialed, _ := stream(t, a, b)
	_, accepted := stream(t, b, a)
	kept, far := stream(t, a, c)

	a.Rejudge()
	if !a.Linked(b.id()) || !a.Linked(c.id()) {
		t.Fatal("links were dropped though the trust is as it was")
	}
	a.distrusts(b)
	a.Rejudge()
	a.want("down " + b.id())
	b.want("down " + a.id())
	if !broken(dialed) || !broken(accepted) {
		t.Error("a stream of a peer that is not trusted any more still stands")
	}
	wantLogged(t, a, string(journal.PeerRefused))
	if _, err := kept.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := far.Read(make([]byte, 1)); err != nil || !a.Linked(c.id()) {
		t.Errorf("the peer that is trusted lost its stream or link: %v", err)
	}
	wantFault(t, a.CallMember(t.Context(), b.id(), "echo", nil, nil), fault.Trust, "out of trust")
	a.out.Store(nil)
	a.want("up " + b.id())
	b.want("up " + a.id())
}

// A renewed certificate is for new handshakes; the links made with the old one
// stay until they end.
func TestRenewalKeepsLinks(t *testing.T) {
	a, b := pair(t)
	a.call = func(Caller, string, []byte) ([]byte, error) { return []byte("{}"), nil }
	b.call = a.call
	b.cert.Store(certificate(t))
	if err := a.CallMember(t.Context(), b.id(), "x", nil, nil); err != nil {
		t.Fatal(err)
	}
	a.say(b, []byte("still here"))
	if got := string(b.receive()); got != "still here" || len(a.events)+len(b.events) > 0 {
		t.Errorf("received %q; events %d, %d", got, len(a.events), len(b.events))
	}
}

package mesh

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

func random(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	r.Read(b)
	return b
}

// Payloads of any size arrive whole and in order, both ways at once.
func TestPayloads(t *testing.T) {
	a, b := pair(t)
	sizes := []int{1, 2, 3, 100, 16 << 10, readChunk - 5, readChunk - 4, readChunk - 3, readChunk, readChunk + 1, 1 << 20, 3, MaxPayload / 4, 1}
	for _, n := range sizes {
		a.say(b, random(n))
		b.say(a, random(n))
	}
	for _, p := range []*peer{a, b} {
		for _, n := range sizes {
			if got := p.receive(); !bytes.Equal(got, random(n)) {
				t.Fatalf("%s received %d bytes that are not the %d sent", p.cfg.Name, len(got), n)
			}
		}
	}
}

// Batches share no memory with what is read later.
func TestPayloadsAreKept(t *testing.T) {
	a, b := pair(t)
	var kept [][]byte
	for i := range 500 {
		a.say(b, random(1000+i))
		kept = append(kept, b.receive())
	}
	for i, got := range kept {
		if !bytes.Equal(got, random(1000+i)) {
			t.Fatalf("payload %d was written over", i)
		}
	}
}

func TestSendWithoutLink(t *testing.T) {
	ids := identities(2)
	a := newPeer(t, ids[0])
	if a.Send(ids[1].ID, func(b []byte) []byte { return append(b, 1) }) || a.Linked(ids[1].ID) {
		t.Error("there is a link")
	}
	a.Flush(true)
	a.Reset(ids[1].ID, errReplaced)
}

// A frozen network is noticed by silence. The peer is not proved dead, since its
// port takes connections, and the link comes back.
func TestSilence(t *testing.T) {
	ids := identities(2)
	a, b := newPeer(t, ids[0]).listen(), newPeer(t, ids[1]).listen()
	r := newRelay(t, b.addr)
	host, port, _ := net.SplitHostPort(r.Addr().String())
	via := b.entry()
	via.Addr = host
	fmt.Sscan(port, &via.Port)
	a.SetMembership(&Membership{ClusterID: "cluster", Peers: map[string]Peer{b.id(): via}})
	b.SetMembership(membership(b, a))
	a.want("up " + b.id())
	b.want("up " + a.id())
	r.frozen.Store(true)
	a.want("down " + b.id())
	b.want("down " + a.id())
	if a.Linked(b.id()) || b.Linked(a.id()) {
		t.Error("the link still stands")
	}
	r.frozen.Store(false)
	a.want("up " + b.id())
	b.want("up " + a.id())
	r.cut()
	a.want("down " + b.id())
	b.want("down " + a.id())
	a.want("up " + b.id())
	b.want("up " + a.id())
	if text := a.log.String() + b.log.String(); !strings.Contains(text, errSilent.Error()) {
		t.Errorf("the journal does not name the reason:\n%s", text)
	}
}

// A process that has gone refuses connections: dead, on either side of the dial.
func TestDead(t *testing.T) {
	for _, survivor := range []string{"the dialer", "the dialed"} {
		t.Run(survivor+" survives", func(t *testing.T) {
			a, b := pair(t)
			if survivor == "the dialed" {
				a, b = b, a
			}
			b.Close()
			a.want("down " + b.id())
			a.want("dead " + b.id())
			if !a.away(b.id()) {
				t.Error("a dead peer is not away")
			}
			again := newPeerAt(t, b.cfg.Identity, b.addr).listen()
			join(a, again)
			a.want("up " + b.id())
			if a.away(b.id()) {
				t.Error("a linked peer is away")
			}
		})
	}
}

// A reset link of a living process is made again, in turn, and nobody is dead.
func TestReset(t *testing.T) {
	for _, side := range []int{0, 1} {
		a, b := pair(t)
		[]*peer{a, b}[side].Reset([]*peer{b, a}[side].id(), errReplaced)
		for _, p := range [][2]*peer{{a, b}, {b, a}} {
			p[0].want("down " + p[1].id())
			p[0].want("up " + p[1].id())
		}
		a.say(b, []byte("x"))
		b.receive()
	}
}

// A new link of the same process takes the place of the old, whose loss is told
// first: what was on it may be lost.
func TestReplaced(t *testing.T) {
	a, b := pair(t)
	conn, _, err := a.connect(t.Context(), b.addr, protoStanza, b.id())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b.want("down " + a.id())
	b.want("up " + a.id())
	a.want("down " + b.id())
}

// A second process of one ID is refused while the first answers, on every
// protocol.
func TestClone(t *testing.T) {
	a, b := pairWith(t, keepalive)
	clone := newPeer(t, a.cfg.Identity)
	clone.members.Store(a.membership())
	for _, proto := range []string{protoStanza, protoRaft, protoControl} {
		_, _, err := clone.connect(t.Context(), b.addr, proto, b.id())
		wantFault(t, err, fault.Cloned, "in use by two machines; on the copy: xmpp reset --force")
	}
	wantLogged(t, b, string(journal.CloneSeen))
	a.say(b, []byte("x"))
	b.receive()
	if len(b.events) > 0 {
		t.Errorf("the first one's link suffered: %s", <-b.events)
	}
}

// A node that was cut off and started anew is no clone: the first one is silent.
func TestSecondIncarnation(t *testing.T) {
	ids := identities(2)
	a, b := newPeer(t, ids[0]).listen(), newPeer(t, ids[1]).listen()
	a.members.Store(membership(a, b))
	b.SetMembership(membership(b, a))
	first, _, err := a.connect(t.Context(), b.addr, protoStanza, b.id())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close() // it says nothing any more
	b.want("up " + a.id())
	again := newPeer(t, ids[0])
	again.members.Store(a.membership())
	second, _, err := again.connect(t.Context(), b.addr, protoStanza, b.id())
	if err != nil {
		t.Fatalf("the second incarnation: %v", err)
	}
	defer second.Close()
	b.want("down " + a.id())
	b.want("up " + a.id())
}

// idle is a link of which the test holds the other end.
func idle(t *testing.T, keepalive time.Duration) (b *peer, id string, other net.Conn) {
	t.Helper()
	ids := identities(2)
	a, b := newPeer(t, ids[0]), newPeerWith(t, ids[1], newAddr(), keepalive).listen()
	a.members.Store(membership(a, b))
	b.SetMembership(membership(b, a))
	conn, _, err := a.connect(t.Context(), b.addr, protoStanza, b.id())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	b.want("up " + a.id())
	return b, a.id(), conn
}

func send(b *peer, id string, payload []byte) bool {
	ok := b.Send(id, func(out []byte) []byte { return append(out, payload...) })
	b.Flush(false)
	return ok
}

// Silence is noticed while a write waits, too.
func TestSilenceBehindWrite(t *testing.T) {
	b, id, _ := idle(t, keepalive)
	for range 16 { // more than the sockets hold
		send(b, id, make([]byte, 1<<20))
	}
	b.want("down " + id)
}

// What waits for a peer that does not read is bounded.
func TestDoesNotRead(t *testing.T) {
	b, id, _ := idle(t, calm)
	payload := make([]byte, 4<<20)
	for n := 0; send(b, id, payload); n += len(payload) {
		if n > 2*maxQueued {
			t.Fatalf("%d bytes are taken", n)
		}
	}
	b.want("down " + id)
	if !strings.Contains(b.log.String(), errDoesNot.Error()) {
		t.Error("the journal does not name the reason")
	}
}

// A message that announces too much ends the link before it is read.
func TestTooLong(t *testing.T) {
	b, id, other := idle(t, keepalive)
	if _, err := other.Write(binary.LittleEndian.AppendUint32(nil, MaxPayload+1)); err != nil {
		t.Fatal(err)
	}
	b.want("down " + id)
}

// FuzzSplit: however a stream of messages is cut, what is complete comes whole.
func FuzzSplit(f *testing.F) {
	f.Add([]byte{3, 0, 0, 0, 'a', 'b', 'c', 0, 0, 0, 0, 1, 0, 0, 0, 'd', 9, 0})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, count, err := complete(b)
		if err != nil {
			return
		}
		batch := split(b[:whole], count)
		if len(batch) != count {
			t.Fatalf("%d payloads, not %d", len(batch), count)
		}
		var again []byte
		for _, p := range batch {
			again = append(binary.LittleEndian.AppendUint32(again, uint32(len(p))), p...)
		}
		if plain := bytes.ReplaceAll(b[:whole], nil, nil); len(again) > len(plain) {
			t.Fatalf("%d bytes became %d", whole, len(again))
		}
		if rest := b[whole:]; len(rest) >= 4 && need(rest) <= len(rest) {
			t.Fatalf("a whole message is left over in %d bytes", len(rest))
		}
	})
}

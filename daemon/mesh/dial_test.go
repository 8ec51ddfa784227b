package mesh

import (
	"net"
	"strings"
	"testing"
	"time"

	"quorate.org/daemon/fault"
)

// A peer that fails is dialed again after pauses that double; Kick ends one.
func TestRedial(t *testing.T) {
	ids := identities(2)
	a := newPeer(t, ids[0])
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := Peer{ID: ids[1].ID, Key: ids[1].Public(), Addr: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port}
	a.SetMembership(&Membership{ClusterID: "cluster", Peers: map[string]Peer{p.ID: p}})
	attempt := func() time.Time {
		t.Helper()
		l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
		return time.Now()
	}
	last := attempt()
	for wait := redialFirst; wait <= 4*redialFirst; wait *= 2 {
		next := attempt()
		if d := next.Sub(last); d < wait-5*time.Millisecond {
			t.Errorf("dialed again after %v, before %v were over", d, wait)
		}
		last = next
	}
	a.Kick(p.ID)
	a.Kick("nobody")
	if d := attempt().Sub(last); d >= 8*redialFirst {
		t.Errorf("a kick took %v", d)
	}
	if n := strings.Count(a.log.String(), "can not be reached"); n != 1 {
		t.Errorf("the same failure is journaled %d times:\n%s", n, a.log)
	}
}

// The member table rules: who is out loses the link without being dead, and who
// moved is dialed at the new address.
func TestMembershipChanges(t *testing.T) {
	a, b := pair(t)
	a.SetMembership(&Membership{ClusterID: "cluster"})
	a.want("down " + b.id())
	if a.Linked(b.id()) || a.away(b.id()) {
		t.Error("a node that is no member is linked or away")
	}
	b.want("down " + a.id())

	b.Unlisten()
	b.addr = newAddr()
	b.listen()
	if err := b.Listen(b.addr); err != nil {
		t.Errorf("opening the open port: %v", err)
	}
	a.SetMembership(membership(a, b))
	a.want("up " + b.id())
	b.want("up " + a.id())
	select {
	case e := <-a.events:
		t.Errorf("a heard %q", e)
	default:
	}
}

// The dialer says what is wrong at the address.
func TestConnectWords(t *testing.T) {
	ids := identities(3)
	a, b := newPeer(t, ids[0]), newPeer(t, ids[1]).listen()
	b.SetMembership(membership(b, a))
	a.limit = 300 * time.Millisecond
	connect := func(addr, want string) error {
		_, _, err := a.connect(t.Context(), addr, protoControl, want)
		return err
	}
	wantFault(t, connect("127.0.93.250:9", ""), fault.TCP, "127.0.93.250:9 does not answer: connection refused")
	wantFault(t, connect(b.addr, ids[2].ID), fault.WrongState, "another node answers at this address: "+b.cfg.Name)
	same := newPeer(t, ids[0]).listen()
	wantFault(t, connect(same.addr, ""), fault.Cloned, "two machines")

	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections by itself
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	wantFault(t, connect(silent.Addr().String(), ""), fault.TCP, "takes connections but does not answer in time")
}

func TestListenFails(t *testing.T) {
	p := newPeer(t, NewIdentity())
	if err := p.Listen("192.0.2.1:5224"); err == nil || !strings.Contains(err.Error(), "opening cluster port 192.0.2.1:5224") {
		t.Errorf("got %v", err)
	}
	p.Close()
	if err := p.Listen(p.addr); err == nil {
		t.Error("a closed mesh listens")
	}
	p.Close()
}

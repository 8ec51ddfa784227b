package bus_test

import (
	"net"
	"strings"
	"testing"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/bus/bustest"
	"quorate.org/daemon/fault"
)

// rawConnect opens the bus as this process and says nothing.
func rawConnect(t *testing.T, address string) *net.UnixConn {
	t.Helper()
	path, _, _ := strings.Cut(strings.TrimPrefix(address, "unix:path="), ",")
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// A connection that somebody opened works as one that was dialled, for its
// opener; another's name on it is refused.
func TestOver(t *testing.T) {
	address := bustest.Start(t)
	impl, _, changes := serveXmpp(t)
	c, err := bus.Over(rawConnect(t, address), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Xmpp().SetDomain(t.Context(), "meet.example"); err != nil {
		t.Error(err)
	}
	if change := <-changes; change.Caller.Role != bus.Root || len(impl.asks()) != 1 {
		t.Errorf("%+v, %v", change, impl.asks())
	}
	if _, err := bus.Over(rawConnect(t, address), 65534); fault.CodeOf(err) != fault.NotPermitted {
		t.Errorf("root passed for nobody: %v", err)
	}
}

// What is no bus is Unavailable.
func TestOverNoBus(t *testing.T) {
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Write([]byte("220 hello\r\n")) // the other end may be gone
			c.Close()
		}
	}()
	if _, err := bus.Over(rawConnect(t, "unix:path="+l.Addr().String()), 0); fault.CodeOf(err) != fault.Unavailable {
		t.Error(err)
	}
}

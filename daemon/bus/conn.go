package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// Conn is one connection to the system bus, for calls out and calls in.
type Conn struct {
	raw     *dbus.Conn
	objects *registry
	ctx     context.Context // ends with Close; parent of every incoming call
	cancel  context.CancelFunc

	mu     sync.Mutex
	closed bool           // guarded by mu: no call may begin any more
	calls  sync.WaitGroup // incoming calls in progress
}

// Dial connects to the system bus: $DBUS_SYSTEM_BUS_ADDRESS when it is set,
// else the well-known socket. The error is a fault.Unavailable.
func Dial() (*Conn, error) {
	c := &Conn{objects: newRegistry()}
	raw, err := dbus.ConnectSystemBus(dbus.WithHandler(c.objects))
	if err != nil {
		return nil, fault.Mend(fault.Unavailable, fmt.Sprintf("the system bus does not answer: %v", err), "systemctl status dbus")
	}
	c.raw = raw
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c, nil
}

// Close ends the contexts of the incoming calls, waits for them, and leaves the
// bus with every name owned. Calls out in progress fail. It is idempotent.
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.cancel()
	c.calls.Wait()
	return c.raw.Close()
}

// begin counts an incoming call, unless the connection is closing.
func (c *Conn) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.calls.Add(1)
	return true
}

// Done is closed when the bus has gone; a daemon then ends and is started again.
func (c *Conn) Done() <-chan struct{} { return c.raw.Context().Done() }

// own asks for a well-known name and refuses to wait in line for it.
func (c *Conn) own(name string) error {
	got, err := c.raw.RequestName(name, dbus.NameFlagDoNotQueue)
	if err != nil {
		return fmt.Errorf("requesting bus name %s: %w", name, err)
	}
	if got != dbus.RequestNameReplyPrimaryOwner && got != dbus.RequestNameReplyAlreadyOwner {
		return fault.New(fault.Exists, "another process owns the bus name "+name)
	}
	return nil
}

// call calls a method of s and stores its results. limit bounds it, on top of
// whatever ctx does.
func (c *Conn) call(ctx context.Context, limit time.Duration, s service, iface, path, method string, args []any, results ...any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	call := c.raw.Object(s.name, dbus.ObjectPath(path)).CallWithContext(ctx, iface+"."+method, 0, args...)
	if call.Err != nil {
		return decodeError(ctx, s, call.Err)
	}
	if len(results) == 0 {
		return nil
	}
	if err := call.Store(results...); err != nil {
		return fault.Mend(fault.Version, fmt.Sprintf("%s answered %s with an unexpected shape: %v", s.words, method, err), s.restart())
	}
	return nil
}

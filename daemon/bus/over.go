package bus

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// Over is Dial over a connection that somebody else opened to the bus and said
// nothing on. The bus takes the caller for who opened it, whoever speaks; when
// that is not uid, Over refuses. The connection belongs to the Conn, and is
// closed when this fails. File descriptors do not pass.
func Over(conn *net.UnixConn, uid uint32) (*Conn, error) {
	c := &Conn{objects: newRegistry()}
	raw, err := greet(conn, c.objects)
	if err != nil {
		return nil, fault.Mend(fault.Unavailable, fmt.Sprintf("the system bus does not answer: %v", err), "systemctl status dbus")
	}
	c.raw = raw
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := c.isOf(uid); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// greet authenticates by what the kernel knows of the opener (EXTERNAL, without
// a word about who that is) and says Hello.
func greet(conn *net.UnixConn, objects *registry) (*dbus.Conn, error) {
	raw, err := dbus.NewConn(conn, dbus.WithHandler(objects))
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	if err = conn.SetDeadline(time.Now().Add(quick)); err == nil {
		err = raw.Auth([]dbus.Auth{dbus.AuthExternal("")})
	}
	if err == nil {
		err = raw.Hello()
	}
	if err == nil {
		err = conn.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = raw.Close()
		return nil, err
	}
	return raw, nil
}

// isOf checks whom the bus takes this end for.
func (c *Conn) isOf(uid uint32) error {
	ctx, cancel := context.WithTimeout(c.ctx, quick)
	defer cancel()
	var got uint32
	if err := c.raw.BusObject().CallWithContext(ctx, busName+".GetConnectionUnixUser", 0, c.raw.Names()[0]).Store(&got); err != nil {
		return fault.New(fault.Unavailable, "the system bus does not tell who this is: "+err.Error())
	}
	if got != uid {
		return fault.New(fault.NotPermitted, fmt.Sprintf("the connection to the system bus is user %d's, not user %d's", got, uid))
	}
	return nil
}

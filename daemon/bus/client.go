package bus

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	"quorate.org/daemon/fault"
)

// How long a client waits for an answer, on top of what its context says.
const (
	quick = 5 * time.Second  // answered from memory or disk
	work  = 15 * time.Second // a proposal to the cluster, a key to generate, a unit to start
	long  = 40 * time.Second // membership changes; the service itself gives up after 30 s
)

// client is the part the typed clients share.
type client struct {
	conn *Conn
	svc  service
}

func (c client) do(ctx context.Context, limit time.Duration, method string, args ...any) error {
	return c.conn.call(ctx, limit, c.svc, c.svc.name, c.svc.path, method, args)
}

// get calls a method with one result of a plain D-Bus type.
func get[T any](ctx context.Context, c client, limit time.Duration, method string, args ...any) (T, error) {
	var v T
	err := c.conn.call(ctx, limit, c.svc, c.svc.name, c.svc.path, method, args, &v)
	return v, err
}

// getStruct calls a method whose result is a{sv}.
func getStruct[T any](ctx context.Context, c client, limit time.Duration, method string, args ...any) (T, error) {
	var v T
	m, err := get[map[string]dbus.Variant](ctx, c, limit, method, args...)
	if err != nil {
		return v, err
	}
	if err := FromVardict(m, &v); err != nil {
		return v, shapeFault(c.svc, err)
	}
	return v, nil
}

// getList calls a method whose result is aa{sv}.
func getList[T any](ctx context.Context, c client, limit time.Duration, method string, args ...any) ([]T, error) {
	m, err := get[[]map[string]dbus.Variant](ctx, c, limit, method, args...)
	if err != nil {
		return nil, err
	}
	list, err := FromVardicts[T](m)
	if err != nil {
		return nil, shapeFault(c.svc, err)
	}
	return list, nil
}

// properties reads every property into a struct.
func properties[T any](ctx context.Context, c client) (T, error) {
	var v T
	var m map[string]dbus.Variant
	err := c.conn.call(ctx, quick, c.svc, propertiesInterface, c.svc.path, "GetAll", []any{c.svc.name}, &m)
	if err != nil {
		return v, err
	}
	if err := FromVardict(m, &v); err != nil {
		return v, shapeFault(c.svc, err)
	}
	return v, nil
}

func shapeFault(s service, err error) error {
	return fault.Mend(fault.Version, s.words+" is of another version: "+err.Error(), s.restart())
}

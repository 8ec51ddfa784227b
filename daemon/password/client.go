package password

import (
	"context"
	"fmt"
	"net"
	"time"

	"quorate.org/daemon/fault"
)

// Ask returns whether a password is wanted. An error is a fault.Unavailable.
func Ask(ctx context.Context, socket string) (Want, error) {
	a, err := call(ctx, socket, request{})
	return a.Want, err
}

// Set sets the password. A refusal is a fault in words for who typed it.
func Set(ctx context.Context, socket, password string) error {
	_, err := call(ctx, socket, request{Password: password})
	return err
}

func call(ctx context.Context, socket string, r request) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a, err := exchange(ctx, socket, r)
	if err != nil {
		return answer{}, fault.Mend(fault.Unavailable, fmt.Sprintf("no password can be set: %v", err), "systemctl status quorate-password.socket")
	}
	if a.Error != nil {
		return answer{}, fault.Mend(a.Error.Code, a.Error.Message, a.Error.Remedy)
	}
	return a, nil
}

func exchange(ctx context.Context, socket string, r request) (a answer, err error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a read or write then fails
	defer stop()
	if err := send(conn, r); err != nil {
		return a, err
	}
	return a, receive(conn, &a)
}

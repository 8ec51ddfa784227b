package password

import (
	"context"
	"fmt"

	"quorate.org/daemon/errand"
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
	var a answer
	if err := errand.Ask(ctx, socket, longest, r, &a); err != nil {
		return answer{}, fault.Mend(fault.Unavailable, fmt.Sprintf("no password can be set: %v", err), "systemctl status quorate-password.socket")
	}
	if a.Error != nil {
		return answer{}, a.Error.Fault()
	}
	return a, nil
}

package health

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"quorate.org/daemon/bus"
	"quorate.org/daemon/fault"
)

// patience is how long each service may take to answer.
const patience = 2 * time.Second

// Look returns everything that is wrong with this node, each thing once: the
// machine first, then the services in a fixed order. It takes little longer than
// the slowest service, at most two seconds. Without a connection it is
// Without(nil).
func Look(ctx context.Context, conn *bus.Conn) []bus.Fault {
	if conn == nil {
		return Without(nil)
	}
	looks := []func(context.Context, *bus.Conn) []bus.Fault{
		unitFaults, fileFaults, xmppFaults, clusterFaults, certificateFaults, bridgeFaults, firewallFaults, Undone,
	}
	found := make([][]bus.Fault, len(looks))
	var wait sync.WaitGroup
	for i, look := range looks {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			found[i] = look(ctx, conn)
		})
	}
	wait.Wait()
	return once(append(machineFaults(), slices.Concat(found...)...))
}

// Without is Look on a node whose system bus does not answer, and why it does
// not, if that is known.
func Without(why error) []bus.Fault {
	if why == nil {
		why = fault.Mend(fault.Unavailable, "the system bus does not answer", "systemctl status dbus")
	}
	return append(machineFaults(), Fault(why))
}

// Fault puts an error in the words of a condition.
func Fault(err error) bus.Fault {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
	case errors.Is(err, context.Canceled):
		f = fault.New(fault.Unavailable, "the look was cancelled")
	default:
		f = fault.New(fault.Internal, err.Error())
	}
	return bus.Fault{Code: string(f.Code), Text: f.Message, Remedy: f.Remedy}
}

// once drops what was told before in the same words: a lost quorum is seen in
// two places, and a silent service by two questions.
func once(faults []bus.Fault) []bus.Fault {
	var all []bus.Fault
	for _, f := range faults {
		told := slices.ContainsFunc(all, func(x bus.Fault) bool { return x.Code == f.Code && x.Text == f.Text })
		if !told {
			all = append(all, f)
		}
	}
	return all
}

// tell is one fault found.
func tell(code fault.Code, text, remedy string) bus.Fault {
	return bus.Fault{Code: string(code), Text: text, Remedy: remedy}
}

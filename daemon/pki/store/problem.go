package store

import (
	"errors"
	"fmt"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/pki"
)

// State says whether a file can be used. The words are shown to administrators.
type State string

// The states of a file.
const (
	Ready      State = "ready"      // in the store
	Rejected   State = "rejected"   // in the exchange folder, and why
	Incomplete State = "incomplete" // in the exchange folder, not whole yet
	Waiting    State = "waiting"    // a file that needs its passphrase, or a renewal its answer
)

// Problem is a file of the exchange folder that was not taken in.
type Problem struct {
	File   string
	Kind   pki.Kind // where it is known; "" else
	State  State
	Reason error // a *fault.Error
}

// unread is a file that could not be parsed, perhaps not yet.
func unread(name string, err error) Problem {
	if fault.CodeOf(err) == fault.Incomplete {
		return Problem{File: name, State: Incomplete, Reason: err}
	}
	return rejected(name, err)
}

func rejected(name string, err error) Problem {
	if asking(err) {
		return Problem{File: name, State: Waiting, Reason: err}
	}
	return Problem{File: name, State: Rejected, Reason: err}
}

// waiting is a file whose passphrase command asks for.
func waiting(name string, kind pki.Kind, command string) Problem {
	return Problem{File: name, Kind: kind, State: Waiting, Reason: fault.Mend(fault.WrongState, "it waits for its passphrase", command+" "+name)}
}

// same reports whether the administrator was told this already.
func (p Problem) same(q Problem) bool {
	return p.State == q.State && p.Reason.Error() == q.Reason.Error()
}

// fault says what a command can not do with the file.
func (p Problem) fault() error {
	var f *fault.Error
	if !errors.As(p.Reason, &f) {
		return p.Reason
	}
	return fault.Mend(f.Code, fmt.Sprintf("%s is %s: %s", p.File, p.State, f.Message), f.Remedy)
}

package resolve

import (
	"errors"
	"strings"

	"quorate.org/daemon/fault"
)

// Why a question has no usable answer. Every error of a Resolver is a *Failure
// with one of these, or the end of the caller's context.
var (
	ErrNoName     = errors.New("the name does not exist")                // NXDOMAIN
	ErrNoRecord   = errors.New("the name has no record of this type")    // NODATA
	ErrNotOffered = errors.New("the service is decidedly not available") // RFC 2782: target "."
	ErrNoAnswer   = errors.New("no name server gives an answer")         // silent, or each of them failed
	ErrNoServer   = errors.New("no name server is known")                // resolv.conf names none
)

// Failure is one of the reasons above and the same in words, of the code DNS.
type Failure struct {
	Why   error
	Fault *fault.Error
}

// Error returns the words.
func (f *Failure) Error() string { return f.Fault.Error() }

// Unwrap gives errors.Is the reason and errors.As the *fault.Error.
func (f *Failure) Unwrap() []error { return []error{f.Why, f.Fault} }

func fail(why error, message, remedy string) error {
	return &Failure{Why: why, Fault: fault.Mend(fault.DNS, message, remedy)}
}

// addRecord is what mends an answer that names nothing.
const addRecord = "add the record to the zone; dns shows which servers were asked"

// NoName is the failure of a name that does not exist.
func NoName(name string) error {
	return fail(ErrNoName, strings.TrimSuffix(name, ".")+" does not exist", addRecord)
}

func noRecord(name, kind string) error {
	return fail(ErrNoRecord, strings.TrimSuffix(name, ".")+" has no "+kind+" record", addRecord)
}

package fault

import "errors"

// Code names one class of failure. It is the last element of the D-Bus error
// name (org.quorate.Error.<Code>) and never changes once published.
type Code string

// The failure classes. Comments say when each is used.
const (
	InvalidArgument      Code = "InvalidArgument"      // a value has the wrong form
	InvalidName          Code = "InvalidName"          // a name has forbidden characters
	InvalidConfiguration Code = "InvalidConfiguration" // a configuration file or setting is refused
	NotFound             Code = "NotFound"             // no such file, call bridge, user or node
	Exists               Code = "Exists"               // it is already there and differs
	WrongState           Code = "WrongState"           // the service or membership state forbids it
	NotPermitted         Code = "NotPermitted"         // the caller's role forbids it
	NoQuorum             Code = "NoQuorum"             // fewer than a majority of voters reachable
	Unavailable          Code = "Unavailable"          // a needed service does not answer
	Timeout              Code = "Timeout"              // it took longer than its limit

	DNS     Code = "DNS"     // a name does not resolve
	TCP     Code = "TCP"     // a host does not answer
	TLS     Code = "TLS"     // a handshake failed
	Trust   Code = "Trust"   // a peer's certificate is not trusted
	Cloned  Code = "Cloned"  // a node identity is in use elsewhere
	Version Code = "Version" // two versions can not work together

	UnknownComponent Code = "UnknownComponent" // no call bridge of that name
	WrongSecret      Code = "WrongSecret"      // a shared secret does not match
	SecretConflict   Code = "SecretConflict"   // two stores hold different secrets for one call bridge
	WrongDomain      Code = "WrongDomain"      // two stores serve different domains

	KeyMismatch     Code = "KeyMismatch"     // a key does not belong to a certificate
	Expired         Code = "Expired"         // a certificate is past its validity
	NotYetValid     Code = "NotYetValid"     // a certificate is before its validity
	CertificateName Code = "CertificateName" // a certificate does not name the domain
	WeakKey         Code = "WeakKey"         // a key is below the accepted strength
	Incomplete      Code = "Incomplete"      // a file does not parse whole
	InUse           Code = "InUse"           // a file is in use and may not be removed

	UnitFailed  Code = "UnitFailed"  // a system service has failed
	NoTolerance Code = "NoTolerance" // one more failure takes the quorum
	Member      Code = "Member"      // a cluster member is gone or behind
	Drift       Code = "Drift"       // a file says other than the cluster's data
	Clock       Code = "Clock"       // the clock is not synchronised
	DiskFull    Code = "DiskFull"    // a file system is nearly full
	MemoryFull  Code = "MemoryFull"  // memory is nearly used up
	Firewall    Code = "Firewall"    // the packet filter is not as the settings want it
	Undone      Code = "Undone"      // a new version of the appliance did not come up

	Internal Code = "Internal" // a fault of this program
)

// Error is a failure in words: what is wrong and what mends it.
type Error struct {
	Code    Code
	Message string // one sentence, without a full stop
	Remedy  string // the command or act that mends it; may be empty
}

// New returns an Error without a remedy.
func New(c Code, message string) *Error { return &Error{Code: c, Message: message} }

// Mend returns an Error with its remedy.
func Mend(c Code, message, remedy string) *Error {
	return &Error{Code: c, Message: message, Remedy: remedy}
}

// Error returns the message and, behind a semicolon, the remedy.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Message
	}
	return e.Message + "; " + e.Remedy
}

// Is reports whether target is an *Error of the same code, so that
// errors.Is(err, &fault.Error{Code: fault.NoQuorum}) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// CodeOf returns the code of the first *Error in err's chain, or Internal.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

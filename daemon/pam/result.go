package pam

import "quorate.org/daemon/fault"

// Results of pam_authenticate(3) and pam_acct_mgmt(3).
const (
	permDenied     = 6
	authErr        = 7
	credLow        = 8
	userUnknown    = 10
	maxTries       = 11
	newTokenNeeded = 12
	accountExpired = 13
	tokenExpired   = 27
)

// refused is the answer to a wrong name and to a wrong password alike. A locked
// account gives it too, even to the right password: who guesses must not learn
// when a guess was right.
func refused() *fault.Error {
	return fault.Mend(fault.NotPermitted, "the name or the password is wrong", "after ten wrong passwords an account rests for a minute")
}

func (l *library) unauthenticated(handle uintptr, code int32) error {
	switch code {
	case permDenied, authErr, credLow, userUnknown, maxTries:
		return refused()
	}
	return l.broken(handle, code)
}

func (l *library) unusable(handle uintptr, code int32) error {
	switch code {
	case newTokenNeeded, tokenExpired:
		return fault.Mend(fault.NotPermitted, "the password has expired", "sign in at the console and set a new one")
	case accountExpired:
		return fault.Mend(fault.NotPermitted, "the account has expired", "ask an administrator of this node")
	case permDenied, authErr, userUnknown:
		return fault.Mend(fault.NotPermitted, "the account is locked or has expired", "ask an administrator of this node")
	}
	return l.broken(handle, code)
}

// broken is a failure that no other password would mend.
func (l *library) broken(handle uintptr, code int32) error {
	return fault.Mend(fault.Unavailable, "the passwords of this node can not be checked: "+l.strerror(handle, code), "see `syslog errors`")
}

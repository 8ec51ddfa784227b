package pam

import (
	"bytes"
	"unsafe"

	"quorate.org/daemon/fault"
)

// Request is who wants to be let in, from where.
type Request struct {
	Service  string // of /etc/pam.d or /usr/lib/pam.d
	User     string
	Password []byte // wiped by Check
	From     string // remote host, for the modules' records
}

// maxPassword is what PAM takes of an answer (PAM_MAX_RESP_SIZE, its NUL
// included), maxUser what Linux takes of a login name (login.defs(5)).
const (
	maxPassword = 511
	maxUser     = 256
)

// Items of a transaction (pam_set_item(3)).
const (
	itemUser  = 2
	itemTTY   = 3
	itemRHost = 4
)

// disallowNull refuses accounts without a password, whatever the modules' own
// options say (PAM_DISALLOW_NULL_AUTHTOK).
const disallowNull = 1

// Check asks the service's modules for the password and then whether the
// account may be used, and returns the account's name as the modules left it.
// A wrong name and a wrong password are one fault.NotPermitted; that the account
// or the password has expired is told only to who knows the password.
// fault.Unavailable says that PAM itself failed.
func Check(r Request) (user string, err error) {
	defer clear(r.Password)
	l, err := load()
	if err != nil {
		return "", err
	}
	if !whole([]byte(r.User), maxUser) || !whole(r.Password, maxPassword) {
		return "", refused()
	}
	s := l.keep(r.Password)
	if s == nil {
		return "", fault.New(fault.Unavailable, "there is no memory left")
	}
	defer l.drop(s)
	var handle uintptr
	if code := l.start(r.Service, r.User, &conversation{call: l.converse, data: unsafe.Pointer(s)}, &handle); code != success {
		return "", l.broken(handle, code)
	}
	user, code, err := l.transact(handle, r.From)
	l.end(handle, code)
	return user, err
}

// whole says whether C sees the text as we do, to its end.
func whole(s []byte, limit int) bool {
	return len(s) > 0 && len(s) <= limit && bytes.IndexByte(s, 0) < 0
}

// transact is what lies between pam_start and pam_end; code is the last result.
func (l *library) transact(handle uintptr, from string) (user string, code int32, err error) {
	for item, value := range map[int32]string{itemRHost: from, itemTTY: "web"} {
		if code = l.setItem(handle, item, value); code != success {
			return "", code, l.broken(handle, code)
		}
	}
	if code = l.authenticate(handle, disallowNull); code != success {
		return "", code, l.unauthenticated(handle, code)
	}
	if code = l.account(handle, disallowNull); code != success {
		return "", code, l.unusable(handle, code)
	}
	var name unsafe.Pointer // PAM's own memory until pam_end
	if code = l.getItem(handle, itemUser, &name); code != success || name == nil {
		return "", code, l.broken(handle, code)
	}
	return text(name), code, nil
}

// text copies a C string.
func text(p unsafe.Pointer) string {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

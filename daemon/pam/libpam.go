package pam

import (
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"quorate.org/daemon/fault"
)

// library is what is used of libpam and of the C library's allocator, from
// which PAM takes and frees answers.
type library struct {
	start        func(service, user string, c *conversation, handle *uintptr) int32
	authenticate func(handle uintptr, flags int32) int32
	account      func(handle uintptr, flags int32) int32
	setItem      func(handle uintptr, item int32, value string) int32
	getItem      func(handle uintptr, item int32, value *unsafe.Pointer) int32
	end          func(handle uintptr, status int32) int32
	strerror     func(handle uintptr, code int32) string

	calloc func(n, size uintptr) unsafe.Pointer
	free   func(unsafe.Pointer)

	converse uintptr // the C function that PAM calls
}

// conversation is struct pam_conv (pam_conv(3)).
type conversation struct {
	call uintptr
	data unsafe.Pointer
}

// load opens libpam once; a callback's memory is never given back.
var load = sync.OnceValues(func() (*library, error) {
	pam, err := purego.Dlopen("libpam.so.0", purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "libpam can not be loaded: "+err.Error())
	}
	libc, err := purego.Dlopen("libc.so.6", purego.RTLD_NOW)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "the C library can not be loaded: "+err.Error())
	}
	l := &library{}
	for name, function := range map[string]any{
		"pam_start": &l.start, "pam_authenticate": &l.authenticate, "pam_acct_mgmt": &l.account, "pam_end": &l.end,
		"pam_set_item": &l.setItem, "pam_get_item": &l.getItem, "pam_strerror": &l.strerror,
	} {
		purego.RegisterLibFunc(function, pam, name)
	}
	purego.RegisterLibFunc(&l.calloc, libc, "calloc")
	purego.RegisterLibFunc(&l.free, libc, "free")
	l.converse = purego.NewCallback(l.answer)
	return l, nil
})

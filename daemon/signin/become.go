package signin

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
)

// connectAs connects to the bus's socket as the account and says nothing there:
// the kernel notes who connected, and the bus asks the kernel (SO_PEERCRED and
// SO_PEERGROUPS of socket(7)).
func connectAs(a account, path string) (*os.File, error) {
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		runtime.LockOSThread() // never undone: the thread ends with the account's rights
		file, err := becomeAndConnect(a, path)
		done <- result{file, err}
	}()
	r := <-done
	if r.err != nil {
		return nil, fault.Mend(fault.Unavailable, fmt.Sprintf("connecting to the system bus as %s: %v", a.user, r.err), "systemctl status dbus")
	}
	return r.file, nil
}

func becomeAndConnect(a account, path string) (*os.File, error) {
	if err := become(a); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("making a socket: %w", err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return nil, errors.Join(fmt.Errorf("connecting: %w", err), unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "bus"), nil
}

// become gives this thread, and no other, the account's groups and user for
// good. The calls are raw because package syscall changes all threads at once,
// which the runtime refuses in a process that has loaded a C library.
func become(a account) error {
	var groups unsafe.Pointer
	if len(a.groups) > 0 {
		groups = unsafe.Pointer(&a.groups[0])
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(a.groups)), uintptr(groups), 0); errno != 0 {
		return fmt.Errorf("taking the groups: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(a.gid), uintptr(a.gid), uintptr(a.gid)); errno != 0 {
		return fmt.Errorf("taking the group: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(a.uid), uintptr(a.uid), uintptr(a.uid)); errno != 0 {
		return fmt.Errorf("taking the user: %w", errno)
	}
	return nil
}

package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
)

// What services keep in a backup holds private keys. It crosses the bus as the
// descriptor of memory that nobody can change any more, so that no message
// holds a key and whoever watches the bus sees none.

// maxSealed bounds it, in bytes.
const maxSealed = 64 << 20

const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE

// sealedFile returns a descriptor that reads data.
func sealedFile(data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("quorate", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // Linux before 6.3
		fd, err = unix.MemfdCreate("quorate", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("making memory to hand over: %w", err)
	}
	f := os.NewFile(uintptr(fd), "sealed")
	_, err = io.Copy(f, bytes.NewReader(data))
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("filling memory to hand over: %w", err), f.Close())
	}
	return f, nil
}

// readSealed reads what a descriptor of sealedFile holds and closes it. The
// position is shared with the sender, hence ReadAt.
func readSealed(fd dbus.UnixFD) ([]byte, error) {
	f := os.NewFile(uintptr(fd), "sealed")
	if f == nil {
		return nil, fault.New(fault.InvalidArgument, "no descriptor")
	}
	defer f.Close()
	have, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0)
	if err != nil || have&seals != seals {
		return nil, fault.New(fault.InvalidArgument, "the descriptor is not of sealed memory")
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at sealed memory: %w", err)
	}
	if info.Size() > maxSealed {
		return nil, fault.New(fault.InvalidArgument, fmt.Sprintf("it is larger than %d bytes", maxSealed))
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading sealed memory: %w", err)
	}
	return data, nil
}

// answerSealed replies with data as a descriptor.
func answerSealed(data []byte, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	return answerFile(sealedFile(data))
}

// keeper is the part of a client whose service keeps something in a backup.
type keeper struct{ client }

// Save returns what the service keeps in a backup: a JSON object with a field for
// each part. It holds private keys, and only root is given it.
func (k keeper) Save(ctx context.Context) ([]byte, error) {
	fd, err := get[dbus.UnixFD](ctx, k.client, work, "Save")
	if err != nil {
		return nil, err
	}
	return readSealed(fd)
}

// Restore says for each part in data, which Save returned, what restoring it
// would change; with apply it does so. What can not be restored is refused
// either way, before anything has changed.
func (k keeper) Restore(ctx context.Context, data []byte, apply bool) ([]Step, error) {
	f, err := sealedFile(data)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return getList[Step](ctx, k.client, long, "Restore", dbus.UnixFD(f.Fd()), apply)
}

// restoring is the handler of Restore.
func restoring(do func(context.Context, Caller, []byte, bool) ([]Step, error)) handler {
	return func(c *incoming) ([]any, error) {
		data, err := c.sealed(0)
		if err != nil {
			return nil, err
		}
		return answerList(do(c.ctx, c.caller, data, c.boolean(1)))
	}
}

package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// Dial connects to an address on the segment, "10.77.0.11:5222", from the
// lab's end of the bridge. The address is numeric: names are the nodes' affair.
func (l *Lab) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return dialIn(ctx, l.net.name, network, addr)
}

// Dial connects to an address on the segment from a local node, whose address
// the other end sees.
func (n *Node) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m, ok := n.machine.(*local)
	if !ok {
		return nil, fmt.Errorf("%s is no local node", n.name)
	}
	return dialIn(ctx, m.netns, network, addr)
}

// dialIn makes the socket while its thread is in the namespace; a socket stays
// in the namespace it was made in.
func dialIn(ctx context.Context, netns, network, addr string) (net.Conn, error) {
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("opening the own network namespace: %w", err)
	}
	defer home.Close()
	there, err := os.Open(filepath.Join("/run/netns", netns))
	if err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("opening network namespace %s: %w", netns, err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("entering network namespace %s: %w", netns, err)
	}
	// A numeric address is dialled in this goroutine, so on this thread.
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if back := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread stays locked and ends with its goroutine.
		return conn, fmt.Errorf("leaving network namespace %s: %w", netns, back)
	}
	runtime.UnlockOSThread()
	return conn, err
}

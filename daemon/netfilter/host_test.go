package netfilter

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// host is a thread with a network of its own, and an /etc of its own. What is
// opened or started there belongs to it.
type host struct {
	t    *testing.T
	net  string // the file of its network
	work chan func()
}

func newHost(t *testing.T) *host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a network of one's own needs root")
	}
	for _, tool := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatal(err)
		}
	}
	h := &host{t: t, work: make(chan func())}
	ready := make(chan error)
	go h.run(ready)
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(h.work) })
	h.ip("link set lo up")
	return h
}

// run never gives its thread back: it ends with the goroutine.
func (h *host) run(ready chan<- error) {
	runtime.LockOSThread()
	h.net = fmt.Sprintf("/proc/%d/task/%d/ns/net", os.Getpid(), unix.Gettid())
	ready <- errors.Join(
		unix.Unshare(unix.CLONE_NEWNET|unix.CLONE_NEWNS),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", "/etc", "tmpfs", 0, ""),
	)
	for f := range h.work {
		f()
	}
}

// do runs f on the host.
func (h *host) do(f func()) {
	done := make(chan struct{})
	h.work <- func() { defer close(done); f() }
	<-done
}

func (h *host) ip(args string) {
	h.t.Helper()
	h.do(func() {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			h.t.Errorf("ip %s: %v\n%s", args, err, out)
		}
	})
}

// pair makes two hosts on one cable: 10.9.0.1 and 10.9.0.2, fd09::1 and fd09::2.
func pair(t *testing.T) (node, peer *host) {
	t.Helper()
	node, peer = newHost(t), newHost(t)
	cable(node, peer)
	return node, peer
}

func cable(node, peer *host) {
	node.ip("link add lan type veth peer name lan netns " + peer.net)
	for i, h := range []*host{node, peer} {
		h.ip(fmt.Sprintf("addr add 10.9.0.%d/24 dev lan", i+1))
		h.ip(fmt.Sprintf("addr add fd09::%d/64 dev lan nodad", i+1))
		h.ip("link set lan up")
	}
	node.carries()
	peer.carries()
}

// carries waits until the card carries: what is sent before that is lost, and
// sent again only after a second.
func (h *host) carries() {
	h.t.Helper()
	var out []byte
	for over := time.Now().Add(10 * time.Second); time.Now().Before(over); {
		h.do(func() { out, _ = exec.Command("ip", "-oneline", "link", "show", "dev", "lan", "up").CombinedOutput() })
		if strings.Contains(string(out), " state UP ") {
			return
		}
	}
	h.t.Fatalf("the cable carries nothing: %s", out)
}

// echo listens on every address of the host and sends back what comes.
func (h *host) echo(port int) {
	h.t.Helper()
	var l net.Listener
	var err error
	h.do(func() { l, err = net.Listen("tcp", fmt.Sprintf(":%d", port)) })
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				b := make([]byte, 64)
				for {
					n, err := c.Read(b)
					if err != nil {
						return
					}
					c.Write(b[:n])
				}
			}()
		}
	}()
}

// silence is how long a dropped call is waited for: on one machine, an answer
// takes less than a thousandth of it.
const silence = 400 * time.Millisecond

// call says what becomes of a connection: open, refused or dropped.
func (h *host) call(address string) string {
	c, err := h.dial(address)
	var timeout net.Error
	switch {
	case err == nil:
		c.Close()
		return "open"
	case errors.Is(err, unix.ECONNREFUSED):
		return "refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "dropped"
	}
	return err.Error()
}

func (h *host) dial(address string) (c net.Conn, err error) {
	h.do(func() { c, err = net.DialTimeout("tcp", address, silence) })
	return c, err
}

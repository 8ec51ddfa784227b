package edge

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lentSize is the size of lent buffers, as much as a TLS record carries.
const lentSize = 16 << 10

var lent = sync.Pool{New: func() any { return new([lentSize]byte) }}

// carrier is the TCP connection below a stream. It remembers the domain asked for
// in the clear, and the certificate that was presented, which tls.Conn does not
// tell and tls-server-end-point needs.
//
// Most streams are idle most of the time, and what one holds while it waits is what
// a client costs. So the wait is outside of TLS, on little stack and without a buffer
// but what crypto/tls keeps, as large as the largest record so far: Read never waits
// once dry is set, and await reads ahead for it.
type carrier struct {
	net.Conn
	leaf   *x509.Certificate
	domain string // that the stream header before STARTTLS asked for, "" if there was none

	dry    bool // Read returns errDry rather than wait; the reading goroutine's, as all below
	raw    syscall.RawConn
	look   func(fd uintptr) bool // arrived, made once
	ahead  *[lentSize]byte       // lent, nil for nothing
	from   int                   // what was read ahead, of ahead
	to     int
	failed error // of the last look
}

func newCarrier(tcp net.Conn) (*carrier, error) {
	raw, err := tcp.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil, err
	}
	t := &carrier{Conn: tcp, raw: raw}
	t.look = t.arrived
	return t, nil
}

// hurry says how long bytes may stay unacknowledged until the connection has failed.
func (t *carrier) hurry(limit time.Duration) (err error) {
	ctl := t.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit/time.Millisecond))
	})
	return errors.Join(ctl, err)
}

// errDry says that there is nothing to read yet. To crypto/tls it is an error that
// passes: the next Read goes on where this one stopped.
var errDry net.Error = dry{}

type dry struct{}

func (dry) Error() string   { return "nothing has come yet" }
func (dry) Timeout() bool   { return true }
func (dry) Temporary() bool { return true }

// Read takes what was read ahead.
func (t *carrier) Read(b []byte) (int, error) {
	switch {
	case t.ahead != nil:
		n := copy(b, t.ahead[t.from:t.to])
		if t.from += n; t.from == t.to {
			t.release()
		}
		return n, nil
	case t.dry:
		return 0, errDry
	}
	return t.Conn.Read(b)
}

// await waits until there is something to read, and reads it ahead.
func (t *carrier) await() error {
	if err := t.raw.Read(t.look); err != nil {
		return err
	}
	return t.failed
}

// arrived reads ahead without waiting and reports whether there is no need to.
func (t *carrier) arrived(fd uintptr) bool {
	t.ahead = lent.Get().(*[lentSize]byte)
	n, err := unix.Read(int(fd), t.ahead[:])
	for err == unix.EINTR {
		n, err = unix.Read(int(fd), t.ahead[:])
	}
	switch {
	case n > 0:
		t.from, t.to = 0, n
		return true
	case err == unix.EAGAIN:
	case err == nil:
		t.failed = io.EOF
	default:
		t.failed = os.NewSyscallError("read", err)
	}
	t.release()
	return t.failed != nil
}

// release forgets what was read ahead.
func (t *carrier) release() {
	if t.ahead != nil {
		lent.Put(t.ahead)
		t.ahead = nil
	}
}

package callbridge

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/sys/unix"

	"quorate.org/daemon/fault"
)

// limits are how long each step may take.
type limits struct {
	connect   time.Duration // to one address
	handshake time.Duration // TLS
	header    time.Duration // the server's stream header
	signIn    time.Duration // its answer to the handshake: it may be waiting for a leader
	idle      time.Duration // nothing heard: ping
	silence   time.Duration // no answer to the ping: the link is lost
	write     time.Duration // a server that does not read
}

var defaultLimits = limits{
	connect: 2 * time.Second, handshake: 4 * time.Second, header: 4 * time.Second, signIn: 15 * time.Second,
	idle: 30 * time.Second, silence: 10 * time.Second, write: 10 * time.Second,
}

// A server that is cut off without a word is noticed by probes of the kernel
// before the stream itself would be idle.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: 2 * time.Second, Count: 3}

// Bytes that are not acknowledged end a connection (tcp(7), TCP_USER_TIMEOUT).
const (
	userTimeout = 8 * time.Second
	signTime    = 500 * time.Millisecond // of a server in doubt: time for a far one, and to send them again
)

func socketOptions(_, _ string, raw syscall.RawConn) error { return setUserTimeout(raw, userTimeout) }

func acknowledgedWithin(conn net.Conn, limit time.Duration) error {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("limiting a connection: %T is no socket", conn)
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return fmt.Errorf("limiting a connection: %w", err)
	}
	return setUserTimeout(raw, limit)
}

func setUserTimeout(raw syscall.RawConn, limit time.Duration) error {
	var err error
	ctl := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(limit/time.Millisecond))
	})
	return errors.Join(ctl, err)
}

// connect opens TCP to the first address that answers. The failure told is that
// of the first address.
func connect(ctx context.Context, t target, addrs []netip.Addr, limit time.Duration) (net.Conn, *fault.Error) {
	dialer := net.Dialer{Timeout: limit, Control: socketOptions, KeepAliveConfig: keepAlive}
	var first error
	for _, a := range addrs {
		conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(a, uint16(t.port)).String())
		if err == nil {
			return conn, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, unreachable(first, t)
}

func unreachable(err error, t target) *fault.Error {
	mend := "is the server running there? xmpp status; and does a firewall let the port through?"
	if t.record != "" {
		mend += " If it listens elsewhere, mend the SRV record: dns check"
	}
	var network net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Mend(fault.TCP, t.origin()+" refuses the connection", mend)
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fault.Mend(fault.TCP, "there is no way to "+t.origin()+" in the network", "check the addresses and routes: ping "+t.host)
	case errors.As(err, &network) && network.Timeout():
		return fault.Mend(fault.TCP, t.origin()+" does not answer", mend)
	}
	return fault.Mend(fault.TCP, t.origin()+" can not be reached: "+bare(err), mend)
}

// bare leaves the addresses and ports out of a network error.
func bare(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return err.Error()
}

// secure does the TLS handshake, at once and with the domain as SNI (XEP-0368
// §3; RFC 6120 §13.7.2). The port is shared with clients, hence their ALPN name.
func secure(ctx context.Context, raw net.Conn, t target, s *Setup, limit time.Duration, now func() time.Time) (*tls.Conn, *fault.Error) {
	sni := s.Domain
	if ascii, err := idna.Punycode.ToASCII(sni); err == nil {
		sni = ascii
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName: sni, MinVersion: tls.VersionTLS12, NextProtos: []string{"xmpp-client"},
		InsecureSkipVerify: true, // VerifyConnection judges, by pins too and in our words
		VerifyConnection: func(state tls.ConnectionState) error {
			if f := s.Trust.accept(state.PeerCertificates, s.Domain, t, now()); f != nil {
				return f
			}
			return nil
		},
	})
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, handshakeFailed(err, t)
	}
	return conn, nil
}

func handshakeFailed(err error, t target) *fault.Error {
	const mend = "does the server have its certificate? xmpp status there"
	var ours *fault.Error
	var record tls.RecordHeaderError
	var network net.Error
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &record):
		return notTLS(t)
	case strings.Contains(err.Error(), "no application protocol"): // an alert has no type of its own
		return fault.Mend(fault.TLS, "what answers at "+t.origin()+" does not speak XMPP", portRemedy(t))
	case errors.As(err, &network) && network.Timeout():
		return fault.Mend(fault.TLS, t.origin()+" does not answer the TLS handshake", mend)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fault.Mend(fault.TLS, t.origin()+" ends the connection in the TLS handshake", mend)
	}
	return fault.Mend(fault.TLS, "the TLS handshake with "+t.origin()+" failed: "+strings.TrimPrefix(bare(err), "tls: "), mend)
}

func notTLS(t target) *fault.Error {
	return fault.Mend(fault.TLS, "what answers at "+t.origin()+" does not speak TLS", portRemedy(t))
}

func portRemedy(t target) string {
	if t.record == "" {
		return "name the component port of the server, mostly 5223: callbridge server <host:port>"
	}
	return "mend the port in the SRV record; the component port is mostly 5223: dns check"
}

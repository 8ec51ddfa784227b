package mesh

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/journal"
)

func (m *Mesh) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			m.log.Warn("accepting a peer", "error", err)
			select {
			case <-time.After(50 * time.Millisecond): // out of descriptors, say
			case <-m.ctx.Done():
				return
			}
			continue
		}
		m.take(c)
	}
}

// take serves an accepted connection, unless there are too many.
func (m *Mesh) take(c net.Conn) {
	host := hostOf(c.RemoteAddr())
	if !m.gate.enter(host) {
		c.Close()
		m.complain(host, "", errors.New("too many connections of which none has said yet who it is"))
		return
	}
	if !m.track(c) {
		m.gate.leave(host)
		c.Close()
		return
	}
	m.running.Go(func() {
		defer m.untrack(c)
		m.serve(c, host)
	})
}

func (m *Mesh) track(c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.conns[c] = true
	}
	return !m.closed
}

func (m *Mesh) untrack(c net.Conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, c)
}

func (m *Mesh) tls(protos ...string) *tls.Config {
	return &tls.Config{
		MinVersion:                  tls.VersionTLS13,
		NextProtos:                  protos,
		DynamicRecordSizingDisabled: true,
		SessionTicketsDisabled:      true,
		ClientAuth:                  tls.RequireAnyClientCert,
		InsecureSkipVerify:          true, // VerifyConnection judges by the cluster's trust, not by host name
		GetCertificate:              func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return m.cfg.Certificate() },
		GetClientCertificate:        func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return m.cfg.Certificate() },
		VerifyConnection:            func(cs tls.ConnectionState) error { return m.cfg.Trust(cs.PeerCertificates) },
	}
}

// serve greets one accepted connection and hands it to its protocol.
func (m *Mesh) serve(raw net.Conn, host string) {
	conn, c, h, err := m.welcome(raw, host)
	if c.Member { // no stranger: it takes no place any more
		m.gate.leave(host)
	} else {
		defer m.gate.leave(host)
	}
	if err != nil {
		return
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case protoRaft:
		m.lend(conn)
	case protoStanza:
		m.runLink(newLink(m, c.ID, h.Incarnation, conn))
	case protoControl:
		m.answer(conn, c)
	default:
		conn.Close()
	}
}

// welcome is the handshake and both hellos. Behind an error the connection is
// closed and, where it is worth it, the refusal journaled.
func (m *Mesh) welcome(raw net.Conn, host string) (*tls.Conn, Caller, hello, error) {
	conn := tls.Server(raw, m.tls(protoRaft, protoStanza, protoControl))
	conn.SetDeadline(time.Now().Add(m.limit))
	if err := conn.Handshake(); err != nil {
		raw.Close()
		if !brokenOff(err) {
			m.complain(host, "", inWords(err))
		}
		return nil, Caller{}, hello{}, err
	}
	proto := conn.ConnectionState().NegotiatedProtocol
	c, h, err := m.readHello(conn, true)
	if err == nil {
		err = m.admit(c, h, proto)
	}
	if err == nil && c.Member {
		err = m.checkClone(c, h)
	}
	if err != nil {
		m.complain(host, c.ID, err)
		refuse(conn, err)
		return nil, c, h, err
	}
	if err := m.sayHello(conn, true); err != nil {
		conn.Close()
		return nil, c, h, err
	}
	conn.SetDeadline(time.Time{})
	return conn, c, h, nil
}

// brokenOff is how port scanners, and peers that only look whether this process
// lives, end a handshake.
func brokenOff(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET)
}

// complain journals that a peer was refused.
func (m *Mesh) complain(host, id string, err error) {
	if !m.complaints.due(host+" "+id+" "+err.Error(), time.Now()) {
		return
	}
	m.log.Warn("a peer was refused", journal.ID(eventOf(err)), "address", host, "node_id", id, "error", err)
}

func eventOf(err error) journal.MessageID {
	if errors.Is(err, &fault.Error{Code: fault.Cloned}) {
		return journal.CloneSeen
	}
	return journal.PeerRefused
}

// lend hands a connection to whoever accepts for raft.
func (m *Mesh) lend(c *tls.Conn) {
	conn, err := m.borrowed(c)
	if err != nil {
		return
	}
	select {
	case m.raft <- conn:
	case <-time.After(m.limit): // nobody accepts; the peer tries again
		conn.Close()
	case <-m.ctx.Done():
		conn.Close()
	}
}

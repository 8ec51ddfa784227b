package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"quorate.org/daemon/jid"
	"quorate.org/daemon/pki"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
	"quorate.org/daemon/xmlwire"
)

// closeWait is how long a stream that we end may take to be written out and to
// be ended by its peer (RFC 6120 §4.4, "a reasonable amount of time").
const closeWait = 2 * time.Second

// drainWait is how long Drain waits for a write under way.
const drainWait = 100 * time.Millisecond

// conn is one connection and the stream on it.
type conn struct {
	edge   *Edge
	set    *settings
	direct bool
	peer   netip.AddrPort
	log    *slog.Logger

	tcp  *carrier
	wire net.Conn // tcp, or TLS over it; the reading goroutine's until bound

	ctx    context.Context
	cancel context.CancelFunc

	scan    *xmlwire.Scanner
	machine *stream.Machine
	in      inbox
	trying  jid.JID       // the account of a sign-in under way that admits let begin
	session Session       // nil before the session is granted
	managed bool          // by XEP-0198
	ended   bool          // by the client's end tag
	until   time.Time     // of the client's certificate, if it signed in by it; read by others once bound
	bound   atomic.Uint32 // 1 + Kind once granted

	out  outbox
	shut atomic.Pointer[stream.Violation] // why we end the stream; set once
}

// errEnd ends the reading of a stream in good order.
var errEnd = errors.New("the stream has ended")

// serve runs the connection to its end.
func (c *conn) serve() {
	defer c.edge.forget(c)
	err := c.run()
	if !errors.Is(err, errEnd) {
		c.out.abort()
		c.tcp.Close()
	}
	c.out.wait()
	c.out.stop()
	c.tcp.Close()
	c.tcp.release()
	c.in.release()
	c.abandon() // the connection keeps its place of the address meanwhile
	c.cancel()
	if c.session != nil {
		c.part(err)
	}
}

// run reads until the stream is over. errEnd means that it was ended by an end
// tag or a stream error and all bytes of it are written or with the writer.
func (c *conn) run() error {
	// A negotiation needs a deep stack, for the exchange of keys above all, and the
	// stream behind it little: it has a goroutine of its own.
	negotiated := make(chan error)
	go func() { negotiated <- c.open() }()
	err := <-negotiated
	for err == nil {
		err = c.next()
	}
	return err
}

// open negotiates until the session is there.
func (c *conn) open() error {
	c.limitTime(c.set.limits.AuthTimeout)
	if c.direct {
		if err := c.secure(c.set.direct); err != nil {
			return err
		}
	}
	c.machine = stream.New(stream.Config{
		Direct: c.direct, Channel: c.channel(), Accounts: c.edge.accounts, Guard: c.admits,
	})
	c.scan = xmlwire.NewScanner(c.set.limits.before())
	c.tcp.dry = true
	for c.session == nil {
		if err := c.next(); err != nil {
			return err
		}
	}
	return nil
}

// next takes in what has come, or waits for something to come.
func (c *conn) next() error {
	data, err := c.in.fill(c.wire)
	if errors.Is(err, errDry) {
		if err = c.tcp.await(); err == nil {
			return nil
		}
	}
	if err != nil {
		return c.readFailed(err)
	}
	n, err := c.consume(data)
	if err != nil {
		return err
	}
	c.in.keep(data[n:])
	return nil
}

// limitTime gives the negotiation d from now, without limit if d is 0, unless the
// stream is being shut.
func (c *conn) limitTime(d time.Duration) {
	if d == 0 {
		c.tcp.SetDeadline(time.Time{})
	} else {
		c.tcp.SetDeadline(time.Now().Add(d))
	}
	if c.shut.Load() != nil { // behind the above, or Shut's own limits are
		c.limitEnd()
	}
}

// limitEnd gives the stream closeWait to end. Before it is bound there is nothing
// to read for.
func (c *conn) limitEnd() {
	now := time.Now()
	c.tcp.SetDeadline(now.Add(closeWait))
	if c.bound.Load() == 0 {
		c.tcp.SetReadDeadline(now)
	}
}

// consume handles the events in data and says how many bytes are done with.
func (c *conn) consume(data []byte) (int, error) {
	stamped := lendStamped()
	defer stamped.free()
	for done := 0; ; {
		ev, n, err := c.scan.Next(data[done:])
		if err != nil {
			return done, c.violated(err)
		}
		done += n
		switch {
		case ev.Kind == xmlwire.NeedMore:
			c.scan.Rest()
			return done, nil
		case ev.Kind == xmlwire.Stanza && c.session != nil && c.machine.Manages(ev.Header):
			err = c.manage(ev)
		case ev.Kind == xmlwire.Stanza && c.session != nil:
			err = c.relay(ev, stamped)
		default:
			// Some clients end <starttls/> with a line feed, against RFC 6120 §5.3.3. White
			// space begins no TLS record, and none of it is taken for one.
			done += len(data[done:]) - len(bytes.TrimLeft(data[done:], " \t\r\n"))
			err = c.negotiate(ev, len(data)-done)
		}
		if err != nil {
			return done, err
		}
	}
}

// relay hands one stanza to the session. This and what it calls is the path
// that every message takes.
func (c *conn) relay(ev xmlwire.Event, stamped *stamped) error {
	if c.shut.Load() != nil {
		return nil // RFC 6120 §4.4: read on, yet nothing of it is accepted
	}
	if c.indicates(ev.Header) {
		return nil
	}
	from, v := c.machine.Judge(ev.Header)
	if v != nil {
		return c.violated(v)
	}
	c.edge.counts.received[kindOf(ev.Header.Name)].Add(1)
	stamped.buf = xmlwire.AppendStamped(stamped.buf[:0], ev.Raw, ev.Header, from, "", c.machine.Lang())
	if err := c.session.Send(c.ctx, ev.Header, stamped.buf); err != nil {
		c.Shut(stanza.StreamInternalServerError, "the stanza could not be taken in")
	}
	return nil
}

// negotiate feeds an event to the machine and does what it asks for; rest is
// how many bytes were read beyond the event.
func (c *conn) negotiate(ev xmlwire.Event, rest int) error {
	var out []byte
	var act stream.Action
	switch ev.Kind {
	case xmlwire.StreamOpen:
		out, act = c.machine.Header(nil, ev.Stream)
	case xmlwire.Stanza:
		out, act = c.machine.Element(nil, ev)
	case xmlwire.StreamClose:
		return c.peerEnded()
	}
	return c.act(out, act, rest)
}

// act writes what the machine answered and does what it asks for.
func (c *conn) act(out []byte, act stream.Action, rest int) error {
	if act.Do == stream.StartTLS && (rest > 0 || c.tcp.ahead != nil) { // ahead: the inbox had no room for all
		// Bytes that came in the clear behind <starttls/> must not be taken for
		// bytes of the TLS stream (RFC 6120 §5.4.3.3; CVE-2011-0411).
		act = stream.Action{Do: stream.Close, Err: errInjected}
		out = []byte("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
	}
	switch {
	case act.Failed:
		out, act = c.penalize(out, act)
	case act.Do == stream.Restart, act.Do == stream.Admit, act.Do == stream.Bind, act.Do == stream.Resumption:
		c.settle(true)
	}
	if len(out) > 0 {
		if _, err := c.wire.Write(out); err != nil {
			return err
		}
	}
	c.logAction(act)
	c.edge.counts.tell(act.Told)
	switch act.Do {
	case stream.StartTLS:
		return c.startTLS()
	case stream.Restart:
		c.scan.Restart()
		c.scan.SetLimits(c.set.limits.after())
	case stream.Admit:
		c.scan.SetLimits(c.set.limits.after())
	case stream.Bind:
		return c.bind(act.Want, act.Wish)
	case stream.Resumption:
		return c.resume(act.Resume)
	case stream.Close:
		return c.hangUp()
	}
	return nil
}

var errInjected = errors.New("bytes behind STARTTLS")

// startTLS secures a connection that began in the clear.
func (c *conn) startTLS() error {
	c.tcp.domain = c.machine.Domain()
	if err := c.secure(c.set.starttls); err != nil {
		return err
	}
	c.scan.Restart()
	c.machine.Secured(c.channel())
	return nil
}

// secure does the TLS handshake. A failure ends the connection without a word
// of XMPP (RFC 6120 §5.4.3.2).
func (c *conn) secure(cfg *tls.Config) error {
	c.tcp.dry = false
	t := tls.Server(c.tcp, cfg)
	if err := t.HandshakeContext(c.ctx); err != nil {
		c.edge.counts.broken.Add(1)
		c.logHandshake(err)
		return err
	}
	c.tcp.dry, c.wire = true, t
	return nil
}

// channel returns what the TLS connection tells, nothing in the clear.
func (c *conn) channel() stream.Channel {
	t, ok := c.wire.(*tls.Conn)
	if !ok {
		return stream.Channel{}
	}
	leaf := c.tcp.leaf
	c.tcp.leaf = nil
	state := t.ConnectionState()
	return stream.Channel{Binding: sasl.BindingOf(state, leaf), Proved: c.proved(state.PeerCertificates)}
}

// proved returns the accounts that the client's certificate proves. One that
// proves nothing is as good as none: the client may sign in by password.
func (c *conn) proved(shown []*x509.Certificate) []jid.JID {
	addresses, until := pki.Client(shown, c.set.clients, time.Now())
	var list []jid.JID
	for _, a := range addresses {
		if who, err := jid.Parse(a); err == nil && who.IsBare() {
			list = append(list, who)
		}
	}
	c.until = until
	return list
}

// bind asks for the session and, when it is granted, lets the outbox flow behind
// the answer. The time limit does not run while a leader is waited for.
func (c *conn) bind(want jid.JID, wish Wish) error {
	c.limitTime(0)
	kind := Client
	if c.machine.Component() {
		kind = Component
	}
	c.grants(&wish)
	session, err := c.edge.router.Bind(c.ctx, kind, want, wish, c)
	if err != nil {
		c.managed = false
		c.limitTime(c.set.limits.AuthTimeout)
		out, act := c.machine.Refused(nil, err)
		return c.act(out, act, 0)
	}
	c.logBound(kind, session.JID())
	c.granted(wish)
	return c.begin(kind, session, c.machine.Granted(nil, session.JID()))
}

// begin lets the stream of a session flow, answer first.
func (c *conn) begin(kind Kind, session Session, answer []byte) error {
	c.session = session
	c.scan.SetLimits(c.set.limits.after()) // a component never restarts its stream
	if !c.machine.Certified() {
		c.until = time.Time{}
	}
	c.bound.Store(1 + uint32(kind))
	c.edge.counts.bound[kind].Add(1)
	if _, err := c.wire.Write(answer); err != nil {
		return err
	}
	c.start(c.out.release())
	c.revoke(kind)
	return nil
}

package edge

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"strings"
	"time"

	"quorate.org/daemon/fault"
	"quorate.org/daemon/jid"
	"quorate.org/daemon/journal"
	"quorate.org/daemon/sasl"
	"quorate.org/daemon/stream"
)

// Each thing that a person may look for is logged once, with fields only: no
// secret, no stanza, and nothing a peer said except the names it claims.

// logAction tells why a negotiation failed.
func (c *conn) logAction(act stream.Action) {
	var f *fault.Error
	var s *sasl.Failure
	var v *stream.Violation
	switch err := act.Err; {
	case err == nil:
	case errors.As(err, &f):
		id := journal.StreamRefused
		if act.Failed {
			id, f = journal.SignInRefused, c.from(f)
			c.edge.turned.note(act.Claim, f, time.Now())
		}
		c.log.Warn(f.Message, journal.ID(id), "fault", string(f.Code), "remedy", f.Remedy)
	case errors.As(err, &s):
		c.log.Warn("sign-in failed", journal.ID(journal.SignInRefused), "condition", s.Condition, "reason", s.Reason, "user", c.machine.User())
	case errors.As(err, &v):
		c.logViolation(v)
	default:
		c.log.Warn("negotiation failed", "reason", err)
	}
}

// logAbandoned tells of a sign-in that its client did not complete.
func (c *conn) logAbandoned() {
	c.log.Warn("sign-in failed", journal.ID(journal.SignInRefused), "condition", sasl.Aborted, "reason", "the client did not complete it", "user", c.trying.Local())
}

func (c *conn) logViolation(v *stream.Violation) {
	if v.Condition == "" { // the peer's own
		c.log.Info(v.Text, "jid", c.jid())
		return
	}
	c.log.Warn("stream error sent", journal.ID(journal.StreamRefused), "condition", v.Condition, "reason", v.Text, "jid", c.jid())
}

func (c *conn) logHandshake(err error) {
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, io.EOF), c.ctx.Err() != nil: // a port scan, or our own end
		c.log.Debug("TLS handshake broken off", "reason", err)
	case errors.As(err, &record):
		c.log.Info("no TLS where TLS is expected", "fault", string(fault.TLS))
	default:
		c.log.Info("TLS handshake failed", "fault", string(fault.TLS), "reason", err)
	}
}

func (c *conn) logBound(k Kind, j jid.JID) {
	if k == Component {
		c.edge.turned.forget(j.String())
		c.log.Info("call bridge connected", journal.ID(journal.CallBridgeConnected), "callbridge", bridge(j), "jid", j.String())
		return
	}
	c.log.Info("session bound", "jid", j.String())
}

func (c *conn) logEnd(err error) {
	reason := "ended by the peer"
	if v := c.shut.Load(); v != nil && v.Condition+v.Text != "" {
		reason = strings.TrimPrefix(v.Error(), ": ")
	} else if err != nil && !errors.Is(err, errEnd) {
		reason = err.Error()
	}
	if c.machine.Component() {
		c.log.Info("call bridge disconnected", journal.ID(journal.CallBridgeLost),
			"callbridge", bridge(c.machine.JID()), "jid", c.jid(), "reason", reason)
		return
	}
	c.log.Info("session ended", "jid", c.jid(), "reason", reason)
}

// bridge is the call bridge name in a component's address.
func bridge(j jid.JID) string {
	name, _, _ := strings.Cut(j.Domain(), ".")
	return name
}

func (c *conn) jid() string { return c.machine.JID().String() }

func connLogger(l *slog.Logger, address string, direct bool) *slog.Logger {
	port := "client"
	if direct {
		port = "component"
	}
	return l.With("address", address, "port", port)
}

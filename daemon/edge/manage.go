package edge

import (
	"crypto/rand"
	"time"

	"quorate.org/daemon/stanza"
	"quorate.org/daemon/stream"
	"quorate.org/daemon/xmlwire"
)

// Management is what a managed session is given (XEP-0198); see stream.Management.
type Management = stream.Management

// management grants what a client asks for, within the limits.
func (l Limits) management(e *stream.Enable) Management {
	m := Management{Queue: l.ResumeQueue}
	if e.Resume {
		m.Token, m.Patience = rand.Text(), l.ResumeTime
		if e.Max > 0 {
			m.Patience = max(min(m.Patience, e.Max), time.Second)
		}
	}
	m.Enabled = stanza.AppendEnabled(nil, m.Token, m.Patience)
	return m
}

// manage handles an element of stream management on a bound stream.
func (c *conn) manage(ev xmlwire.Event) error {
	if c.shut.Load() != nil {
		return nil
	}
	cmd, refusal, v := c.machine.Manage(ev)
	switch {
	case v != nil:
		return c.violated(v)
	case refusal != "":
		c.Enqueue(stanza.AppendFailed(nil, refusal, 0, false))
	case cmd.Enable != nil:
		return c.enable(cmd.Enable)
	case !c.managed:
		c.Enqueue(stanza.AppendFailed(nil, stanza.UnexpectedRequest, 0, false))
	case cmd.Ask:
		c.session.Wants()
	case cmd.Acked:
		if sent, ok := c.session.Acked(cmd.H); !ok {
			return c.violated(stream.TooHigh(cmd.H, sent))
		}
	}
	return nil
}

// enable begins management, once: who asks again is shown the door (XEP-0198 §3).
func (c *conn) enable(e *stream.Enable) error {
	if c.managed {
		c.Enqueue(stanza.AppendFailed(nil, stanza.UnexpectedRequest, 0, false))
		return c.violated(&stream.Violation{Condition: stanza.StreamPolicyViolation, Text: "stream management is enabled already"})
	}
	m := c.set.limits.management(e)
	c.widen(m)
	c.session.Manage(m)
	return nil
}

// widen has the outbox take what the queue of a managed session may hold: it is
// written again when the session is resumed.
func (c *conn) widen(m Management) {
	c.managed = true
	c.out.widen(m.Queue)
}

// resume asks for a session that the client had and, when it is there, lets the
// outbox flow behind the answer.
func (c *conn) resume(r *stream.Resume) error {
	c.limitTime(0)
	c.widen(Management{Queue: c.set.limits.ResumeQueue})
	session, h, err := c.edge.router.Resume(c.ctx, c.machine.JID().Bare(), r.Token, r.H, c)
	if err != nil {
		c.managed = false
		c.limitTime(c.set.limits.AuthTimeout)
		out, act := c.machine.Unresumed(nil, err)
		return c.act(out, act, 0)
	}
	c.log.Info("session resumed", "jid", session.JID().String())
	return c.begin(Client, session, c.machine.Resumed(nil, session.JID(), h))
}

// grants completes a wish for management by what the limits allow.
func (c *conn) grants(w *Wish) {
	if w.Enable != nil {
		m := c.set.limits.management(w.Enable)
		w.Managed = &m
		c.widen(m)
	}
}

// granted has the client told what of its wish is so from the first stanza on.
func (c *conn) granted(w Wish) {
	if c.managed = w.Managed != nil; c.managed {
		c.machine.Enabled(w.Managed.Enabled)
	}
	if w.Inactive {
		c.out.attend(false)
	}
}

// part lets the session go. Unless the client ended its stream, or may not have one
// any more, the session is unfinished (XEP-0198 §8).
func (c *conn) part(err error) {
	v := c.shut.Load()
	refused := v != nil && (v.Condition == stanza.StreamNotAuthorized || v.Condition == stanza.StreamHostGone)
	if c.ended || refused || !c.managed {
		c.session.Close()
	} else {
		c.session.Detach()
	}
	c.logEnd(err)
}

package edge

import (
	"time"

	"quorate.org/daemon/im"
	"quorate.org/daemon/stanza"
	"quorate.org/daemon/xmlwire"
)

// nsCSI qualifies what a client tells of its user's attention (XEP-0352 §4.2).
const nsCSI = "urn:xmpp:csi:0"

// indicates handles the two elements of XEP-0352, which are not answered. What was
// held back is on its way before anything else of the client is looked at (§5.1).
func (c *conn) indicates(h *xmlwire.Header) bool {
	if string(h.Space) != nsCSI || c.machine.Component() {
		return false
	}
	switch string(h.Name) {
	case "active":
		c.start(c.out.attend(true))
	case "inactive":
		c.out.attend(false)
	default:
		return false
	}
	return true
}

// idleness is what an outbox does while its client is inactive: it gathers what
// can wait, so that the client's radio need not wake for each. All goes on, in
// its order, as soon as something comes that can not wait, or when that is too
// much or too old. Nothing is dropped: a client counts what it gets (XEP-0198 §4).
type idleness struct {
	on    bool
	bytes int       // how much may wait
	since time.Time // when the first came that waits, zero if none does
}

// attend says whether the client's user looks, and whether a writer has to be
// started.
func (o *outbox) attend(active bool) putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.idleness.on = !active
	if o.fill == nil || !active {
		return queued
	}
	return o.start()
}

// deferrable: what asks for an <a/> may wait with what it asks about.
func deferrable(raw []byte) bool {
	return stanza.IsManagement(raw) && raw[1] == 'r' || im.Deferrable(raw)
}

// flow says whether a writer has to be started for what was just taken in.
func (o *outbox) flow(raw []byte) putResult {
	if !o.idleness.on || o.writing || !deferrable(raw) {
		return o.start()
	}
	if o.size() > o.idleness.bytes {
		if r := o.start(); r != queuedGo {
			return r
		}
		return queuedFull
	}
	if o.idleness.since.IsZero() {
		o.idleness.since = time.Now()
	}
	return queued
}

// overdue says whether a writer has to be started for what has waited too long.
func (o *outbox) overdue(now time.Time, limit time.Duration) putResult {
	o.mu.Lock()
	defer o.mu.Unlock()
	if since := o.idleness.since; since.IsZero() || now.Sub(since) < limit {
		return queued
	}
	return o.start()
}

package router

import "bytes"

// holding is what this edge keeps for a leader (rule 11).
type holding struct {
	of     Held // without its claims
	claims map[SID]*Claim
}

// hold changes what this edge keeps for a leader, and confirms it.
func (e *Edge) hold(m Msg) {
	switch x := m.Mirror; {
	case x.Kind == MirrorReset:
		e.held = &holding{of: *x.Held, claims: make(map[SID]*Claim)}
		e.held.of.Epoch, e.held.of.Claims = m.Epoch, nil
		for _, c := range x.Held.Claims {
			e.held.claims[c.SID] = &c
		}
	case x.Kind == MirrorVoid:
		e.held = nil
		return
	case e.held != nil:
		e.held.apply(x)
	}
	if m.Mirror.Kind.waited() {
		e.send(Msg{Type: MsgMirrored, N: m.N})
	}
}

// apply makes one change.
func (h *holding) apply(x *Mirror) {
	switch x.Kind {
	case MirrorBegin:
		h.claims[x.Claim.SID] = x.Claim
	case MirrorEnd:
		delete(h.claims, x.SID)
	default:
		if c := h.claims[x.SID]; c != nil {
			c.apply(x)
		}
	}
}

func (c *Claim) apply(x *Mirror) {
	switch x.Kind {
	case MirrorPut:
		c.Record.put(entryOf(x.Frame, x.Sub))
		c.Record.see(x.Frame)
		if x.Frame.ID.Inc == StoreInc {
			c.Offline = max(c.Offline, x.Frame.ID.Seq)
		}
	case MirrorTook:
		x.Frame.Raw = bytes.Clone(x.Frame.Raw) // presence outlives what the link read
		c.note(x.Frame)
		c.Record.note(x.Frame)
		c.Record.took(x.Frame)
	case MirrorDone:
		c.Record.settled(x.ID)
	case MirrorAcked:
		c.Record.trim(uint32(x.N))
	case MirrorReached:
		c.Sent = max(c.Sent, x.N)
	}
}

// report is a copy for SYNC; nil for nothing.
func (h *holding) report() *Held {
	if h == nil {
		return nil
	}
	r := h.of
	for _, c := range h.fitting() {
		r.Claims = append(r.Claims, c.copied())
	}
	return &r
}

package router

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// appendResumption appends what a message about resumable sessions has.
func appendResumption(b []byte, m Msg) []byte {
	switch m.Type {
	case MsgManage:
		b = appendSID(b, m.SID)
		b = appendWhole(b, m.Claim)
	case MsgAcked, MsgReached, MsgHalted, MsgWaits:
		b = appendSID(b, m.SID)
		b = binary.AppendUvarint(b, m.N)
	case MsgResume:
		b = appendSID(b, m.SID)
		b = appendString(b, m.Token)
		b = appendString(b, m.JID)
	case MsgResumed:
		b = appendSID(b, m.SID)
		b = appendSID(b, m.For)
		b = binary.AppendUvarint(b, m.N)
		b = appendString(b, m.Reason)
	case MsgAdopt:
		b = appendSID(b, m.For)
		b = appendWhole(b, m.Claim)
	case MsgSettle:
		b = appendSID(b, m.SID)
		b = appendID(b, m.ID)
	case MsgManaged, MsgHalt, MsgYield, MsgYielded, MsgAdopted, MsgDrop:
		b = appendSID(b, m.SID)
	case MsgMirror:
		b = binary.AppendUvarint(b, m.N)
		b = appendMirror(b, m.Mirror)
	case MsgMirrored:
		b = binary.AppendUvarint(b, m.N)
	}
	return b
}

func (d *decoder) resumption(m *Msg) {
	switch m.Type {
	case MsgManage:
		m.SID, m.Claim = d.sid(), d.whole()
	case MsgAcked, MsgReached, MsgHalted, MsgWaits:
		m.SID, m.N = d.sid(), d.uint()
	case MsgResume:
		m.SID, m.Token, m.JID = d.sid(), string(d.bytes()), string(d.bytes())
	case MsgResumed:
		m.SID, m.For, m.N, m.Reason = d.sid(), d.sid(), d.uint(), string(d.bytes())
	case MsgAdopt:
		m.For, m.Claim = d.sid(), d.whole()
		d.bad = d.bad || m.Claim.Record == nil
	case MsgSettle:
		m.SID, m.ID = d.sid(), d.id()
	case MsgManaged, MsgHalt, MsgYield, MsgYielded, MsgAdopted, MsgDrop:
		m.SID = d.sid()
	case MsgMirror:
		m.N, m.Mirror = d.uint(), d.mirror()
	case MsgMirrored:
		m.N = d.uint()
	default:
		d.bad = true
	}
}

// appendClaim appends a claim but for its presence. Of most the incarnation is the
// report's.
func appendClaim(b []byte, c *Claim, home Inc) []byte {
	b = append(b, byte(c.Kind), flags(c.Available, c.Closing, c.Interested, c.Carbons, c.Blocklist, c.Waits), byte(c.Priority),
		flags(c.SID.Inc != home, c.Record != nil))
	if c.SID.Inc != home {
		b = append(b, c.SID.Inc[:]...)
	}
	b = binary.AppendUvarint(b, c.SID.N)
	b = appendStamp(b, c.Stamp)
	b = appendString(b, c.JID)
	b = binary.AppendUvarint(b, c.Offline)
	if c.Record != nil {
		b = appendString(b, c.Token)
		b = binary.AppendUvarint(b, uint64(c.Gen))
		b = binary.AppendVarint(b, c.Patience)
		b = binary.AppendUvarint(b, uint64(c.Bound))
		b = appendRecord(b, c.Record)
	}
	return b
}

func (d *decoder) claim(home Inc) Claim {
	c := Claim{Kind: Kind(d.byte())}
	f := d.byte()
	c.Available, c.Closing, c.Interested, c.Carbons = f&1 != 0, f&2 != 0, f&4 != 0, f&8 != 0
	c.Blocklist, c.Waits = f&16 != 0, f&32 != 0
	c.Priority = int8(d.byte())
	f, c.SID.Inc = d.byte(), home
	if f&1 != 0 {
		c.SID.Inc = d.inc()
		d.bad = d.bad || c.SID.Inc == home // it has one form
	}
	c.SID.N, c.Stamp, c.JID = d.uint(), d.stamp(), string(d.bytes())
	c.Offline = d.uint()
	if f&2 != 0 {
		c.Token, c.Gen, c.Patience, c.Bound = string(d.bytes()), uint32(d.uint()), d.int(), int(d.uint())
		c.Record = d.record()
	}
	return c
}

// appendWhole appends a claim with its presence.
func appendWhole(b []byte, c *Claim) []byte {
	b = appendString(appendClaim(b, c, Inc{}), c.Presence)
	if c.Record == nil {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(c.Shown)))
	for _, from := range slices.Sorted(maps.Keys(c.Shown)) {
		b = appendSID(appendString(b, from), c.Shown[from])
	}
	return b
}

func (d *decoder) whole() *Claim {
	c := d.claim(Inc{})
	c.Presence = some(d.bytes())
	if c.Record == nil {
		return &c
	}
	for range d.count(18) {
		if c.Shown == nil {
			c.Shown = make(map[string]SID)
		}
		c.Shown[string(d.bytes())] = d.sid()
	}
	return &c
}

// some is a copy of bytes that are there, or nil.
func some(b []byte) []byte {
	if len(b) == 0 {
		return nil
	}
	return bytes.Clone(b)
}

func appendRecord(b []byte, r *Record) []byte {
	for _, n := range []uint64{r.Sent, r.Base, r.Acked, uint64(len(r.Queue)), uint64(len(r.Past))} {
		b = binary.AppendUvarint(b, n)
	}
	for _, list := range [][]Entry{r.Queue, r.Past} {
		for _, e := range list {
			b = appendID(b, e.ID)
			b = binary.LittleEndian.AppendUint64(b, e.Sub)
			b = binary.AppendUvarint(b, e.Low)
			b = appendString(b, e.Raw)
		}
	}
	b = binary.AppendUvarint(b, uint64(len(r.Frames)))
	for _, f := range r.Frames {
		b = appendFrame(b, f)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Directed)))
	for _, to := range slices.Sorted(maps.Keys(r.Directed)) {
		b = appendString(b, to)
	}
	return b
}

func (d *decoder) record() *Record {
	r := &Record{Sent: d.uint(), Base: d.uint(), Acked: d.uint()}
	queued, past := d.count(1), d.count(1)
	r.Queue, r.Past = d.entries(queued), d.entries(past)
	for _, e := range r.Queue {
		r.size += e.weight()
	}
	for range d.count(40) {
		f := d.frame()
		f.To, f.Raw = bytes.Clone(f.To), bytes.Clone(f.Raw)
		r.Frames = append(r.Frames, f)
	}
	for range d.count(1) {
		if r.Directed == nil {
			r.Directed = make(map[string]bool)
		}
		r.Directed[string(d.bytes())] = true
	}
	return r
}

func (d *decoder) entries(n uint64) (list []Entry) {
	for range n {
		if d.bad {
			return nil
		}
		list = append(list, Entry{ID: d.id(), Sub: d.fixed(), Low: d.uint(), Raw: some(d.bytes())})
	}
	return list
}

func appendHeld(b []byte, h *Held) []byte {
	b = append(b, flags(h != nil))
	if h == nil {
		return b
	}
	b = binary.AppendUvarint(b, h.Epoch.Term)
	b = binary.AppendUvarint(b, uint64(h.Epoch.K))
	b = appendString(b, string(h.Node))
	b = append(b, h.Inc[:]...)
	return appendClaims(b, h.Claims, Inc{})
}

func (d *decoder) held() *Held {
	if d.byte()&1 == 0 {
		return nil
	}
	h := &Held{Epoch: Epoch{d.uint(), uint32(d.uint())}, Node: NodeID(d.bytes()), Inc: d.inc()}
	h.Claims = d.claims(Inc{})
	d.bad = d.bad || slices.ContainsFunc(h.Claims, func(c Claim) bool { return c.Record == nil })
	return h
}

func appendMirror(b []byte, x *Mirror) []byte {
	b = append(b, byte(x.Kind))
	switch x.Kind {
	case MirrorReset:
		return appendHeld(b, x.Held)
	case MirrorBegin:
		return appendWhole(b, x.Claim)
	case MirrorVoid:
		return b
	}
	b = appendSID(b, x.SID)
	switch x.Kind {
	case MirrorPut:
		b = binary.LittleEndian.AppendUint64(b, x.Sub)
		b = appendFrame(b, x.Frame)
	case MirrorTook:
		b = appendFrame(b, x.Frame)
	case MirrorDone:
		b = appendID(b, x.ID)
	case MirrorAcked, MirrorReached:
		b = binary.AppendUvarint(b, x.N)
	}
	return b
}

func (d *decoder) mirror() *Mirror {
	x := &Mirror{Kind: MirrorKind(d.byte())}
	switch x.Kind {
	case MirrorReset:
		x.Held = d.held()
		d.bad = d.bad || x.Held == nil
		return x
	case MirrorBegin:
		x.Claim = d.whole()
		d.bad = d.bad || x.Claim.Record == nil
		return x
	case MirrorVoid:
		return x
	}
	x.SID = d.sid()
	switch x.Kind {
	case MirrorPut:
		x.Sub, x.Frame = d.fixed(), d.frame()
	case MirrorTook:
		x.Frame = d.frame()
	case MirrorDone:
		x.ID = d.id()
	case MirrorAcked, MirrorReached:
		x.N = d.uint()
	case MirrorEnd:
	default:
		d.bad = true
	}
	return x
}

func appendSIDs(b []byte, list []SID) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendSID(b, s)
	}
	return b
}

func (d *decoder) sids() (list []SID) {
	for range d.count(17) {
		list = append(list, d.sid())
	}
	return list
}

package router

import (
	"encoding/binary"
	"errors"
)

// errMalformed is returned for bytes that are no message.
var errMalformed = errors.New("malformed peer message")

// AppendMsg appends m in the form the peers' links carry: every integer a
// varint, every string behind its length.
func AppendMsg(b []byte, m Msg) []byte {
	b = append(b, byte(m.Type))
	b = binary.AppendUvarint(b, m.Epoch.Term)
	b = binary.AppendUvarint(b, uint64(m.Epoch.K))
	switch m.Type {
	case MsgSync:
		b = appendSync(b, m.Sync)
	case MsgGo, MsgAlive:
		b = appendGo(b, m.Go)
	case MsgFrame:
		b = appendFrame(b, m.Frame)
	case MsgDeliver:
		b = appendSID(b, m.SID)
		b = binary.LittleEndian.AppendUint64(b, m.Sub)
		b = appendFrame(b, m.Frame)
	case MsgAnswer:
		b = append(b, byte(m.Verdict))
		b = appendID(b, m.ID)
		b = binary.LittleEndian.AppendUint64(b, m.Sub)
		b = appendSID(b, m.SID)
	case MsgResolve:
		b = appendID(b, m.ID)
	case MsgBind:
		b = append(b, byte(m.Kind), flags(m.Carbons, m.Claim != nil))
		b = appendSID(b, m.SID)
		b = appendString(b, m.JID)
		if m.Claim != nil {
			b = appendWhole(b, m.Claim)
		}
	case MsgBound:
		b = appendSID(b, m.SID)
		b = appendStamp(b, m.Stamp)
		b = appendString(b, m.Reason)
	case MsgClose:
		b = appendSID(b, m.SID)
		b = appendString(b, m.Reason)
	case MsgUnbind, MsgClosed, MsgForget:
		b = appendSID(b, m.SID)
	default:
		b = appendResumption(b, m)
	}
	return b
}

func appendID(b []byte, id FrameID) []byte {
	return binary.AppendUvarint(append(b, id.Inc[:]...), id.Seq)
}

func appendSID(b []byte, s SID) []byte {
	return binary.AppendUvarint(append(b, s.Inc[:]...), s.N)
}

func appendStamp(b []byte, s Stamp) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, s.Term), s.Counter)
}

func appendString[T string | []byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFrame(b []byte, f *Frame) []byte {
	b = append(b, byte(f.Class), byte(f.Mark), byte(f.Present))
	b = appendID(b, f.ID)
	b = binary.AppendUvarint(b, f.Low)
	b = binary.AppendVarint(b, f.Time)
	b = appendSID(b, f.Lane)
	b = binary.AppendUvarint(b, f.LaneSeq)
	b = appendSID(b, f.Requeue)
	b = appendString(b, f.To)
	return appendString(b, f.Raw)
}

func appendSync(b []byte, y *Sync) []byte {
	b = append(b, y.Inc[:]...)
	b = appendClaims(b, y.Claims, y.Inc)
	b = appendHeld(b, y.Held)
	b = binary.AppendUvarint(b, uint64(len(y.Seen)))
	for _, s := range y.Seen {
		b = append(b, s.Inc[:]...)
		b = binary.AppendUvarint(b, s.Low)
		b = appendSeqs(b, s.Low, s.Seqs)
		b = binary.AppendUvarint(b, uint64(len(s.Subs)))
		for _, x := range s.Subs {
			b = binary.AppendUvarint(b, x.Seq)
			b = binary.LittleEndian.AppendUint64(b, x.Sub)
		}
	}
	return b
}

func appendGo(b []byte, g *Go) []byte {
	b = appendSIDs(b, g.Kept)
	b = appendSIDs(b, g.Lost)
	b = appendSeqs(b, 0, g.Done)
	b = appendSeqs(b, 0, g.Main)
	b = appendSeqs(b, 0, g.Part)
	b = appendIncs(b, g.Dead)
	b = appendIncs(b, g.Live)
	return append(b, flags(g.Sure))
}

func appendIncs(b []byte, list []Inc) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, inc := range list {
		b = append(b, inc[:]...)
	}
	return b
}

// appendSeqs appends ascending numbers as differences: mostly one byte each.
func appendSeqs(b []byte, from uint64, seqs []uint64) []byte {
	b = binary.AppendUvarint(b, uint64(len(seqs)))
	for _, q := range seqs {
		b = binary.AppendUvarint(b, q-from)
		from = q
	}
	return b
}

func flags(list ...bool) (f byte) {
	for i, set := range list {
		if set {
			f |= 1 << i
		}
	}
	return f
}

// ParseMsg reads one message. Byte slices in it alias b, which the caller must
// not reuse.
func ParseMsg(b []byte) (Msg, error) {
	d := decoder{b: b}
	m := Msg{Type: MsgType(d.byte())}
	m.Epoch = Epoch{Term: d.uint(), K: uint32(d.uint())}
	switch m.Type {
	case MsgOpen, MsgPing, MsgPong, MsgStop:
	case MsgSync:
		m.Sync = d.sync()
	case MsgGo, MsgAlive:
		m.Go = d.goes()
	case MsgFrame:
		m.Frame = d.frame()
	case MsgDeliver:
		m.SID, m.Sub = d.sid(), d.fixed()
		m.Frame = d.frame()
	case MsgAnswer:
		m.Verdict = Verdict(d.byte())
		m.ID, m.Sub, m.SID = d.id(), d.fixed(), d.sid()
	case MsgResolve:
		m.ID = d.id()
	case MsgBind:
		m.Kind = Kind(d.byte())
		f := d.byte()
		m.Carbons = f&1 != 0
		whole := f&2 != 0
		m.SID, m.JID = d.sid(), string(d.bytes())
		if whole {
			m.Claim = d.whole()
		}
	case MsgBound:
		m.SID, m.Stamp, m.Reason = d.sid(), d.stamp(), string(d.bytes())
	case MsgClose:
		m.SID, m.Reason = d.sid(), string(d.bytes())
	case MsgUnbind, MsgClosed, MsgForget:
		m.SID = d.sid()
	default:
		d.resumption(&m)
	}
	if d.bad || len(d.b) != 0 {
		return Msg{}, errMalformed
	}
	return m, nil
}

// decoder reads the fields; after a fault every read is zero and bad is set.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return nil
	}
	v := d.b[:n:n]
	d.b = d.b[n:]
	return v
}

func (d *decoder) byte() byte {
	if v := d.take(1); v != nil {
		return v[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) fixed() uint64 {
	if v := d.take(8); v != nil {
		return binary.LittleEndian.Uint64(v)
	}
	return 0
}

func (d *decoder) bytes() []byte { return d.take(d.uint()) }

func (d *decoder) inc() (i Inc) {
	copy(i[:], d.take(uint64(len(i))))
	return i
}

func (d *decoder) id() FrameID  { return FrameID{d.inc(), d.uint()} }
func (d *decoder) sid() SID     { return SID{d.inc(), d.uint()} }
func (d *decoder) stamp() Stamp { return Stamp{d.uint(), d.uint()} }

func (d *decoder) frame() *Frame {
	f := &Frame{Class: Class(d.byte()), Mark: Mark(d.byte()), Present: int8(d.byte())}
	f.ID, f.Low, f.Time = d.id(), d.uint(), d.int()
	f.Lane, f.LaneSeq, f.Requeue = d.sid(), d.uint(), d.sid()
	f.To, f.Raw = d.bytes(), d.bytes()
	return f
}

// count reads a length and refuses one that the bytes left can not hold, so
// that a crafted report allocates nothing.
func (d *decoder) count(least uint64) uint64 {
	n := d.uint()
	if n > uint64(len(d.b))/least {
		d.bad, d.b = true, nil
		return 0
	}
	return n
}

func (d *decoder) sync() *Sync {
	y := &Sync{Inc: d.inc()}
	y.Claims = d.claims(y.Inc)
	y.Held = d.held()
	for range d.count(19) {
		s := Seen{Inc: d.inc(), Low: d.uint()}
		s.Seqs = d.seqs(s.Low)
		for range d.count(9) {
			s.Subs = append(s.Subs, SubSeq{d.uint(), d.fixed()})
		}
		y.Seen = append(y.Seen, s)
	}
	return y
}

func (d *decoder) goes() *Go {
	g := &Go{Kept: d.sids(), Lost: d.sids(), Done: d.seqs(0), Main: d.seqs(0), Part: d.seqs(0), Dead: d.incs(), Live: d.incs()}
	g.Sure = d.byte()&1 != 0
	return g
}

func (d *decoder) incs() (list []Inc) {
	for range d.count(16) {
		list = append(list, d.inc())
	}
	return list
}

func (d *decoder) seqs(from uint64) []uint64 {
	var l []uint64
	for range d.count(1) {
		from += d.uint()
		l = append(l, from)
	}
	return l
}

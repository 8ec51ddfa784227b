package router

import "time"

// Bounds of one source's window (rule 14).
const (
	MaxFrames = 8192
	MaxBytes  = 16 << 20
	// GiveUp is how long a frame waits without a leader before it is bounced (rule 13).
	GiveUp = 10 * time.Second
)

// Limits bounds a Source; zero fields take the constants above.
type Limits struct {
	Frames int           // at most MaxFrames
	Bytes  int           // bytes of stanza
	GiveUp time.Duration // wait without GO
}

func (l Limits) orDefault() Limits {
	if l.Frames <= 0 || l.Frames > MaxFrames {
		l.Frames = MaxFrames
	}
	if l.Bytes <= 0 {
		l.Bytes = MaxBytes
	}
	if l.GiveUp <= 0 {
		l.GiveUp = GiveUp
	}
	return l
}

type frameState uint8

const (
	unsent   frameState = iota // no leader has seen it
	inDoubt                    // given to some leader, not answered
	resolved                   // delivered, answered or bounced: may be forgotten
)

type kept struct {
	f     *Frame
	key   uint64 // of lane and destination: frames of one key must not overtake
	state frameState
}

// orderKey hashes what RFC 6120 §10.1 keeps in order: the sender's session and
// the recipient's bare address. A collision costs one needless bounce at most.
func orderKey(f *Frame) uint64 {
	s := f.Lane
	if s == (SID{}) {
		s = f.Requeue
	}
	h := subOf(s)
	for _, b := range bareOf(f.To) {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return h
}

// Source keeps the frames this edge accepted, in order, until each is
// resolved, and resends what a new leader does not know to be done.
type Source struct {
	inc   Inc
	lim   Limits
	queue []kept // seq low … low+len-1
	low   uint64
	next  uint64 // index in queue of the first frame not sent in this epoch
	bytes int
	open  bool // between GO and the next OPEN or link loss
}

// NewSource returns an empty source whose first frame is 1.
func NewSource(inc Inc, lim Limits) *Source {
	return &Source{inc: inc, lim: lim.orDefault(), low: 1}
}

// Room reports whether another frame of that many bytes fits the window. One
// frame always fits an empty window, whatever its size.
func (s *Source) Room(size int) bool {
	return len(s.queue) == 0 || len(s.queue) < s.lim.Frames && s.bytes+size <= s.lim.Bytes
}

// Submit takes a frame, gives it its ID and sends it when the source is open.
// Requeued frames are taken past the window: they were accepted once already.
func (s *Source) Submit(f *Frame, send func(*Frame)) {
	f.ID = FrameID{s.inc, s.low + uint64(len(s.queue))}
	s.queue = append(s.queue, kept{f: f, key: orderKey(f)})
	s.bytes += f.Size()
	if s.open {
		s.flush(send)
	}
}

func (s *Source) flush(send func(*Frame)) {
	for ; s.next < uint64(len(s.queue)); s.next++ {
		k := &s.queue[s.next]
		if k.state == resolved {
			continue
		}
		k.state = inDoubt
		k.f.Low = s.low
		send(k.f)
	}
}

// Suspend stops sending until the next Go.
func (s *Source) Suspend() { s.open = false }

// Go resolves what the leader knows to be done and sends the rest in order
// (rule 4). A frame in doubt that a later one of its lane and destination has
// overtaken is bounced: its own answer was lost with the old leader, and a
// second try would arrive out of order.
func (s *Source) Go(done []uint64, send, bounce func(*Frame)) {
	for _, q := range done {
		s.mark(q)
	}
	s.trim()
	passed := make(map[uint64]bool)
	for i := len(s.queue) - 1; i >= 0; i-- {
		k := &s.queue[i]
		if k.state == resolved {
			passed[k.key] = true
		} else if k.state == inDoubt && passed[k.key] {
			f := k.f
			s.mark(f.ID.Seq)
			bounce(f)
		}
	}
	s.trim()
	s.open = true
	s.next = 0
	s.flush(send)
}

// Resolve forgets a frame and reports whether it was still kept.
func (s *Source) Resolve(seq uint64) bool {
	ok := s.mark(seq)
	s.trim()
	return ok
}

func (s *Source) mark(seq uint64) bool {
	if seq < s.low || seq-s.low >= uint64(len(s.queue)) {
		return false
	}
	k := &s.queue[seq-s.low]
	if k.state == resolved {
		return false
	}
	k.state = resolved
	s.bytes -= k.f.Size()
	k.f = nil
	return true
}

func (s *Source) trim() {
	n := 0
	for n < len(s.queue) && s.queue[n].state == resolved {
		n++
	}
	if n == 0 {
		return
	}
	s.low += uint64(n)
	s.queue = s.queue[n:]
	if s.next >= uint64(n) {
		s.next -= uint64(n)
	} else {
		s.next = 0
	}
	if len(s.queue) == 0 {
		s.queue = nil
	}
}

// Expire bounces, without a leader, what has waited past GiveUp (rule 13). A
// bounced frame is never sent again, even if a leader was given it.
func (s *Source) Expire(now int64, bounce func(*Frame)) {
	if s.open {
		return
	}
	for i := range s.queue {
		k := &s.queue[i]
		if k.state == resolved || now-k.f.Time < s.lim.GiveUp.Milliseconds() {
			continue
		}
		f := k.f
		s.mark(f.ID.Seq)
		bounce(f)
	}
	s.trim()
}

// Kept returns how many frames and bytes wait, and the oldest's ingress time.
func (s *Source) Kept() (frames, bytes int, oldest int64) {
	for i := range s.queue {
		if s.queue[i].state != resolved {
			oldest = s.queue[i].f.Time
			break
		}
	}
	return len(s.queue), s.bytes, oldest
}

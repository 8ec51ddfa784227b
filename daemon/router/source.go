package router

import (
	"slices"
	"time"
)

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
	Queues int           // bytes that all resumable clients of an edge may miss; 0 takes DefaultQueues
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

// What the clients of one account may fill of a window, so that who waits for an
// answer stops nobody else; and what is left of that in the smallest window.
const (
	windowShares = 8
	leastFrames  = 8
	leastBytes   = 128 << 10
)

// perAccount is that share.
func (l Limits) perAccount() load {
	return load{max(l.Frames/windowShares, leastFrames), max(l.Bytes/windowShares, leastBytes)}
}

// load is how much of a window is filled.
type load struct{ frames, bytes int }

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
	of    string // the account that it counts for
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
	open  bool         // between GO and the next OPEN or link loss
	done  func(*Frame) // told of each frame that is resolved; nil for nobody
	now   func() int64 // of its edge; nil for the times of the frames

	account func(*Frame) string // that a frame counts for, "" for none; nil for none ever
	loads   map[string]load     // what is not resolved, by account
}

// NewSource returns an empty source whose first frame is 1.
func NewSource(inc Inc, lim Limits) *Source {
	return &Source{inc: inc, lim: lim.orDefault(), low: 1, loads: make(map[string]load)}
}

// Limits returns the bounds of the window.
func (s *Source) Limits() Limits { return s.lim }

// Room reports whether another frame of that many bytes fits the window. One
// frame always fits an empty window, whatever its size.
func (s *Source) Room(size int) bool {
	return len(s.queue) == 0 || len(s.queue) < s.lim.Frames && s.bytes+size <= s.lim.Bytes
}

// RoomOf is Room for a client of an account, whose share counts as well; of it, too,
// one frame always fits what is empty. A component has no share: its account is "".
func (s *Source) RoomOf(account string, size int) bool {
	has, may := s.loads[account], s.lim.perAccount()
	return s.Room(size) && (has.frames == 0 || has.frames < may.frames && has.bytes+size <= may.bytes)
}

// Many reports whether it is the number of frames that leaves an account no room.
func (s *Source) Many(account string) bool {
	return len(s.queue) >= s.lim.Frames || s.loads[account].frames >= s.lim.perAccount().frames
}

// count notes what an account has more in the window, or less.
func (s *Source) count(account string, frames, bytes int) {
	if account == "" {
		return
	}
	l := s.loads[account]
	if l = (load{l.frames + frames, l.bytes + bytes}); l.frames == 0 {
		delete(s.loads, account)
		return
	}
	s.loads[account] = l
}

// Submit takes a frame, gives it its ID and sends it when the source is open.
// Requeued frames are taken past the window: they were accepted once already.
func (s *Source) Submit(f *Frame, send func(*Frame)) {
	f.ID = FrameID{s.inc, s.low + uint64(len(s.queue))}
	if f.At = f.Time; s.now != nil {
		f.At = s.now()
	}
	k := kept{f: f, key: orderKey(f)}
	if s.account != nil {
		k.of = s.account(f)
	}
	s.queue = append(s.queue, k)
	s.bytes += f.Size()
	s.count(k.of, 1, f.Size())
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
// second try would arrive out of order. One that was accepted in part is not:
// the leader knows what is missing of it.
func (s *Source) Go(g *Go, send, bounce func(*Frame)) {
	for _, q := range g.Done {
		s.mark(q)
	}
	s.trim()
	passed := make(map[uint64]bool)
	for i := len(s.queue) - 1; i >= 0; i-- {
		k := &s.queue[i]
		seq := s.low + uint64(i)
		if k.state == resolved || has(g.Main, seq) {
			passed[k.key] = true
		} else if k.state == inDoubt && passed[k.key] && !has(g.Part, seq) {
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

// has reports whether an ascending list has a number.
func has(list []uint64, seq uint64) bool {
	_, ok := slices.BinarySearch(list, seq)
	return ok
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
	s.count(k.of, -1, -k.f.Size())
	f := k.f
	k.f = nil
	if s.done != nil {
		s.done(f)
	}
	return true
}

// Forsake resolves what a session of another edge by now has sent here: that one
// has it, or its client sends it again.
func (s *Source) Forsake(lane SID) {
	for i := range s.queue {
		if k := &s.queue[i]; k.state != resolved && k.f.Lane == lane {
			s.mark(k.f.ID.Seq)
		}
	}
	s.trim()
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
		if k.state == resolved || now-k.f.At < s.lim.GiveUp.Milliseconds() || k.f.waits() {
			continue
		}
		f := k.f
		s.mark(f.ID.Seq)
		bounce(f)
	}
	s.trim()
}

// waits reports whether a frame outlasts any time without a leader: the end of
// presence, or contacts would see a ghost. Of its beginning Edge.announce takes care.
// So does an error that a client is told on the way of its session (forward).
func (f *Frame) waits() bool {
	told := f.Lane == SID{} && f.Requeue == SID{} && (f.Class == MessageError || f.Class == IQError)
	return f.Class == PresenceUnavailable || told
}

// Kept returns how many frames and bytes wait, and since when the oldest does (At).
func (s *Source) Kept() (frames, bytes int, oldest int64) {
	for i := range s.queue {
		if s.queue[i].state != resolved {
			oldest = s.queue[i].f.At
			break
		}
	}
	return len(s.queue), s.bytes, oldest
}

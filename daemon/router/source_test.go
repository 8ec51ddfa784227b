package router

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// trace notes what a source sends and bounces.
type trace struct{ sent, bounced []uint64 }

func (x *trace) send(f *Frame)   { x.sent = append(x.sent, f.ID.Seq) }
func (x *trace) bounce(f *Frame) { x.bounced = append(x.bounced, f.ID.Seq) }
func (x *trace) want(t *testing.T, what string, sent, bounced []uint64) {
	t.Helper()
	if d := cmp.Diff([][]uint64{sent, bounced}, [][]uint64{x.sent, x.bounced}); d != "" {
		t.Errorf("%s: sent and bounced (-want +got)\n%s", what, d)
	}
	*x = trace{}
}

// stanzaTo is a frame of lane n to an address.
func stanzaTo(n uint64, to string, at int64) *Frame {
	return &Frame{Class: MessageChat, Lane: SID{N: n}, To: []byte(to), Raw: make([]byte, 36), Time: at}
}

// TestSourceResumes: rule 4, and nothing before GO.
func TestSourceResumes(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{})
	for _, to := range []string{"a@d", "b@d", "c@d"} {
		s.Submit(stanzaTo(1, to, 0), x.send)
	}
	x.want(t, "before the first GO", nil, nil)
	s.Go(&Go{}, x.send, x.bounce)
	x.want(t, "GO", []uint64{1, 2, 3}, nil)
	s.Submit(stanzaTo(1, "a@d", 0), x.send)
	x.want(t, "while open", []uint64{4}, nil)
	if s.Resolve(9) || !s.Resolve(2) || s.Resolve(2) {
		t.Error("each frame is resolved once, and only what is kept")
	}
	s.Suspend()
	s.Submit(stanzaTo(1, "d@d", 0), x.send)
	x.want(t, "suspended", nil, nil)
	s.Go(&Go{Done: []uint64{1, 77}}, x.send, x.bounce)
	x.want(t, "the rest, in order, then what is new", []uint64{3, 4, 5}, nil)
}

// TestSourceOvertaken: at GO, a frame in doubt that a later one of its lane and
// destination has overtaken is bounced. Other lanes and destinations, and
// frames nobody was given, are not.
func TestSourceOvertaken(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{})
	s.Submit(stanzaTo(1, "a@d/x", 0), x.send) // 1, its answer gets lost
	s.Submit(stanzaTo(2, "a@d/x", 0), x.send) // 2, another lane
	s.Submit(stanzaTo(1, "b@d", 0), x.send)   // 3, another destination
	s.Go(&Go{}, x.send, x.bounce)
	s.Submit(stanzaTo(1, "a@d/y", 0), x.send) // 4, bare and full JID are one destination
	s.Suspend()
	s.Submit(stanzaTo(1, "a@d", 0), x.send) // 5, not sent yet
	x = trace{}
	s.Go(&Go{Done: []uint64{4}}, x.send, x.bounce)
	x.want(t, "4 overtook 1", []uint64{2, 3, 5}, []uint64{1})
	s.Suspend()
	s.Go(&Go{Done: []uint64{5}}, x.send, x.bounce)
	x.want(t, "what was bounced does not come again", []uint64{2, 3}, nil)
}

// TestSourceParts: at GO, a frame of which something was accepted is sent again,
// though a later one of its lane and destination is done; one that its recipient
// has overtakes as one that is done does.
func TestSourceParts(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{})
	for range 4 {
		s.Submit(stanzaTo(1, "a@d", 0), x.send)
	}
	s.Go(&Go{}, x.send, x.bounce)
	s.Suspend()
	x = trace{}
	s.Go(&Go{Main: []uint64{2}, Part: []uint64{3}, Done: []uint64{4}}, x.send, x.bounce)
	x.want(t, "1 is overtaken", []uint64{2, 3}, []uint64{1})
	s.Suspend()
	s.Submit(stanzaTo(1, "a@d", 0), x.send)
	s.Go(&Go{Main: []uint64{5}}, x.send, x.bounce)
	x.want(t, "so are 2 and 3", []uint64{5}, []uint64{3, 2})
}

// TestSourceGivesUp: rule 13.
func TestSourceGivesUp(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{GiveUp: time.Second})
	s.Submit(stanzaTo(1, "a@d", 0), x.send)
	s.Go(&Go{}, x.send, x.bounce)
	s.Expire(5000, x.bounce)
	x.want(t, "while a leader is there nothing expires", []uint64{1}, nil)
	s.Suspend()
	s.Submit(stanzaTo(1, "a@d", 4500), x.send)
	s.Expire(5000, x.bounce)
	x.want(t, "in doubt", nil, []uint64{1})
	s.Expire(5499, x.bounce)
	x.want(t, "not yet", nil, nil)
	s.Expire(5500, x.bounce)
	x.want(t, "unsent", nil, []uint64{2})
	s.Go(&Go{}, x.send, x.bounce)
	x.want(t, "never sent again", nil, nil)
	if frames, bytes, _ := s.Kept(); frames != 0 || bytes != 0 {
		t.Errorf("%d frames, %d bytes are kept", frames, bytes)
	}
}

// TestSourceWindow: rule 14.
func TestSourceWindow(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{Frames: 3, Bytes: 400})
	if !s.Room(1 << 20) {
		t.Error("one frame, however large, fits an empty window")
	}
	for range 3 {
		if !s.Room(100) {
			t.Fatal("no room")
		}
		s.Submit(stanzaTo(1, "a@d", 7), x.send)
	}
	if s.Room(1) {
		t.Error("room beyond the frames")
	}
	if frames, bytes, oldest := s.Kept(); frames != 3 || bytes != 3*(36+3+64) || oldest != 7 {
		t.Errorf("%d frames, %d bytes, oldest %d", frames, bytes, oldest)
	}
	s.Resolve(2)
	if s.Room(1) {
		t.Error("the window is dense: 2 is done, but 1 is not")
	}
	s.Resolve(1)
	if !s.Room(400-103) || s.Room(400-102) {
		t.Error("the bytes are not counted exactly")
	}
	s.Submit(&Frame{Requeue: SID{N: 1}, Raw: make([]byte, 1<<20)}, x.send)
	if frames, _, _ := s.Kept(); frames != 2 || s.Room(1) {
		t.Errorf("a returned frame is taken past the window: %d frames", frames)
	}
}

// TestSourceModel runs a source against a list. low never passes an unresolved
// frame; every frame ends once, as resolved or bounced; what is sent ascends in
// an epoch and was not ended; the window is counted exactly.
func TestSourceModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := NewSource(Inc{1}, Limits{Frames: 8, Bytes: 4000, GiveUp: 100 * time.Millisecond})
		var kept []*Frame
		ended := make(map[uint64]bool)
		var last uint64 // sent in this epoch
		open, now := false, int64(0)
		end := func(q uint64) {
			if ended[q] {
				rt.Fatalf("frame %d ended twice", q)
			}
			ended[q] = true
		}
		send := func(f *Frame) {
			if !open || ended[f.ID.Seq] || f.ID.Seq <= last {
				rt.Fatalf("frame %d sent: open %v, ended %v, behind %d", f.ID.Seq, open, ended[f.ID.Seq], last)
			}
			if f.Low > f.ID.Seq || slices.ContainsFunc(kept, func(k *Frame) bool { return k.ID.Seq < f.Low && !ended[k.ID.Seq] }) {
				rt.Fatalf("frame %d says low is %d", f.ID.Seq, f.Low)
			}
			last = f.ID.Seq
		}
		bounce := func(f *Frame) { end(f.ID.Seq) }
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			now += rapid.Int64Range(0, 20).Draw(rt, "time")
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1:
				f := stanzaTo(rapid.Uint64Range(1, 2).Draw(rt, "lane"), rapid.SampledFrom([]string{"a@d", "b@d"}).Draw(rt, "to"), now)
				if !s.Room(f.Size()) {
					f.Requeue, f.Lane = f.Lane, SID{}
				}
				kept = append(kept, f)
				s.Submit(f, send)
				if f.ID != (FrameID{Inc{1}, uint64(len(kept))}) {
					rt.Fatalf("frame %d has ID %v", len(kept), f.ID)
				}
			case 2:
				q := rapid.Uint64Range(0, uint64(len(kept)+1)).Draw(rt, "resolve")
				if could := q >= 1 && q <= uint64(len(kept)) && !ended[q]; s.Resolve(q) != could {
					rt.Fatalf("resolving %d: want %v", q, could)
				} else if could {
					end(q)
				}
			case 3:
				open = false
				s.Suspend()
			case 4:
				done := rapid.SliceOfNDistinct(rapid.Uint64Range(1, uint64(len(kept)+1)), 0, 3, rapid.ID).Draw(rt, "done")
				for _, q := range done {
					if q <= uint64(len(kept)) && !ended[q] {
						end(q)
					}
				}
				open, last = true, 0
				s.Go(&Go{Done: done}, send, bounce)
			case 5:
				s.Expire(now, bounce)
			}
			bytes := 0
			for _, f := range kept {
				if !ended[f.ID.Seq] {
					bytes += f.Size()
				}
			}
			if _, b, _ := s.Kept(); b != bytes {
				rt.Fatalf("%d bytes are kept, want %d", b, bytes)
			}
		}
		open, last = true, 0
		s.Go(&Go{}, send, bounce)
		for q := range uint64(len(kept)) {
			if !ended[q+1] && !s.Resolve(q+1) {
				rt.Fatalf("frame %d was forgotten", q+1)
			}
		}
		if f, b, _ := s.Kept(); f != 0 || b != 0 {
			rt.Fatalf("%d frames, %d bytes are left", f, b)
		}
	})
}

// TestSourceShares: one account fills an eighth of the window, in frames and in bytes;
// one stanza always fits where it has none, and others have the rest.
func TestSourceShares(t *testing.T) {
	var x trace
	s := NewSource(Inc{1}, Limits{Frames: 160, Bytes: 2 << 20})
	s.account = func(f *Frame) string { return map[uint64]string{1: "ann@d", 2: "ann@d", 3: "bob@d"}[f.Lane.N] }
	for n := range 20 {
		if !s.RoomOf("ann@d", 100) {
			t.Fatalf("no room for frame %d", n)
		}
		s.Submit(stanzaTo(uint64(1+n%2), "a@d", 0), x.send)
	}
	if s.RoomOf("ann@d", 0) || !s.Many("ann@d") || !s.RoomOf("bob@d", 100) || !s.RoomOf("", 100) || s.Many("bob@d") {
		t.Error("frames past the share")
	}
	s.Resolve(7)
	if !s.RoomOf("ann@d", 100) {
		t.Error("no room when one is resolved, though others before it are not")
	}
	large := stanzaTo(3, "a@d", 0)
	large.Raw = make([]byte, 300<<10)
	if !s.RoomOf("bob@d", large.Size()) {
		t.Error("one stanza of more than the share does not fit")
	}
	s.Submit(large, x.send)
	if s.RoomOf("bob@d", 0) || s.Many("bob@d") || !s.RoomOf("ann@d", 100) {
		t.Error("bytes past the share")
	}
	s.Forsake(SID{N: 3})
	if !s.RoomOf("bob@d", 100) || len(s.loads) != 1 {
		t.Errorf("when it is done: %v", s.loads)
	}
}

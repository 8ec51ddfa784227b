package router

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestSeenModel compares the ring with a plain set.
func TestSeenModel(t *testing.T) {
	type key struct{ seq, sub uint64 }
	rapid.Check(t, func(rt *rapid.T) {
		low := rapid.Uint64Range(1, 3*ring).Draw(rt, "low")
		s := &seenSet{low: low}
		model := make(map[key]bool)
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			k := key{low + rapid.Uint64Range(0, ring+3).Draw(rt, "ahead"), rapid.Uint64Range(0, 2).Draw(rt, "sub")}
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1, 2:
				if s.has(k.seq, k.sub) {
					continue // an owner never adds what it has
				}
				if ok := s.add(k.seq, k.sub); ok != (k.seq < low+ring) {
					rt.Fatalf("adding %v above %d: %v", k, low, ok)
				} else if ok {
					model[k] = true
				}
			case 3:
				if got := s.has(k.seq, k.sub); got != model[k] {
					rt.Fatalf("has %v: %v", k, got)
				}
			case 4:
				low += rapid.SampledFrom([]uint64{0, 1, 7, 63, 64, 65, ring - 1, ring, ring + 1, 5 * ring}).Draw(rt, "advance")
				s.advance(low)
				for k := range model {
					if k.seq < low {
						delete(model, k)
					}
				}
			case 5:
				s.advance(low - 1) // never back
			}
			if low > 1 && !s.has(low-1, k.sub) {
				rt.Fatal("what is below low was resolved, and counts as seen")
			}
		}
		back := make(map[key]bool)
		r := s.report(Inc{1})
		for i, q := range r.Seqs {
			back[key{q, 0}] = true
			if i > 0 && q <= r.Seqs[i-1] {
				rt.Fatalf("the report is not ascending: %v", r.Seqs)
			}
		}
		for _, x := range r.Subs {
			back[key{x.Seq, x.Sub}] = true
		}
		if d := cmp.Diff(model, back, cmp.AllowUnexported(key{})); d != "" || r.Low != low {
			rt.Fatalf("the report says (-model +report)\n%s", d)
		}
	})
}

// TestSeenRing: the edges of the ring and of its words.
func TestSeenRing(t *testing.T) {
	s := &seenSet{low: 63}
	for _, q := range []uint64{63, 64, 127, 128, 63 + ring - 1} {
		if s.has(q, 0) || !s.add(q, 0) || !s.has(q, 0) {
			t.Errorf("adding %d", q)
		}
	}
	if s.add(63+ring, 0) || s.has(63+ring, 0) {
		t.Error("a number beyond the ring was taken")
	}
	if d := cmp.Diff([]uint64{63, 64, 127, 128, 63 + ring - 1}, s.report(Inc{}).Seqs); d != "" {
		t.Errorf("report (-want +got)\n%s", d)
	}
	s.advance(64)
	if !s.add(63+ring, 0) {
		t.Error("the place of 63 is not free again")
	}
	if d := cmp.Diff([]uint64{64, 127, 128, 63 + ring - 1, 63 + ring}, s.report(Inc{}).Seqs); d != "" {
		t.Errorf("report (-want +got)\n%s", d)
	}
}

// TestOwnerDelivers: rule 7, one row per state a session can be in.
func TestOwnerDelivers(t *testing.T) {
	box := &box{}
	o := NewOwner()
	for n, state := range []ownedState{asking, live, closing, closed} {
		o.sessions[SID{N: uint64(n)}] = &owned{Claim: Claim{SID: SID{N: uint64(n)}, Record: &Record{}}, sink: box, state: state}
	}
	want := []Verdict{Gone, Accepted, Accepted, Gone}
	for n, v := range want {
		f := &Frame{ID: FrameID{Seq: uint64(10 + n)}, Low: 10, Raw: []byte("s")}
		for range 2 { // what was accepted is accepted again, and not handed over again
			if got, full := o.Deliver(f, SID{N: uint64(n)}, 0); got != v || full != nil {
				t.Errorf("state %d: verdict %d, want %d", n, got, v)
			}
		}
	}
	if len(box.got) != 1 || len(o.sessions[SID{N: 2}].box) != 1 {
		t.Errorf("the stream has %d stanzas, the box %d, want 1 and 1", len(box.got), len(o.sessions[SID{N: 2}].box))
	}
	if v, _ := o.Deliver(&Frame{ID: FrameID{Seq: 1}, Low: 10}, SID{N: 1}, 0); v != Accepted || len(box.got) != 1 {
		t.Errorf("a stanza below low: verdict %d, %d handed over", v, len(box.got))
	}
	if v, _ := o.Deliver(&Frame{ID: FrameID{Seq: 10 + ring}, Low: 10}, SID{N: 1}, 0); v != Full {
		t.Errorf("a stanza beyond the ring: verdict %d", v)
	}
	box.full = true
	v, full := o.Deliver(&Frame{ID: FrameID{Seq: 20}, Low: 10}, SID{N: 1}, 0)
	if v != Full || full == nil || full.SID.N != 1 {
		t.Errorf("outbox over its bound: verdict %d, session %v", v, full)
	}
	big := &Frame{ID: FrameID{Seq: 21}, Low: 10, Raw: make([]byte, boxBound)}
	if v, _ := o.Deliver(big, SID{N: 2}, 0); v != Full {
		t.Errorf("box over its bound: verdict %d", v)
	}
}

// box is the outbox of a stream in these tests.
type box struct {
	got  [][]byte
	full bool
	shut []string
}

func (b *box) Enqueue(raw []byte) bool {
	if b.full || len(b.shut) > 0 {
		return false
	}
	b.got = append(b.got, raw)
	return true
}

func (b *box) Drain() [][]byte {
	left := b.got
	b.got = nil
	return left
}

func (b *box) Ack(uint32)            {}
func (b *box) Ask()                  {}
func (b *box) Room(int, int) bool    { return !b.full }
func (b *box) Shut(condition string) { b.shut = append(b.shut, condition) }

package router

import "slices"

// ring is how many sequence numbers a seenSet spans from its low mark: twice
// the largest window of a source, a power of two.
const ring = 2 * MaxFrames

// seenSet is the exact set of (seq, sub) an owner accepted from one source
// with seq ≥ low. It is never a high-water mark: after a leader change frames
// arrive out of sequence, and a mark would lose the late ones.
type seenSet struct {
	low  uint64
	bits [ring / 64]uint64
	subs map[uint64][]uint64
}

func (s *seenSet) has(seq, sub uint64) bool {
	if seq < s.low {
		return true // the source has forgotten it, so it was resolved
	}
	if sub != 0 {
		return slices.Contains(s.subs[seq], sub)
	}
	i := seq % ring
	return seq < s.low+ring && s.bits[i/64]&(1<<(i%64)) != 0
}

// add records an acceptance. A seq beyond the ring can not come from a source
// that keeps its window; add reports false and the frame must be refused.
func (s *seenSet) add(seq, sub uint64) bool {
	if seq >= s.low+ring {
		return false
	}
	if sub != 0 {
		if s.subs == nil {
			s.subs = make(map[uint64][]uint64)
		}
		s.subs[seq] = append(s.subs[seq], sub)
		return true
	}
	i := seq % ring
	s.bits[i/64] |= 1 << (i % 64)
	return true
}

// advance forgets everything below low.
func (s *seenSet) advance(low uint64) {
	if low <= s.low {
		return
	}
	if low-s.low >= ring {
		s.bits = [ring / 64]uint64{}
	} else {
		for q := s.low; q < low; q++ {
			i := q % ring
			s.bits[i/64] &^= 1 << (i % 64)
		}
	}
	for q := range s.subs {
		if q < low {
			delete(s.subs, q)
		}
	}
	s.low = low
}

func (s *seenSet) report(inc Inc) Seen {
	r := Seen{Inc: inc, Low: s.low}
	for q := s.low; q < s.low+ring; q++ {
		i := q % ring
		if s.bits[i/64] == 0 {
			q |= 63 // the rest of this word is empty too
			continue
		}
		if s.bits[i/64]&(1<<(i%64)) != 0 {
			r.Seqs = append(r.Seqs, q)
		}
	}
	for q, subs := range s.subs {
		for _, sub := range subs {
			r.Subs = append(r.Subs, SubSeq{q, sub})
		}
	}
	slices.SortFunc(r.Subs, func(a, b SubSeq) int {
		if a.Seq != b.Seq {
			if a.Seq < b.Seq {
				return -1
			}
			return 1
		}
		if a.Sub < b.Sub {
			return -1
		}
		return 1
	})
	return r
}

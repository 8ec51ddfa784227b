package replica

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"

	"quorate.org/daemon/archive"
	"quorate.org/daemon/im"
)

// Effect names what a command does on behalf of one stanza (cluster-protocol
// rule 9): the frame, by the incarnation of the edge that took it and its
// number there, and which of the frame's effects it is.
type Effect struct {
	Inc Source `json:"inc"`
	Seq uint64 `json:"seq"`
	Low uint64 `json:"low"` // the oldest frame the source may still send again
}

// Source is one start of one node, 128 random bits.
type Source [16]byte

// MarshalText writes the source in hex.
func (s Source) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Source) UnmarshalText(b []byte) error {
	if len(b) != 2*len(s) {
		return fmt.Errorf("a source has %d hexadecimal digits, not %d", 2*len(s), len(b))
	}
	_, err := hex.Decode(s[:], b)
	return err
}

// Applied is which effects of one source were applied, while they may come
// again, and what became of each.
type Applied struct {
	Low  uint64                `json:"low"`
	Used uint64                `json:"used"` // log index of the last
	Done map[uint64]im.Outcome `json:"done,omitempty"`

	Filed map[uint64]archive.Filed `json:"filed,omitempty"` // messages in archives, which may have an outcome beside
}

// maxSources is of how many sources the effects are kept, the latest first; the
// frames of a source live for seconds.
const maxSources = 64

// Outcome returns what became of an effect; ok is false if it was not applied.
func (s *State) Outcome(e Effect) (out im.Outcome, ok bool) {
	out, ok = s.Applied[e.Inc].Done[e.Seq]
	return out, ok
}

// repeated reports whether an effect was applied, or is of a frame that its
// source has forgotten.
func (s *State) repeated(e Effect) bool {
	a := s.Applied[e.Inc]
	_, done := a.Done[e.Seq]
	return done || e.Seq < a.Low
}

// note enters an effect and forgets those that can not come again. s must be a
// fork.
func (s *State) note(index uint64, e Effect, out im.Outcome) {
	a := s.noted(e)
	a.Done[e.Seq] = out
	s.enter(index, e.Inc, a)
}

// noteFiled enters that a message is filed. s must be a fork.
func (s *State) noteFiled(index uint64, e Effect, f archive.Filed) {
	a := s.noted(e)
	a.Filed[e.Seq] = f
	s.enter(index, e.Inc, a)
}

// noted returns what is noted of a source, without what can not come again, to be
// added to: a copy, unless the batch under way has made one. Thousands of a source
// may be in doubt at a time, and to copy them for each of a batch took seconds.
func (s *State) noted(e Effect) Applied {
	a := s.Applied[e.Inc]
	if !s.ours[e.Inc] {
		a.Done, a.Filed = copied(a.Done), copied(a.Filed)
		if s.ours != nil {
			s.ours[e.Inc] = true
		}
	}
	if e.Low > a.Low {
		a.Low = e.Low
		maps.DeleteFunc(a.Done, func(seq uint64, _ im.Outcome) bool { return seq < e.Low })
		maps.DeleteFunc(a.Filed, func(seq uint64, _ archive.Filed) bool { return seq < e.Low })
	}
	return a
}

// copied is maps.Clone, but never nil.
func copied[V any](m map[uint64]V) map[uint64]V {
	n := make(map[uint64]V, len(m)+1)
	maps.Copy(n, m)
	return n
}

func (s *State) enter(index uint64, inc Source, a Applied) {
	a.Used = index
	s.Applied = put(s.Applied, inc, a)
	if len(s.Applied) > maxSources {
		s.forgetSource()
	}
}

// forgetSource drops the source whose last effect is oldest, of several in one
// entry of the log the least: every node drops the same.
func (s *State) forgetSource() {
	oldest, used := Source{}, ^uint64(0)
	for source, a := range s.Applied {
		if a.Used < used || a.Used == used && bytes.Compare(source[:], oldest[:]) < 0 {
			oldest, used = source, a.Used
		}
	}
	delete(s.Applied, oldest)
	delete(s.ours, oldest)
}

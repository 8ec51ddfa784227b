package router

import (
	"fmt"
	"testing"
)

// TestFanOutSharesItsBytes: of a stanza for all the resumable sessions of an account the
// leader has one copy, whatever their number, and it is not what a link read.
func TestFanOutSharesItsBytes(t *testing.T) {
	r := newRig(t)
	var claims []Claim
	for i := range 100 {
		c := claim("b", uint64(i+1), fmt.Sprintf("juliet@d/%d", i), uint64(i+1))
		c.Token, c.Bound, c.Record = fmt.Sprint("t", i), 1<<20, &Record{}
		claims = append(claims, c)
	}
	r.serve(1, map[NodeID][]Claim{"b": claims})
	r.l.pinged = r.now
	r.from("b", Msg{Type: MsgPong})
	read := []byte("a headline")
	r.from("b", Msg{Type: MsgFrame, Frame: &Frame{ID: FrameID{incOf("b"), 1}, Low: 1, Lane: SID{incOf("b"), 1}, LaneSeq: 1,
		Class: MessageHeadline, To: []byte("juliet@d"), Raw: read}})
	copies := make(map[*byte]int)
	for _, s := range r.l.sessions {
		for _, e := range s.Queue {
			copies[&e.Raw[0]]++
		}
	}
	if len(copies) != 1 || copies[&read[0]] != 0 {
		t.Errorf("%d copies of the stanza, %d of what was read", len(copies), copies[&read[0]])
	}
	for _, n := range copies {
		if n != 100 {
			t.Errorf("%d sessions have it", n)
		}
	}
}

// TestDirectedIsBounded: the addresses that a session sent presence to are bounded by
// their length as well as by their number, and one that is left makes room.
func TestDirectedIsBounded(t *testing.T) {
	var r Record
	say := func(c Class, i, size int) {
		r.note(&Frame{Class: c, To: fmt.Appendf(nil, "%0*d@d", size-2, i)})
	}
	for i := range 300 {
		say(PresenceAvailable, i, 60)
	}
	if len(r.Directed) != 256 {
		t.Errorf("%d short addresses", len(r.Directed))
	}
	r = Record{}
	for i := range 20 {
		say(PresenceAvailable, i, 3000)
	}
	if len(r.Directed) != 5 {
		t.Errorf("%d long addresses", len(r.Directed))
	}
	say(PresenceUnavailable, 3, 3000)
	say(PresenceAvailable, 7, 3000)
	if len(r.Directed) != 5 {
		t.Errorf("%d long addresses when one was left for another", len(r.Directed))
	}
}

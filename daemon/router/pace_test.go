package router

import (
	"fmt"
	"testing"
)

// TestPacedPartsAreMadeOnce: a part that waits for room is not made again to see that it
// still has to, however many frames of however many sessions wait, and however often
// the clock says so.
func TestPacedPartsAreMadeOnce(t *testing.T) {
	r := newRig(t)
	var claims []Claim
	for i := range 5 {
		c := claim("b", uint64(i+1), fmt.Sprintf("juliet@d/%d", i), uint64(i+1))
		c.Token, c.Bound, c.Record = fmt.Sprint("t", i), 1<<20, &Record{}
		claims = append(claims, c)
	}
	r.serve(1, map[NodeID][]Claim{"b": claims})
	made := 0
	for n := range uint64(200) {
		s := r.l.sessions[SID{incOf("b"), n%5 + 1}]
		f := &Frame{ID: FrameID{incOf("b"), n + 1}, Low: 1, Lane: s.SID, LaneSeq: n/5 + 1, Class: IQResult}
		r.l.emit(f, nil, []part{{to: s, sub: 7, make: func() []byte { made++; return make([]byte, 300<<10) }},
			{to: s, sub: 8, make: func() []byte { made++; return make([]byte, 300<<10) }}})
	}
	if len(r.l.paced) != 5 {
		t.Errorf("%d frames of 5 sessions wait", len(r.l.paced))
	}
	before := made
	for range 100 {
		r.now += 20
		r.l.Tick(r.now)
	}
	if made > before+5 {
		t.Errorf("%d parts are made in vain", made-before)
	}
	resolved := 0
	for _, p := range r.sent {
		if p.m.Type == MsgResolve {
			resolved++
		}
	}
	if resolved != 190 { // of each session the first, which something was sent of, and the last are not
		t.Errorf("%d frames are resolved", resolved)
	}
	r.now += paceWait
	r.l.Tick(r.now)
	if len(r.l.paced) != 0 {
		t.Errorf("%d frames wait longer than they may", len(r.l.paced))
	}
}

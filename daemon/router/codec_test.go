package router

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleMsgs() []Msg {
	inc := Inc{1, 2, 3}
	f := &Frame{ID: FrameID{inc, 300}, Low: 299, Time: 1700000000000, Lane: SID{inc, 4}, LaneSeq: 9,
		Requeue: SID{Inc{9}, 1}, Class: IQSet, Present: -5, To: []byte("a@d/r"), Raw: []byte("<iq/>")}
	e := Epoch{7, 2}
	return []Msg{
		{Type: MsgOpen, Epoch: e},
		{Type: MsgSync, Epoch: e, Sync: &Sync{Inc: inc,
			Claims: []Claim{{SID: SID{inc, 3}, Kind: Component, JID: "c.d", Stamp: Stamp{6, 1}, Available: true, Priority: -1, Closing: true}},
			Seen:   []Seen{{Inc: Inc{5}, Low: 10, Seqs: []uint64{10, 12, 400}, Subs: []SubSeq{{11, 1 << 60}}}}}},
		{Type: MsgGo, Epoch: e, Go: &Go{Done: []uint64{1, 2, 9}, Dead: []Inc{inc}}},
		{Type: MsgFrame, Epoch: e, Frame: f},
		{Type: MsgDeliver, Epoch: e, Frame: f, SID: SID{inc, 8}, Sub: 77},
		{Type: MsgAnswer, Epoch: e, ID: f.ID, Sub: 77, SID: SID{inc, 8}, Verdict: Full},
		{Type: MsgResolve, Epoch: e, ID: f.ID},
		{Type: MsgBind, Epoch: e, SID: SID{inc, 8}, JID: "a@d/r", Kind: Client},
		{Type: MsgBound, Epoch: e, SID: SID{inc, 8}, Stamp: Stamp{7, 3}, Reason: "x"},
		{Type: MsgUnbind, Epoch: e, SID: SID{inc, 8}},
		{Type: MsgClose, Epoch: e, SID: SID{inc, 8}, Reason: "conflict"},
		{Type: MsgClosed, Epoch: e, SID: SID{inc, 8}},
		{Type: MsgPing, Epoch: e},
		{Type: MsgPong, Epoch: e},
		{Type: MsgStop, Epoch: e},
	}
}

func TestCodecRoundTrip(t *testing.T) {
	for _, m := range sampleMsgs() {
		b := AppendMsg(nil, m)
		got, err := ParseMsg(b)
		if err != nil {
			t.Errorf("type %d: %v", m.Type, err)
			continue
		}
		if d := cmp.Diff(m, got); d != "" {
			t.Errorf("type %d: (-sent +read)\n%s", m.Type, d)
		}
		for n := range b {
			if _, err := ParseMsg(b[:n]); err == nil {
				t.Errorf("type %d: cut at %d of %d bytes was accepted", m.Type, n, len(b))
			}
		}
	}
}

// FuzzParseMsg: whatever is accepted says the same when sent on.
func FuzzParseMsg(f *testing.F) {
	for _, m := range sampleMsgs() {
		f.Add(AppendMsg(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMsg(b)
		if err != nil {
			return
		}
		c := AppendMsg(nil, m)
		again, err := ParseMsg(c)
		if err != nil {
			t.Fatalf("re-encoded message is refused: %v", err)
		}
		if !bytes.Equal(c, AppendMsg(nil, again)) {
			t.Fatal("encoding is not stable")
		}
	})
}

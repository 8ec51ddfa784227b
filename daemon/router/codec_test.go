package router

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"quorate.org/daemon/mesh"
)

func sampleMsgs() []Msg {
	inc := Inc{1, 2, 3}
	f := &Frame{ID: FrameID{inc, 300}, Low: 299, Time: 1700000000000, Lane: SID{inc, 4}, LaneSeq: 9,
		Requeue: SID{Inc{9}, 1}, Class: IQSet, Mark: MarkRoster | MarkTurn | MarkShy, Present: -5, To: []byte("a@d/r"), Raw: []byte("<iq/>")}
	e := Epoch{7, 2}
	c := &Claim{SID: SID{Inc{4}, 3}, JID: "a@d/r", Stamp: Stamp{6, 1}, Presence: []byte("<presence/>"), Token: "t", Gen: 2, Patience: 5000, Bound: 77, Waits: true,
		Record: &Record{Sent: 9, Base: 2, Acked: 1 << 33, Queue: []Entry{{ID: f.ID, Sub: 5, Low: 3, Raw: []byte("<iq/>")}},
			Past: []Entry{{ID: f.ID, Low: 3}}, Frames: []*Frame{f}, Directed: map[string]bool{"b@d": true},
			Shown: map[string]SID{"b@d/r": {inc, 8}}, size: 5 + nameWeight}}
	held := &Held{Epoch: e, Node: "a", Inc: inc, Claims: []Claim{*c}}
	return []Msg{
		{Type: MsgOpen, Epoch: e},
		{Type: MsgSync, Epoch: e, Sync: &Sync{Inc: inc,
			Claims: []Claim{{SID: SID{inc, 3}, Kind: Component, JID: "c.d", Stamp: Stamp{6, 1}, Available: true, Priority: -1, Closing: true,
				Interested: true, Carbons: true, Blocklist: true, Offline: 77, Presence: []byte("<presence/>")}},
			Seen: []Seen{{Inc: Inc{5}, Low: 10, Seqs: []uint64{10, 12, 400}, Subs: []SubSeq{{11, 1 << 60}}}}}},
		{Type: MsgGo, Epoch: e, Go: &Go{Done: []uint64{1, 2, 9}, Main: []uint64{4}, Part: []uint64{3, 5}, Dead: []Inc{inc}, Live: []Inc{inc, {7}}, Sure: true}},
		{Type: MsgAlive, Epoch: e, Go: &Go{Live: []Inc{inc}}},
		{Type: MsgFrame, Epoch: e, Frame: f},
		{Type: MsgDeliver, Epoch: e, Frame: f, SID: SID{inc, 8}, Sub: 77},
		{Type: MsgAnswer, Epoch: e, ID: f.ID, Sub: 77, SID: SID{inc, 8}, Verdict: Hidden},
		{Type: MsgResolve, Epoch: e, ID: f.ID},
		{Type: MsgBind, Epoch: e, SID: SID{inc, 8}, JID: "a@d/r", Kind: Client, Carbons: true},
		{Type: MsgBound, Epoch: e, SID: SID{inc, 8}, Stamp: Stamp{7, 3}, Reason: "x"},
		{Type: MsgUnbind, Epoch: e, SID: SID{inc, 8}},
		{Type: MsgClose, Epoch: e, SID: SID{inc, 8}, Reason: "conflict"},
		{Type: MsgClosed, Epoch: e, SID: SID{inc, 8}},
		{Type: MsgForget, Epoch: e, SID: SID{inc, 8}},
		{Type: MsgSync, Epoch: e, Sync: &Sync{Inc: inc, Claims: []Claim{*c}, Held: held}},
		{Type: MsgGo, Epoch: e, Go: &Go{Kept: []SID{{inc, 1}}, Lost: []SID{{inc, 2}}}},
		{Type: MsgBind, Epoch: e, SID: SID{inc, 8}, JID: "a@d/r", Claim: c},
		{Type: MsgManage, Epoch: e, SID: c.SID, Claim: c},
		{Type: MsgManaged, Epoch: e, SID: c.SID},
		{Type: MsgAcked, Epoch: e, SID: c.SID, N: 7},
		{Type: MsgReached, Epoch: e, SID: c.SID, N: 7},
		{Type: MsgResume, Epoch: e, SID: c.SID, Token: "t", JID: "a@d"},
		{Type: MsgResumed, Epoch: e, SID: c.SID, For: SID{inc, 1}, N: 3, Reason: "item-not-found"},
		{Type: MsgHalt, Epoch: e, SID: c.SID},
		{Type: MsgHalted, Epoch: e, SID: c.SID, N: 7},
		{Type: MsgYield, Epoch: e, SID: c.SID},
		{Type: MsgYielded, Epoch: e, SID: c.SID},
		{Type: MsgAdopt, Epoch: e, For: SID{inc, 1}, Claim: c},
		{Type: MsgAdopted, Epoch: e, SID: c.SID},
		{Type: MsgDrop, Epoch: e, SID: c.SID},
		{Type: MsgSettle, Epoch: e, SID: c.SID, ID: f.ID},
		{Type: MsgMirror, Epoch: e, N: 1, Mirror: &Mirror{Kind: MirrorReset, Held: held}},
		{Type: MsgMirror, Epoch: e, Mirror: &Mirror{Kind: MirrorVoid}},
		{Type: MsgMirror, Epoch: e, N: 2, Mirror: &Mirror{Kind: MirrorBegin, Claim: c}},
		{Type: MsgMirror, Epoch: e, N: 3, Mirror: &Mirror{Kind: MirrorPut, SID: c.SID, Frame: f, Sub: 1}},
		{Type: MsgMirror, Epoch: e, N: 4, Mirror: &Mirror{Kind: MirrorTook, SID: c.SID, Frame: f}},
		{Type: MsgMirror, Epoch: e, N: 5, Mirror: &Mirror{Kind: MirrorDone, SID: c.SID, ID: f.ID}},
		{Type: MsgMirror, Epoch: e, N: 6, Mirror: &Mirror{Kind: MirrorAcked, SID: c.SID, N: 9}},
		{Type: MsgMirror, Epoch: e, N: 7, Mirror: &Mirror{Kind: MirrorReached, SID: c.SID, N: 9}},
		{Type: MsgMirror, Epoch: e, N: 8, Mirror: &Mirror{Kind: MirrorEnd, SID: c.SID}},
		{Type: MsgMirrored, Epoch: e, N: 8},
		{Type: MsgWaits, Epoch: e, SID: c.SID, N: 1},
		{Type: MsgPing, Epoch: e},
		{Type: MsgPong, Epoch: e},
		{Type: MsgStop, Epoch: e},
	}
}

// The budget of architecture.md: a SYNC of 1,000 sessions has at most 200 KiB,
// with presence as clients of today send it.
func TestSyncIsSmall(t *testing.T) {
	y := &Sync{Inc: Inc{1}}
	for i := range uint64(1000) {
		jid := fmt.Sprintf("user%d@meet.example/Client.%x", i, i*7919)
		y.Claims = append(y.Claims, Claim{SID: SID{Inc{1}, i}, JID: jid, Stamp: Stamp{3, i}, Available: true, Interested: true,
			Presence: fmt.Appendf(nil, "<presence from='%s' id='%x-%x'><show>away</show><status>In a meeting</status>"+
				"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>"+
				"<idle xmlns='urn:xmpp:idle:1' since='2026-11-20T20:%02d:%02dZ'/></presence>", jid, i*104729, i*15485863, i%60, i%59)})
	}
	b := AppendMsg(nil, Msg{Type: MsgSync, Sync: y})
	t.Logf("%d bytes", len(b))
	if len(b) > 200<<10 {
		t.Error("over the budget")
	}
	if m, err := ParseMsg(b); err != nil || string(m.Sync.Claims[999].Presence) != string(y.Claims[999].Presence) {
		t.Errorf("read back: %v", err)
	}
}

// … also of sessions that can be resumed, whose clients see fifty contacts each.
func TestSyncOfResumableSessions(t *testing.T) {
	y := &Sync{Inc: Inc{1}}
	random := rand.New(rand.NewPCG(1, 2))
	name := func(i uint64) string { return fmt.Sprintf("user%d@meet.example/Client.%x", i, i*7919) }
	for i := range uint64(1000) {
		r := &Record{Sent: i, Acked: i, Shown: make(map[string]SID), Past: []Entry{{ID: FrameID{Inc{2}, i}, Low: i}}}
		for range 50 {
			n := random.Uint64N(1000)
			r.Shown[name(n)] = SID{Inc{byte(n % 3)}, n}
		}
		y.Claims = append(y.Claims, Claim{SID: SID{Inc{1}, i}, JID: name(i), Stamp: Stamp{3, i}, Available: true, Interested: true,
			Token: fmt.Sprintf("%026x", random.Uint64()), Patience: 300_000, Bound: 1 << 20, Record: r,
			Presence: fmt.Appendf(nil, "<presence from='%s' id='%x'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://client.example' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>", name(i), i*104729)})
	}
	b := AppendMsg(nil, Msg{Type: MsgSync, Sync: y})
	t.Logf("%d bytes", len(b))
	if len(b) > 200<<10 {
		t.Error("over the budget")
	}
	if m, err := ParseMsg(b); err != nil || len(m.Sync.Claims[999].Shown) != len(y.Claims[999].Shown) {
		t.Errorf("read back: %v", err)
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
		if d := cmp.Diff(m, got, cmp.AllowUnexported(Record{})); d != "" {
			t.Errorf("type %d: (-sent +read)\n%s", m.Type, d)
		}
		for n := range b {
			if _, err := ParseMsg(b[:n]); err == nil {
				t.Errorf("type %d: cut at %d of %d bytes was accepted", m.Type, n, len(b))
			}
		}
	}
}

// speech is the digest of the sample messages in each version of the peer protocol.
var speech = map[int]string{2: "5150159e55cc03ec", 3: "f36020d6f815d063"}

// TestSpeech: a message that looks different is another version of the peer
// protocol. What a message means is for its author to remember.
func TestSpeech(t *testing.T) {
	h := sha256.New()
	for _, m := range sampleMsgs() {
		h.Write(AppendMsg(nil, m))
	}
	if got := fmt.Sprintf("%x", h.Sum(nil)[:8]); got != speech[mesh.Spoken.Most] {
		t.Errorf("the messages between nodes have changed since version %d: raise mesh.Spoken, and enter %s for it", mesh.Spoken.Most, got)
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
